package piecewise

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
)

const (
	// Certainty is the relative distance of the bounds of a distance within which it
	// is certified.
	Certainty = 1e-6

	beyond   = 1e-10 // how far beyond the boundary points are to be, as a share of the sample's gap
	rounding = 1e-12 // of logits, and of norms

	kicks     = 8   // random points about the nearest boundary point that are starts
	kickShare = 0.5 // distance from it to them, as a share of its own
	kickReach = 1.3 // and how much farther from the sample they are
	smallNet  = 64  // hidden units up to which a net's bounds are to meet
	smallWork = 20000
	branches  = 4e7 // multiplications of branch and bound for a larger net
)

// Explorer finds nearest boundary points of a network, and bounds of their
// distances. It belongs to one goroutine.
type Explorer struct {
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
// nearest boundary points. It starts also at random points about the best one.
func (e *Explorer) Nearest(x []float64, class int, starts [][]float64, rng *rand.Rand) Nearest {
	e.move(x, class)
	d := e.descent
	var best Nearest
	shortest := math.Inf(1)
	try := func(y []float64) {
		norm := floats.Norm(y, 2)
		if !(norm > 0) {
			return
		}
		e.measure(norm)
		t := make([]float64, len(y))
		floats.ScaleTo(t, 1/norm, y)
		if v := d.descend(t, math.Inf(1)); v != nil && v.norm*norm < shortest*(1-gain) {
			shortest = v.norm * norm
			floats.ScaleTo(t, norm, v.t)
			best.Y, best.Settled = t, v.settled
		}
	}
	for _, y := range starts {
		try(y)
	}
	if len(d.on) > 0 && best.Y != nil {
		y := make([]float64, e.view.space)
		for range kicks {
			for i := range y {
				y[i] = kickReach * (best.Y[i] + kickShare*shortest*rng.NormFloat64()/math.Sqrt(float64(len(y))))
			}
			try(y)
		}
	}
	if best.Y != nil {
		e.certify(&best, shortest)
	}
	best.Work = e.work()
	return best
}

// certify sets the lower bound, and by the way may find a nearer point.
func (e *Explorer) certify(best *Nearest, distance float64) {
	e.measure(distance)
	e.bounds.begin()
	limit := 1 - 0.9*Certainty
	s := e.branching
	nodes := int(branches / (e.bounds.cost + 1))
	if e.view.Hidden() <= smallNet {
		nodes = smallWork
	}
	lower := s.search(limit, nodes)
	if v := s.nearest; v != nil {
		floats.ScaleTo(best.Y, distance, v.t)
		best.Settled = v.settled
		limit = s.limit
	}
	if lower < limit {
		clear(e.bounds.fixed)
		lower = max(lower, e.bounds.free(limit))
	}
	best.Lower = lower * distance * (1 - rounding)
}

// Lower returns a lower bound of the distance of the sample x to the boundary of its
// class, at most reach; 0 if none is known.
func (e *Explorer) Lower(x []float64, class int, reach float64) float64 {
	if e.bounds == nil || !(reach > 0) {
		return 0
	}
	e.move(x, class)
	e.measure(reach)
	e.bounds.begin()
	limit := 1 - 0.9*Certainty
	if !e.bounds.clear(limit) {
		limit = e.bounds.free(limit)
	}
	return limit * reach * (1 - rounding)
}

// move goes to a sample.
func (e *Explorer) move(x []float64, class int) {
	e.view.move(x, class)
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
	w := e.descent.work + e.descent.program.work + e.bounds.work + e.branching.program.work
	e.descent.work, e.descent.program.work, e.bounds.work, e.branching.program.work = 0, 0, 0, 0
	return w
}
