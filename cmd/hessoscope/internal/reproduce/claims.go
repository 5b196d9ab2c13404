package reproduce

import (
	"fmt"
	"math"
)

// claim is a claim of the paper, and whether it holds for our networks.
type claim struct{ claim, verdict, numbers string }

const (
	holds  = "holds"
	fails  = "does not hold"
	untold = "cannot be told" // from these numbers, by their errors
)

func verdict(held bool) string {
	if held {
		return holds
	}
	return fails
}

// judge tests the claims about the networks that were measured.
func judge(networks map[string]*network) []claim {
	var all []claim
	test := func(text string, of func(n ...*network) (string, string), names ...string) {
		var needed []*network
		for _, name := range names {
			if networks[name] == nil {
				return
			}
			needed = append(needed, networks[name])
		}
		held, numbers := of(needed...)
		all = append(all, claim{text, held, numbers})
	}
	test("The top eigenvectors are aligned with the gradients at the boundary, and less so far from it", func(n ...*network) (string, string) {
		a := n[0].result.Alignment
		near, far := a.Boundary.Energy, a.Far.Energy
		return verdict(finite(near.Value)-finite(far.Value) > 2*(finite(near.Error)+finite(far.Error))),
			fmt.Sprintf("share of the gradient's energy in the outliers: %v on the boundary, %v far from it", near, far)
	}, "gauss")
	test("A boundary as simple as can be has C − 1 outliers", func(n ...*network) (string, string) {
		return verdict(n[0].outliers() == n[0].result.Data.Classes-1), fmt.Sprintf("%d outliers for %d classes", n[0].outliers(), n[0].result.Data.Classes)
	}, "gauss")
	test("The number of outliers rises with the complexity of the boundary", func(n ...*network) (string, string) {
		return verdict(n[0].outliers() < n[2].outliers() && n[0].outliers() <= n[1].outliers() && n[1].outliers() <= n[2].outliers()), fmt.Sprintf("%d, %d and %d in the regimes normal, large norm and adversarial", n[0].outliers(), n[1].outliers(), n[2].outliers())
	}, regimeNames...)
	test("G is larger for the more complex boundary: normal, large norm, adversarial", func(n ...*network) (string, string) {
		a, b, c := n[0].result.Complexity, n[1].result.Complexity, n[2].result.Complexity
		return verdict(a.High < b.Low && b.High < c.Low), fmt.Sprintf("%d, %d and %d of %d eigenvectors", a.Count, b.Count, c.Count, a.Parameters)
	}, regimeNames...)
	test("So is the number of directions that share the gradients' energy", func(n ...*network) (string, string) {
		a, b, c := n[0].result.Directions.All, n[1].result.Directions.All, n[2].result.Directions.All
		return verdict(a.High < b.Low && b.High < c.Low), fmt.Sprintf("%.3g, %.3g and %.3g", a.Middle(), b.Middle(), c.Middle())
	}, regimeNames...)
	test("The more complex boundary has the smaller margin", func(n ...*network) (string, string) {
		a, c := finite(n[0].result.Margin.Min), finite(n[2].result.Margin.Min)
		return verdict(c < a), fmt.Sprintf("%.3g for normal, %.3g for adversarial", a, c)
	}, regimeNames...)
	test("The more complex boundary generalizes worse", func(n ...*network) (string, string) {
		a, c := n[0].testAccuracy, n[2].testAccuracy
		numbers := fmt.Sprintf("test accuracy %.4f for normal, %.4f for adversarial, of %d fresh points", a, c, n[0].tested)
		if math.Abs(a-c) < 2*math.Sqrt((a*(1-a)+c*(1-c))/float64(n[0].tested)) { // two standard errors
			return untold, numbers
		}
		return verdict(c < a), numbers
	}, regimeNames...)
	test("λ₁, the sharpness, does not order the regimes by their complexity", func(n ...*network) (string, string) {
		a, b, c := n[0].result.Spectrum.Top[0], n[1].result.Spectrum.Top[0], n[2].result.Spectrum.Top[0]
		numbers := fmt.Sprintf("λ₁ is %.2g, %.2g and %.2g in the regimes normal, large norm and adversarial, at losses of %.2g, %.2g and %.2g", a, b, c, n[0].result.Loss, n[1].result.Loss, n[2].result.Loss)
		switch {
		case a < b && b < c:
			return fails, numbers
		case a > 2*b || b > 2*c || a > 2*c:
			return holds, numbers
		}
		return untold, numbers // λ₁ falls with the loss, which is not quite the same
	}, regimeNames...)
	checkerboards := []string{"checkerboard_linear", "checkerboard_linear_wide_margin"}
	test("Training alone finds a narrow margin on the checkerboard; the start from nearer clouds a wide one", func(n ...*network) (string, string) {
		a, b := finite(n[0].result.Margin.Min), finite(n[1].result.Margin.Min)
		return verdict(b > a), fmt.Sprintf("margins %.3g and %.3g", a, b)
	}, checkerboards...)
	test("The margin's estimate from v₁ ranks these two rightly", func(n ...*network) (string, string) { // one training does not show it
		a, b := n[0].result.Margin.Paper, n[1].result.Margin.Paper
		if a == nil || b == nil {
			return untold, "no estimate: there is no outlier"
		}
		return verdict(a.Value < b.Value), fmt.Sprintf("estimates %.3g and %.3g; of seven trainings of the reference, three were ranked wrongly", a.Value, b.Value)
	}, checkerboards...)
	test("G does not tell the wide boundary from the narrow one, so that the margin is needed beside it", func(n ...*network) (string, string) {
		a, b := n[0].result.Complexity, n[1].result.Complexity
		return verdict(float64(a.Count) < 2*float64(b.Count) && float64(b.Count) < 2*float64(a.Count)), fmt.Sprintf("%d and %d of %d eigenvectors, less than a factor of 2", a.Count, b.Count, a.Parameters)
	}, checkerboards...)
	test("On digits, too, the number of outliers rises from C − 1 with the complexity", func(n ...*network) (string, string) {
		return verdict(n[0].outliers() == n[0].result.Data.Classes-1 && n[1].outliers() > n[0].outliers()), fmt.Sprintf("%d outliers for %d digits in the normal regime, %d in the adversarial one", n[0].outliers(), n[0].result.Data.Classes, n[1].outliers())
	}, "mnist-017", "mnist-017-adversarial")
	return all
}

func (n *network) outliers() int { return n.result.Spectrum.Outliers.Ratio.Count }
