package piecewise

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

const (
	maxCrossings = 1000 // of a descent from region to region
	gain         = 1e-9 // relative gain in distance that counts
	touch        = 1e-9 // distance of a unit's hyperplane, in units, at which it is active
)

// descent goes from linear region to linear region to nearer boundary points.
type descent struct {
	*region
	program leastDistance
	rival   []float64 // form of f_c − f_a − slack, with c the rival class
	slack   float64

	seen      []float64 // distances of points that descents have come by
	forgetful bool      // whether seen is not in use

	adjoint [][]float64 // of each layer: derivative of the Lagrangian by its units' values
}

func newDescent(r *region) *descent {
	d := &descent{region: r, rival: make([]float64, r.space+1)}
	for _, w := range r.widths {
		d.adjoint = append(d.adjoint, make([]float64, w))
	}
	return d
}

// spent returns the multiplications so far.
func (d *descent) spent() float64 { return d.work + d.program.work }

// vertex is the nearest point of the boundary with a rival class in a region.
type vertex struct {
	t           []float64
	norm        float64
	rival       int
	active      []int     // constraints with a multiplier; the rival's is number H
	multipliers []float64 // λ
	touching    []int     // units without a multiplier whose hyperplanes go through t
	settled     bool      // whether no neighbouring region has a nearer point
}

// nearest solves the program of the region with a rival class. It returns nil if
// there is no boundary with it within limit.
func (d *descent) nearest(class int, limit float64, start []int) *vertex {
	floats.SubTo(d.rival, d.logit(class), d.logit(d.class))
	d.rival[d.space] -= d.slack
	if h := -d.rival[d.space]; h >= limit*length(d.rival[:d.space]) {
		return nil // the hyperplane alone is too far
	}
	p := &d.program
	p.reset()
	for i := range d.on {
		p.require(d.form(i), sign(d.on[i]), d.norm(i))
	}
	p.require(d.rival, 1, length(d.rival))
	norm, ok := p.solve(d.space+1, limit, start)
	if !ok || !(norm < limit) {
		return nil
	}
	v := &vertex{
		t: slices.Clone(p.point), norm: norm, rival: class, active: slices.Clone(p.passive), multipliers: slices.Clone(p.multipliers),
	}
	for i := range d.on {
		if p.touches(i, touch*norm) {
			v.touching = append(v.touching, i)
		}
	}
	return v
}

func sign(on bool) float64 {
	if on {
		return 1
	}
	return -1
}

// descend goes from t, a point beyond the boundary, to nearer boundary points until
// no neighbouring region has a nearer one. It returns nil if the region of t has no
// boundary point within limit, or the way leads to one that has been seen.
func (d *descent) descend(t []float64, limit float64) *vertex {
	d.at(t)
	_, rival := d.gap(d.values[len(d.values)-1])
	return d.settle(d.nearest(rival, limit, nil))
}

// approach shortens t, if it is beyond the boundary, to a point close behind it.
func (d *descent) approach(t []float64) {
	behind := func(u []float64) bool {
		d.work += d.evaluation
		values := d.evaluate(u, d.slope)
		gap, _ := d.gap(values[len(values)-1])
		return gap <= 0
	}
	if !behind(t) {
		return
	}
	lo, hi := 0.0, 1.0
	u := make([]float64, len(t))
	for range halvings {
		share := (lo + hi) / 2
		floats.ScaleTo(u, share, t)
		if behind(u) {
			hi = share
		} else {
			lo = share
		}
	}
	floats.Scale(hi, t)
}

// settle goes from v, the nearest boundary point of the present region or nil, to
// nearer ones until no neighbouring region has a nearer one, nor this region with
// another class.
func (d *descent) settle(v *vertex) *vertex {
	for steps := 0; v != nil && steps < maxCrossings; steps++ {
		if d.meets(v) {
			return nil
		}
		next := d.cross(v)
		if next == nil {
			next = d.change(v)
		}
		if next == nil {
			v.settled = true
			break
		}
		v = next
	}
	return v
}

