package piecewise

import (
	"container/heap"
	"math"
	"slices"
)

// node is a part of the search for nearer boundary points: the points where some
// units have signs that are given.
type node struct {
	fixed  []int8  // of each hidden unit: its sign, or 0
	bound  float64 // no boundary point of the node is nearer
	rivals []int   // the classes that it may be with
}

// queue is a heap of nodes by their bounds.
type queue []*node

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].bound < q[j].bound }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(n any)        { *q = append(*q, n.(*node)) }
func (q *queue) Pop() any {
	old := *q
	n := old[len(old)-1]
	*q = old[:len(old)-1]
	return n
}

// branching is a search by branch and bound for the nearest boundary point. A node
// is bounded by a least-distance program: the boundary with a class, relaxed to the
// half space where the lower form of f_a − f_c is not positive, and the half spaces
// that the signs of the fixed units tell. It is split at the unit whose relaxation
// lowers the form most at the solution. With all units fixed the forms are exact.
type branching struct {
	*bounds
	descent *descent
	program leastDistance
	open    queue
	nearest *vertex // the nearest boundary point found; nil if none is nearer than at the begin
	limit   float64 // nodes with larger bounds are dropped
	least   float64 // bound of the nodes that could neither be split nor be dropped
}

// search goes on until all nodes are dropped, or so many are done. It returns a
// lower bound of ‖t‖ over all boundary points; at most limit, the initial one or that
// of the nearest point found.
func (s *branching) search(limit float64, nodes int) float64 {
	s.limit, s.least, s.nearest = limit, math.Inf(1), nil
	root := &node{fixed: make([]int8, len(s.fixed))}
	for c := range s.classes() {
		if c != s.class {
			root.rivals = append(root.rivals, c)
		}
	}
	s.open = append(s.open[:0], root)
	for ; nodes > 0 && len(s.open) > 0 && s.open[0].bound < s.limit; nodes-- {
		n := heap.Pop(&s.open).(*node)
		at, worst := s.boundNode(n)
		if n.bound >= s.limit {
			continue
		}
		unit := s.splitting(at, worst)
		s.improve(n, at, worst, unit < 0)
		if n.bound >= s.limit {
			continue
		}
		if unit < 0 {
			s.least = min(s.least, n.bound)
			continue
		}
		for _, sign := range []int8{1, -1} {
			child := &node{slices.Clone(n.fixed), n.bound, n.rivals}
			child.fixed[unit] = sign
			heap.Push(&s.open, child)
		}
	}
	lower := min(s.limit, s.least)
	if len(s.open) > 0 {
		lower = min(lower, s.open[0].bound)
	}
	return lower
}

// boundNode raises the bound of a node, and leaves it the classes that it may be
// with. It returns the solution of the program with the nearest, and the class.
func (s *branching) boundNode(n *node) (at []float64, worst int) {
	copy(s.fixed, n.fixed)
	before := n.bound
	n.bound = math.Inf(1)
	if !s.enclose(s.limit) {
		return nil, -1
	}
	var rivals []int
	for _, c := range n.rivals {
		if s.lowest(s.gaps, c) > 0 {
			continue
		}
		bound := max(before, s.distance(c, n.fixed))
		if bound >= s.limit {
			continue
		}
		rivals = append(rivals, c)
		if bound < n.bound {
			n.bound, worst, at = bound, c, slices.Clone(s.program.point)
		}
	}
	n.rivals = rivals
	return at, worst
}

// distance solves the program of a node with a class, and returns a lower bound of
// ‖t‖.
func (s *branching) distance(class int, fixed []int8) float64 {
	p := &s.program
	p.reset()
	k := s.space
	require := func(form []float64) { p.require(form, -1, length(form)) }
	require(s.gaps[class*(k+1) : (class+1)*(k+1)])
	at := 0
	for l := range s.lower {
		w := len(s.lower[l])
		for i := range w {
			if sign := fixed[at+i]; sign != 0 {
				row := i // z ≤ 0 is possible only where its lower form is
				if sign > 0 {
					row += w
				}
				require(s.forms[l][row*(k+1) : (row+1)*(k+1)])
			}
		}
		at += w
	}
	norm, ok := p.solve(k+1, s.limit, nil)
	if !ok {
		return 0
	}
	return max(0, norm*(1-rounding)-rounding)
}

// splitting returns the unit whose relaxation lowers the form of the gap to a class
// most at t, or else the least certain one; −1 if all units are certain.
func (s *branching) splitting(t []float64, class int) int {
	values := s.evaluate(t, s.descent.slope)
	best, most := -1, 0.0
	other, widest := -1, 0.0
	at := 0
	for l := range s.lower {
		w := len(s.lower[l])
		for i := range w {
			low, high := s.lower[l][i], s.upper[l][i]
			if low >= 0 || high <= 0 {
				continue
			}
			z, weight := values[l][i], s.weights[l][class*w+i]
			value := z
			if z < 0 {
				value *= s.descent.slope
			}
			relaxed := &s.relaxed[l][i].lower
			if weight < 0 {
				relaxed = &s.relaxed[l][i].upper
			}
			if loss := weight * (value - relaxed.slope*z - relaxed.offset); loss > most {
				best, most = at+i, loss
			}
			if width := min(-low, high); width > widest {
				other, widest = at+i, width
			}
		}
		at += w
	}
	if best < 0 {
		return other
	}
	return best
}

// improve looks for a nearer boundary point from the solution t of a node.
func (s *branching) improve(n *node, t []float64, class int, leaf bool) {
	d := s.descent
	logits := s.evaluate(t, d.slope)[len(s.widths)-1]
	gap, _ := d.gap(logits)
	var v *vertex
	switch {
	case leaf:
		at := 0
		for l := range s.lower {
			for i, low := range s.lower[l] {
				d.on[at+i] = low >= 0
			}
			at += len(s.lower[l])
		}
		d.build()
		v = d.settle(d.nearest(class, s.limit, nil))
	case gap <= d.slack:
		v = d.descend(t, s.limit)
	}
	if v != nil && v.norm < s.limit {
		s.nearest = v
		s.limit = v.norm * nearlyOne
	}
}
