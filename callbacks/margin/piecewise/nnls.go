package piecewise

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

const (
	violation = 1e-12 // of a constraint whose column has norm 1, that counts
	dependent = 1e-13 // rest of a column of norm 1 outside the span of others that counts as none
)

// nnls solves min ‖Σⱼ uⱼ·eⱼ − f‖₂ over u ≥ 0, with columns eⱼ of norm 1 or 0, by
// the active set method of Lawson & Hanson (1974, ch. 23). The columns with
// uⱼ > 0 are the passive ones; a thin QR factorisation of them is updated as they
// come and go.
type nnls struct {
	columns int
	column  func(j int, dst []float64)              // sets dst to eⱼ
	slope   func(j int, residual []float64) float64 // eⱼ·residual
	f       []float64

	passive  []int
	inside   []bool      // whether a column is passive
	u        []float64   // of the passive columns
	q        [][]float64 // orthonormal basis of the passive columns
	r        [][]float64 // column i of R has i + 1 entries
	residual []float64   // f − E·u

	blocked  []bool // columns that depend on the passive ones
	gradient []float64
	waiting  []int // columns that had a positive slope when all were last computed
	solution []float64
	free     [][]float64 // unused vectors of q
}

// resize makes room for a problem, and empties the passive set.
func (s *nnls) resize(rows, columns int) {
	if len(s.f) != rows {
		s.q, s.r, s.free = nil, nil, nil
	}
	s.free = append(s.free, s.q...)
	s.q, s.r, s.passive, s.u = s.q[:0], s.r[:0], s.passive[:0], s.u[:0]
	s.columns, s.waiting = columns, s.waiting[:0]
	s.f, s.residual = grown(s.f, rows), grown(s.residual, rows)
	s.gradient, s.solution = grown(s.gradient, columns), grown(s.solution, rows)
	s.blocked, s.inside = grown(s.blocked, columns), grown(s.inside, columns)
	clear(s.blocked)
	clear(s.inside)
}

func grown[T any](v []T, n int) []T {
	if cap(v) < n {
		return make([]T, n)
	}
	return v[:n]
}

// solve finds the solution from the passive set start, or until enough says that
// the residual will do. It reports whether it came to an end.
func (s *nnls) solve(start []int, enough func() bool) bool {
	for _, j := range start {
		s.add(j)
	}
	for !s.settleStart() {
	}
	for range 10 * (s.columns + len(s.f)) {
		s.project()
		if enough() {
			return true
		}
		j := s.entering()
		if j < 0 {
			return true
		}
		if !s.add(j) {
			s.blocked[j] = true
			continue
		}
		s.u = append(s.u, 0)
		s.triangular()
		if s.solution[len(s.passive)-1] <= 0 { // rounding alone made it enter
			s.drop(len(s.passive) - 1)
			s.blocked[j] = true
			continue
		}
		for !s.advance() {
		}
		clear(s.blocked)
	}
	return false
}

// settleStart solves for the passive columns. If a coefficient is negative, it
// drops the most negative one and reports false.
func (s *nnls) settleStart() bool {
	s.triangular()
	p := len(s.passive)
	s.u = append(s.u[:0], s.solution[:p]...)
	if p == 0 {
		return true
	}
	if i := floats.MinIdx(s.u); s.u[i] <= 0 {
		s.drop(i)
		return false
	}
	return true
}

// advance moves u towards the least-squares solution over the passive columns, up
// to where a coefficient becomes 0, which it then drops. It reports whether it
// reached the solution.
func (s *nnls) advance() bool {
	s.triangular()
	step, last := 1.0, -1
	for i, u := range s.u {
		if v := s.solution[i]; v <= 0 && u/(u-v) < step {
			step, last = u/(u-v), i
		}
	}
	for i, u := range s.u {
		s.u[i] = u + step*(s.solution[i]-u)
	}
	if last < 0 {
		return true
	}
	s.drop(last)
	return false
}

