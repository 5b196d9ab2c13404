package piecewise

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// leastDistance solves the least-distance program
//
//	min ‖t‖₂   subject to   ±(gⱼ·t + hⱼ) ≥ 0
//
// by the non-negative least-squares problem with columns ±(gⱼ, hⱼ), scaled to norm
// 1, and the target −(0, …, 0, 1) (Lawson & Hanson 1974, ch. 23). The residual r
// gives t = r/r_last. Any u ≥ 0 gives the lower bound −uᵀh/‖Σ uⱼ·gⱼ‖ of ‖t‖, by
// weak duality.
type leastDistance struct {
	nnls
	forms  [][]float64 // (gⱼ, hⱼ)
	scales []float64   // signs over norms; 0 for a form that is 0
	limit  float64

	point       []float64 // t
	work        float64   // multiplications so far
	multipliers []float64 // λ of the passive constraints: t = Σ λⱼ·(±gⱼ)
}

// reset empties the program.
func (p *leastDistance) reset() { p.forms, p.scales = p.forms[:0], p.scales[:0] }

// require adds the constraint sign·(g·t + h) ≥ 0, whose form has a norm.
func (p *leastDistance) require(form []float64, sign, norm float64) {
	scale := 0.0
	if norm > 0 {
		scale = sign / norm
	}
	p.forms, p.scales = append(p.forms, form), append(p.scales, scale)
}

// solve finds the solution, starting from a set of constraints that may be active
// in it. It returns a lower bound of ‖t‖: the minimum itself, within rounding, if
// that is below limit, and else something of at least limit; +Inf if no point
// meets the constraints. It reports false if the solver did not come to an end.
func (p *leastDistance) solve(rows int, limit float64, start []int) (norm float64, ok bool) {
	p.resize(rows, len(p.forms))
	p.nnls.column = func(j int, dst []float64) { floats.ScaleTo(dst, p.scales[j], p.forms[j]) }
	p.nnls.slope = p.slopeAt
	clear(p.f)
	p.f[rows-1] = -1
	p.limit = limit
	ended := p.nnls.solve(start, func() bool {
		p.work += float64(6 * rows * len(p.passive)) // of an iteration, besides the slopes
		return p.bound() >= limit
	})
	if norm = p.bound(); norm >= limit {
		return norm, ended
	}
	last := p.residual[rows-1]
	p.point = append(p.point[:0], p.residual[:rows-1]...)
	floats.Scale(1/last, p.point)
	p.multipliers = p.multipliers[:0]
	for i, j := range p.passive {
		p.multipliers = append(p.multipliers, p.u[i]*math.Abs(p.scales[j])/-last)
	}
	return length(p.point), ended
}

// bound returns the lower bound of ‖t‖ that the present residual tells: with
// ρ = ‖r‖² that is √(1/ρ − 1).
func (p *leastDistance) bound() float64 {
	square := floats.Dot(p.residual, p.residual)
	if square < infeasible {
		return math.Inf(1)
	}
	return math.Sqrt(max(0, 1/square-1))
}

// infeasible is the ‖r‖² below which no point meets the constraints: one that did
// would be 10⁶ units away.
const infeasible = 1e-12

func (p *leastDistance) slopeAt(j int, residual []float64) float64 {
	p.work += float64(len(residual))
	if p.scales[j] == 0 {
		return 0
	}
	return p.scales[j] * floats.Dot(p.forms[j], residual)
}

// touches reports whether the hyperplane of constraint j, which is not passive, goes
// through the solution: within so many units.
func (p *leastDistance) touches(j int, within float64) bool {
	last := -p.residual[len(p.residual)-1]
	return !p.inside[j] && p.scales[j] != 0 && math.Abs(p.gradient[j]) <= within*last
}
