package boundary

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// gramOf returns the inner products of unit gradients.
func gramOf(g *mat.Dense) *mat.Dense {
	n, _ := g.Dims()
	gram := mat.NewDense(n, n, nil)
	gram.Mul(g, g.T())
	return gram
}

func TestEffectiveRank(t *testing.T) {
	for name, c := range map[string]struct {
		gradients     *mat.Dense
		rank, entropy float64
		samples       int
	}{
		"parallel":   {mat.NewDense(3, 2, []float64{1, 0, -1, 0, 1, 0}), 1, 1, 3},
		"orthogonal": {mat.NewDense(3, 3, []float64{1, 0, 0, 0, 1, 0, 0, 0, 1}), 3, 3, 3},
		// μ = 3/4 and 1/4.
		"three and one": {mat.NewDense(4, 2, []float64{1, 0, 1, 0, 1, 0, 0, 1}), 1.6, 4 / math.Pow(3, 0.75), 4},
		"one without":   {mat.NewDense(3, 2, []float64{1, 0, 0, 0, 0, 1}), 2, 2, 2},
		"none":          {mat.NewDense(2, 2, nil), 0, 0, 0},
	} {
		n, _ := c.gradients.Dims()
		r := NewEffectiveRank(gramOf(c.gradients), n)
		entropy := 0.0
		if r.Entropy != nil {
			entropy = *r.Entropy
		}
		if math.Abs(r.Value-c.rank) > 1e-12 || math.Abs(entropy-c.entropy) > 1e-12 || r.Samples != c.samples || r.Error != 0 {
			t.Errorf("%s: %+v, entropy %v; want %v, %v of %d samples", name, r, entropy, c.rank, c.entropy, c.samples)
		}
	}
}

// From samples that are drawn the rank of all is estimated without much bias, and
// the error is the spread over draws.
func TestEffectiveRankOfDrawnSamples(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const of, drawn, draws = 400, 60, 400
	all := mat.NewDense(of, 30, nil)
	for n := range of {
		g := all.RawRowView(n)
		for i := range g {
			g[i] = rng.NormFloat64() * math.Exp(-0.2*float64(i)) * (1 + float64(n%3))
		}
		g[n%4] += 1
		floats.Scale(1/floats.Norm(g, 2), g)
	}
	truth := NewEffectiveRank(gramOf(all), of).Value
	var values, errors []float64
	covered := 0
	for range draws {
		some := mat.NewDense(drawn, 30, nil)
		for i, row := range rng.Perm(of)[:drawn] {
			some.SetRow(i, all.RawRowView(row))
		}
		r := NewEffectiveRank(gramOf(some), of)
		if r.Entropy != nil {
			t.Fatal("the entropy depends on the number of samples, and was told")
		}
		values, errors = append(values, r.Value), append(errors, r.Error)
		if math.Abs(r.Value-truth) < 2*r.Error {
			covered++
		}
	}
	mean := floats.Sum(values) / draws
	spread := 0.0
	for _, v := range values {
		spread += (v - mean) * (v - mean) / draws
	}
	spread = math.Sqrt(spread)
	// The mean of 400 is known to a twentieth of the spread; 1/x is biased by about
	// the squared relative error.
	if math.Abs(mean-truth) > 0.3*spread {
		t.Errorf("mean %v of the estimates, truth %v, spread %v", mean, truth, spread)
	}
	if reported := floats.Sum(errors) / draws; reported < 0.8*spread || reported > 1.25*spread {
		t.Errorf("errors of %v on the mean, spread %v", reported, spread)
	}
	if covered < draws*90/100 {
		t.Errorf("two standard errors hold the truth %d times in %d", covered, draws)
	}
}
