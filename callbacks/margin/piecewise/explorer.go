package piecewise

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
)

const (
	beyond = 1e-10 // how far beyond the boundary points are to be, as a share of the sample's gap

	halvings      = 6   // of the way to a start, to find the boundary on it
	startPatience = 10  // starts in succession that lead to nothing new, before the rest is left
	kicks         = 120 // random points that are starts, at most kicksEach a dimension
	kicksEach     = 4
	kickPatience  = 40   // as startPatience
	kickShare     = 2.5  // their distance from the nearest boundary point, as a share of its own, on the mean
	evaluations   = 8000 // of the network, that descents may take, in multiplications

	fewUnits    = 64    // hidden units up to which the bounds are meant to meet
	fewNodes    = 20000 // of branch and bound for so many units
	branches    = 1e7   // multiplications of branch and bound for more units
	leastRounds = 6     // of the search for the radius of a free ball
	mostRounds  = 40
)

// Explorer finds nearest boundary points of a network, and bounds of their
// distances. It belongs to one goroutine.
type Explorer struct {
	// Brief limits branch and bound of a small network to the work that it may take for
	// a large one.
	Brief bool

	view      *view
	bounds    *bounds    // nil if there are none for the activation
	descent   *descent   // nil if the activation is smooth
	branching *branching // nil if one of them is
}

// NewExplorer returns an Explorer of a network.
func NewExplorer(n *Network) *Explorer {
	e := &Explorer{view: newView(n)}
	if len(n.layers) == 1 || boundable(n.activation) {
		e.bounds = newBounds(e.view)
	}
	if slope, ok := n.activation.Slope(); ok || len(n.layers) == 1 {
		e.descent = newDescent(newRegion(e.view, slope))
	}
	if e.bounds != nil && e.descent != nil {
		e.branching = &branching{bounds: e.bounds, descent: e.descent}
	}
	return e
}

// Nearest is the nearest boundary point that an Explorer has found.
type Nearest struct {
	Y       []float64 // the point is x₀ + Q·Y; nil if none was found
	Settled bool      // whether no linear region that touches it has a nearer one
	// Lower is a lower bound of the distance to the boundary; 0 if none is known.
	Lower float64
	// Work is the number of multiplications.
	Work float64
}

// Nearest goes from points beyond the boundary of a class around the sample x, given
// as their offsets in the row space, from linear region to linear region to the
// nearest boundary points. Then it starts at random points about the best one. Each
// of the two ends early once many starts in succession lead to nothing new. The
// lower bound comes from branch and bound, as far as its budget goes, and from the
// largest ball that linear relaxations keep free.
func (e *Explorer) Nearest(x []float64, class int, starts [][]float64, rng *rand.Rand) Nearest {
	e.view.move(x, class)
	e.descent.seen, e.descent.forgetful = e.descent.seen[:0], false
	var best Nearest
	if len(starts) == 0 || !(length(starts[0]) > 0) {
		return best
	}
	e.measure(length(starts[0]))
	e.tryEach(&best, len(starts), startPatience, func(i int) []float64 { return starts[i] })
	if best.Y == nil {
		return best
	}
	if e.view.Hidden() > 0 {
		y := make([]float64, e.view.space)
		e.tryEach(&best, min(kicks, kicksEach*len(y)), kickPatience, func(int) []float64 {
			spread := kickShare * (0.5 + rng.Float64()) * length(best.Y) / math.Sqrt(float64(len(y)))
			for k := range y {
				y[k] = best.Y[k] + spread*rng.NormFloat64()
			}
			return y
		})
	}
	e.certify(&best)
	best.Work = e.work()
	return best
}

// tryEach tries n points, or fewer if so many in succession lead to nothing new.
func (e *Explorer) tryEach(best *Nearest, n, patience int, point func(i int) []float64) {
	for i, left := 0, patience; i < n && left > 0; i++ {
		if left--; e.try(best, point(i)) {
			left = patience
		}
	}
}

// try descends from a point, if the budget is not spent, and keeps the end if it is
// nearer than the best one. It reports whether the way led to a point that was not
// known.
func (e *Explorer) try(best *Nearest, y []float64) bool {
	d, unit := e.descent, e.view.unit
	if d.spent() > evaluations*e.view.Work() {
		return false
	}
	t := make([]float64, len(y))
	floats.ScaleTo(t, 1/unit, y)
	d.approach(t)
	v := d.descend(t, math.Inf(1))
	if v == nil {
		return false
	}
	if best.Y == nil || v.norm*unit < length(best.Y)*(1-gain) {
		floats.ScaleTo(t, unit, v.t)
		best.Y, best.Settled = t, v.settled
	}
	return true
}

// certify sets the lower bound. It may find a nearer point on the way.
func (e *Explorer) certify(best *Nearest) {
	distance := length(best.Y)
	e.measure(distance)
	e.bounds.begin()
	nodes := int(branches / (e.bounds.cost + 1))
	if e.view.Hidden() <= fewUnits && !e.Brief {
		nodes = fewNodes
	}
	s := e.branching
	e.descent.forgetful = true
	lower := s.search(nearlyOne, nodes)
	if v := s.nearest; v != nil {
		floats.ScaleTo(best.Y, distance, v.t)
		best.Settled = v.settled
	}
	if lower < s.limit {
		clear(e.bounds.fixed)
		lower = max(lower, e.bounds.free(s.limit, e.rounds()))
	}
	best.Lower = lower * distance * (1 - rounding)
}

// rounds is how many balls are tried, fewer of them for a large network.
func (e *Explorer) rounds() int {
	affordable := evaluations * e.view.Work() / (e.bounds.cost + 1)
	return int(min(max(affordable, leastRounds), mostRounds))
}

// Lower returns a lower bound of the distance of the sample x to the boundary of its
// class, at most reach; 0 if none is known.
func (e *Explorer) Lower(x []float64, class int, reach float64) float64 {
	if e.bounds == nil || !(reach > 0) {
		return 0
	}
	e.view.move(x, class)
	e.measure(reach)
	e.bounds.begin()
	radius := nearlyOne
	if !e.bounds.clear(radius) {
		radius = e.bounds.free(radius, e.rounds())
	}
	return radius * reach * (1 - rounding)
}

// measure takes a unit of length.
func (e *Explorer) measure(unit float64) {
	e.view.measure(unit)
	if d := e.descent; d != nil {
		values := d.evaluate(make([]float64, d.space), d.slope)
		logits := values[len(values)-1]
		gap, _ := d.gap(logits)
		d.slack = beyond*gap + rounding/10*floats.Norm(logits, math.Inf(1))
	}
}

// work returns the multiplications since the last call.
func (e *Explorer) work() float64 {
	b, s := e.bounds, e.branching
	work := e.descent.spent() + b.work + s.program.work
	e.descent.work, e.descent.program.work, b.work, s.program.work = 0, 0, 0, 0
	return work
}