// entering returns a column with a large positive slope, −1 if no slope is positive.
// As long as one of the waiting columns has one, the others are not looked at.
func (s *nnls) entering() int {
	for _, j := range s.waiting {
		s.gradient[j] = s.slope(j, s.residual)
	}
	if j := s.steepest(); j >= 0 {
		return j
	}
	for j := range s.columns {
		s.gradient[j] = s.slope(j, s.residual)
	}
	s.waiting = s.waiting[:0]
	for j, w := range s.gradient {
		if w > violation {
			s.waiting = append(s.waiting, j)
		}
	}
	return s.steepest()
}

// steepest returns the waiting column with the largest slope, −1 if none is positive.
func (s *nnls) steepest() int {
	best, most := -1, violation
	for _, j := range s.waiting {
		if w := s.gradient[j]; w > most && !s.blocked[j] && !s.inside[j] {
			best, most = j, w
		}
	}
	return best
}

// project sets the residual from the factorisation, which is more accurate than
// from u.
func (s *nnls) project() {
	copy(s.residual, s.f)
	for range 2 {
		for _, q := range s.q {
			floats.AddScaled(s.residual, -floats.Dot(q, s.residual), q)
		}
	}
}

// triangular sets solution to the least-squares coefficients of the passive columns.
func (s *nnls) triangular() {
	for i := len(s.passive) - 1; i >= 0; i-- {
		v := floats.Dot(s.q[i], s.f)
		for k := i + 1; k < len(s.passive); k++ {
			v -= s.r[k][i] * s.solution[k]
		}
		s.solution[i] = v / s.r[i][i]
	}
}

// add appends a column to the passive ones. It reports false if the column
// depends on them.
func (s *nnls) add(j int) bool {
	if len(s.q) == len(s.f) {
		return false
	}
	v := s.vector()
	s.column(j, v)
	r := make([]float64, len(s.q)+1)
	for range 2 { // once more, against the rounding of the first time
		for i, q := range s.q {
			d := floats.Dot(q, v)
			r[i] += d
			floats.AddScaled(v, -d, q)
		}
	}
	norm := length(v)
	if norm < dependent {
		s.free = append(s.free, v)
		return false
	}
	floats.Scale(1/norm, v)
	r[len(s.q)] = norm
	s.q, s.r, s.passive = append(s.q, v), append(s.r, r), append(s.passive, j)
	s.inside[j] = true
	return true
}

func (s *nnls) vector() []float64 {
	if n := len(s.free); n > 0 {
		v := s.free[n-1]
		s.free = s.free[:n-1]
		return v
	}
	return make([]float64, len(s.f))
}

// drop removes the i-th of the passive columns, and makes R triangular again by
// rotations.
func (s *nnls) drop(i int) {
	p := len(s.passive)
	s.inside[s.passive[i]] = false
	copy(s.r[i:], s.r[i+1:])
	s.r = s.r[:p-1]
	for k := i; k < p-1; k++ {
		a, b := s.r[k][k], s.r[k][k+1]
		h := math.Hypot(a, b)
		c, d := a/h, b/h
		s.r[k] = s.r[k][:k+1]
		s.r[k][k] = h
		for _, column := range s.r[k+1:] {
			x, y := column[k], column[k+1]
			column[k], column[k+1] = c*x+d*y, c*y-d*x
		}
		rotate(s.q[k], s.q[k+1], c, d)
	}
	s.free = append(s.free, s.q[p-1])
	s.q = s.q[:p-1]
	s.passive = append(s.passive[:i], s.passive[i+1:]...)
	s.u = append(s.u[:min(i, len(s.u))], s.u[min(i+1, len(s.u)):]...)
}

// rotate sets x, y to c·x + d·y, c·y − d·x.
func rotate(x, y []float64, c, d float64) {
	for i, v := range x {
		x[i], y[i] = c*v+d*y[i], c*y[i]-d*v
	}
}

// length returns ‖v‖₂, faster than floats.Norm and without its care for the very
// large and the very small.
func length(v []float64) float64 { return math.Sqrt(floats.Dot(v, v)) }
