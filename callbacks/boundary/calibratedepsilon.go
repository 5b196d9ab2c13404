package boundary

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"
)

// CalibratedEpsilon returns the ε that random directions do not reach. For a unit
// vector u drawn at random in ℝᴾ and a unit gradient ĝ,
//
//	Pr(|⟨u, ĝ⟩| ≥ ε) = I(1 − ε²; (P−1)/2, ½)
//
// with I the regularised incomplete beta function. ε is where this equals
// α/(m·N). Then, with a probability of at least 1 − α and whatever the N
// gradients are, none of m random directions has an alignment of ε with any of
// them.
//
// P = parameters is at least 2, m = resolvable and N = samples at least 1, and
// 0 < α < 1. For α ≤ ½ the relative error of ε is below 1e-12 up to a million
// parameters, and below 1e-10 up to a billion.
func CalibratedEpsilon(parameters, resolvable, samples int, alpha float64) (float64, error) {
	if parameters < 2 || resolvable < 1 || samples < 1 {
		return 0, fmt.Errorf("boundary: no ε for %d parameters, %d eigenvectors and %d samples: want at least 2, 1 and 1",
			parameters, resolvable, samples)
	}
	if !(alpha > 0 && alpha < 1) {
		return 0, fmt.Errorf("boundary: alpha %v: want 0 < alpha < 1", alpha)
	}
	target := math.Log(alpha) - math.Log(float64(resolvable)) - math.Log(float64(samples))
	return solveTail(float64(parameters-1)/2, target), nil
}

// solveTail returns the ε with log I(1 − ε²; a, ½) = target, by Newton's method
// on the logarithm, which is concave in ε. A step that would leave the bracket is
// replaced by bisection.
func solveTail(a, target float64) float64 {
	beta := logBetaHalf(a)
	rounding := mathext.Lbeta(a, 0.5) - beta // RegIncBeta has the same error
	low, high := 0.0, 1.0
	epsilon := math.Min(0.5, math.Sqrt(-target/a))
	for range 200 {
		x := 1 - epsilon*epsilon
		// Near 1 the float64 numbers x are so coarse that the step must start at
		// the ε of x, not at the one that x was rounded from. Since 1 − x is exact,
		// the step is accurate far below the spacing of x.
		at := math.Sqrt(1 - x)
		tail := math.Log(mathext.RegIncBeta(a, 0.5, x)) + rounding
		if tail > target {
			low = at
		} else {
			high = at
		}
		density := math.Ln2 + (a-1)*math.Log(x) - beta // logarithm of the density
		next := at + (tail-target)/math.Exp(density-tail)
		if !(next > low && next < high) {
			next = low + (high-low)/2
		}
		if math.Abs(next-epsilon) <= 1e-15*next {
			return next
		}
		epsilon = next
	}
	return epsilon
}

// logBetaHalf returns log B(a, ½). For large a it expands log Γ(a+½) − log Γ(a)
// in 1/a, which avoids the cancellation of log-gamma functions.
func logBetaHalf(a float64) float64 {
	if a < 30 {
		return mathext.Lbeta(a, 0.5)
	}
	r := 1 / (a * a)
	return math.Log(math.Pi/a)/2 + (1./8-r*(1./192-r*(1./640-r*17./14336)))/a
}
