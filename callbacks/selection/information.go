package selection

import "math"

// information returns the normalised conditional mutual information (Jiang et al.
// 2020) of the signs V_μ and V_g of the differences in the measure and in the gap,
// over ordered pairs of runs:
//
//	min over sets S of at most two axes:  I(V_μ; V_g | U_S) / H(V_g | U_S)
//
// U_S has the values of the axes S in both runs. The result is from 0 to 1. It is 0
// if the settings S explain all that the measure tells about the gap, and 1 if the
// measure determines the sign of the gap, in whichever direction. Pairs that are
// left out or have equal gaps do not count. The names of S are those of the minimum,
// the smallest set of several. The value is nil if no pair counts.
//
// Probabilities are relative frequencies. They overestimate the information if
// there are few pairs for each value of U_S.
func (c *cohort) information(pairs []pair) (least *float64, given []string) {
	given = []string{}
	consider := func(axes ...axis) {
		if v, ok := conditional(pairs, axes); ok && (least == nil || v < *least) {
			least, given = &v, make([]string, len(axes))
			for i, a := range axes {
				given[i] = a.name
			}
		}
	}
	consider()
	for _, a := range c.axes {
		consider(a)
	}
	for i, a := range c.axes {
		for _, b := range c.axes[:i] {
			consider(b, a)
		}
	}
	return least, given
}

// signTable has the frequencies of V_μ (−1, 0, 1) and V_g (−1, 1).
type signTable struct {
	pairs int
	n     [3][2]float64
}

func (t *signTable) add(x, y int, weight float64) { t.n[x+1][(y+1)/2] += weight }

// conditional returns I(V_μ; V_g | U)/H(V_g | U), where U are the values of the axes
// in both runs of a pair. A value of U with a single pair tells nothing and is left
// out; if all are, ok is false. If U determines V_g, the result is 0.
func conditional(pairs []pair, axes []axis) (share float64, ok bool) {
	// A pair and its reverse have opposite signs, and for different values in its two
	// runs the reverse belongs to another value of U, with the same information. So it
	// is enough to take each pair in the order of its values. If these are equal, both
	// orders are in the same table.
	type values struct{ first, second [2]int }
	tables := make(map[values]*signTable)
	var order []*signTable // fixes the rounding of the sums
	for _, p := range pairs {
		if p.leftOut || p.y == 0 {
			continue
		}
		var u values
		for k, a := range axes {
			u.first[k], u.second[k] = a.values[p.i], a.values[p.j]
		}
		x, y := p.x, p.y
		if u.second[0] < u.first[0] || u.second[0] == u.first[0] && u.second[1] < u.first[1] {
			u.first, u.second, x, y = u.second, u.first, -x, -y
		}
		t := tables[u]
		if t == nil {
			t = new(signTable)
			tables[u] = t
			order = append(order, t)
		}
		t.pairs++
		if u.first == u.second {
			t.add(x, y, 0.5)
			t.add(-x, -y, 0.5)
		} else {
			t.add(x, y, 1)
		}
	}
	shared, entropy := 0.0, 0.0
	for _, t := range order {
		if t.pairs < 2 {
			continue
		}
		ok = true
		i, h := t.information()
		shared += float64(t.pairs) * i
		entropy += float64(t.pairs) * h
	}
	if entropy == 0 {
		return 0, ok
	}
	return min(shared/entropy, 1), ok
}

// information returns I(V_μ; V_g) and H(V_g), in nats.
func (t *signTable) information() (shared, entropy float64) {
	total := float64(t.pairs)
	for y := range 2 {
		column := t.n[0][y] + t.n[1][y] + t.n[2][y]
		if column > 0 {
			entropy -= column / total * math.Log(column/total)
		}
		for x := range 3 {
			if n := t.n[x][y]; n > 0 {
				shared += n / total * math.Log(n*total/(column*(t.n[x][0]+t.n[x][1])))
			}
		}
	}
	return max(shared, 0), entropy
}