// meets reports whether v has been seen, by its distance, and remembers it.
func (d *descent) meets(v *vertex) bool {
	if d.forgetful {
		return false
	}
	distance := v.norm * d.unit
	for _, s := range d.seen {
		if math.Abs(distance-s) <= gain*s {
			return true
		}
	}
	d.seen = append(d.seen, distance)
	return false
}

// cross flips units whose hyperplanes hold v back, and returns the nearest point of
// that region, or nil if no neighbouring region has a nearer one. In that case the
// region is as it was.
func (d *descent) cross(v *vertex) *vertex {
	held := d.holding(v)
	for _, units := range held {
		for _, i := range units {
			d.flip(i)
		}
		if next := d.nearest(v.rival, v.norm*(1-gain), v.active); next != nil {
			return next
		}
		for _, i := range units {
			d.flip(i)
		}
	}
	return nil
}

// change returns the nearest point of the present region with another rival class
// than v has, or nil if none is nearer than v.
func (d *descent) change(v *vertex) *vertex {
	var found *vertex
	limit := v.norm * (1 - gain)
	for c := range d.classes() {
		if c == d.class || c == v.rival {
			continue
		}
		if next := d.nearest(c, limit, v.active); next != nil {
			found, limit = next, next.norm*(1-gain)
		}
	}
	return found
}

// holding returns sets of units to flip. At the minimum v in a region,
//
//	t = Σₖ λₖ·∇(sₖzₖ),   λ ≥ 0
//
// over the active constraints. With unit i flipped, the forms of later constraints
// change by multiples of zᵢ, and the same t has the multiplier
//
//	−λᵢ − (1 − α)·∂/∂hᵢ Σₖ λₖsₖzₖ
//
// for the flipped constraint and the others' as before. So t is a minimum there
// too unless this is negative; and as the derivative by zᵢ of the sum stays what it
// was, that holds for any set of units, each by its own sign.
func (d *descent) holding(v *vertex) [][]int {
	lambda := make([]float64, len(d.on)+1)
	for k, j := range v.active {
		lambda[j] = v.multipliers[k]
	}
	last := len(d.widths) - 1
	clear(d.adjoint[last])
	d.adjoint[last][v.rival], d.adjoint[last][d.class] = lambda[len(d.on)], -lambda[len(d.on)]
	var touched []int          // units whose hyperplanes go through v
	force := map[int]float64{} // of those that hold v back
	for l := last - 1; l >= 0; l-- {
		above := d.adjoint[l+1]
		for k := range d.adjoint[l] {
			i := d.first[l] + k
			w := floats.Dot(above, d.transposed[l+1][k*len(above):(k+1)*len(above)])
			d.adjoint[l][k] = d.slopeOf(i)*w + lambda[i]*sign(d.on[i])
			if lambda[i] == 0 && !slices.Contains(v.touching, i) {
				continue
			}
			touched = append(touched, i)
			if f := (lambda[i] + (1-d.slope)*w) * length(d.form(i)[:d.space]); f > gain*v.norm {
				force[i] = f
			}
		}
	}
	held := slices.SortedFunc(maps.Keys(force), func(i, j int) int { return cmp.Or(cmp.Compare(force[j], force[i]), i-j) })
	sets := apart(held)
	if len(v.touching) > 0 { // the multipliers are not the only ones, and prove nothing
		sets = append(append(sets, apart(touched)...), d.parallel(touched)...)
	}
	return sets
}

// apart returns the set of all units, if there are several, and each of them.
func apart(units []int) [][]int {
	var sets [][]int
	if len(units) > 1 {
		sets = append(sets, units)
	}
	for _, i := range units {
		sets = append(sets, []int{i})
	}
	return sets
}

// parallel returns the sets of several units with one hyperplane.
func (d *descent) parallel(units []int) [][]int {
	var sets [][]int
	unit := func(i int) []float64 {
		g := slices.Clone(d.form(i)[:d.space])
		floats.Scale(1/length(g), g)
		return g
	}
	for k, i := range units {
		set := []int{i}
		for _, j := range units[k+1:] {
			if math.Abs(floats.Dot(unit(i), unit(j))) > 1-touch {
				set = append(set, j)
			}
		}
		if len(set) > 1 {
			sets = append(sets, set)
		}
	}
	return sets
}
