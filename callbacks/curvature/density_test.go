package curvature

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

func density(tb testing.TB, op Operator, s Settings) *Spectrum {
	tb.Helper()
	s.Method = Quadrature
	spectrum, err := Solve(context.Background(), op, s)
	if err != nil {
		tb.Fatal(err)
	}
	if d := math.Abs(floats.Sum(spectrum.Density.Weights) - 1); d > 1e-12 {
		tb.Errorf("mass differs from 1 by %.2g", d)
	}
	if !slices.IsSorted(spectrum.Density.Nodes) {
		tb.Error("nodes are not sorted")
	}
	return spectrum
}

// wasserstein returns ∫ |F − G| dλ, for F of the density and G of the true
// eigenvalues.
func wasserstein(d *Density, truth []float64) float64 {
	nodes := slices.Concat(d.Nodes, truth)
	weights := slices.Clone(d.Weights)
	for range truth {
		weights = append(weights, -1/float64(len(truth)))
	}
	stat.SortWeighted(nodes, weights)
	difference, distance := 0.0, 0.0
	for i := range len(nodes) - 1 {
		difference += weights[i]
		distance += math.Abs(difference) * (nodes[i+1] - nodes[i])
	}
	return distance
}

// The vectors being uniform on the sphere, a diagonal operator is as good as any.
func diagonalOperator(d []float64) Operator { return conjugate(d, 0) }

func TestDensityError(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for name, test := range map[string]struct {
		d        []float64
		settings Settings
	}{
		"Hessian-like":              {hessianLike(300), Settings{Top: 5, Bottom: -1, QuadratureSteps: 30}},
		"iris":                      {irisSpectrum(t), Settings{Top: 3, Bottom: -1, QuadratureSteps: 10, QuadratureVectors: 3}},
		"uniform, few steps":        {uniform(500, -1, 1), Settings{Top: -1, Bottom: -1, QuadratureSteps: 8}},
		"two values":                {append(constant(150, -1), constant(150, 1)...), Settings{Top: -1, Bottom: -1, QuadratureSteps: 3}},
		"normal, nothing deflated":  {gaussian(rng, 300), Settings{Top: -1, Bottom: -1, QuadratureVectors: 2, QuadratureSteps: 30}},
		"small":                     {gaussian(rng, 12), Settings{Top: 2, Bottom: 2}},
		"one eigenvalue in the way": {append(constant(400, 0), 1), Settings{Top: -1, Bottom: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			const seeds = 100
			failed, ratio := 0, 0.0
			for seed := range uint64(seeds) {
				test.settings.Seed = seed
				s := density(t, diagonalOperator(test.d), test.settings)
				distance := wasserstein(s.Density, test.d)
				ratio += distance / s.Density.Error / seeds
				if distance > s.Density.Error {
					failed++
				}
			}
			t.Logf("error exceeded %d times in %d; on average the distance is %.2f of it", failed, seeds, ratio)
			if failed > 5 {
				t.Errorf("error exceeded %d times in %d: want at most 5", failed, seeds)
			}
		})
	}
}

func TestDensityOfLowRank(t *testing.T) {
	d := spectrumOf(300, 5, 4, 3, -2)
	s := density(t, conjugate(d, 3), Settings{Top: 4, Bottom: 2})
	for _, r := range s.Density.Rules {
		if !r.Exact || len(r.Nodes) != 1 || math.Abs(r.Nodes[0]) > 1e-13 {
			t.Errorf("rule %v: want the node 0 only", r)
		}
	}
	if distance := wasserstein(s.Density, d); distance > 1e-13 {
		t.Errorf("distance %.2g: want rounding only", distance)
	}
	for _, c := range []struct {
		name      string
		got, want Estimate
	}{
		{"trace", *s.Trace, Estimate{Value: 10}},
		{"Frobenius", *s.Frobenius, Estimate{Value: math.Sqrt(54)}},
	} {
		// 1e-12: 300 eigenvalues of rounding size.
		if math.Abs(c.got.Value-c.want.Value) > 1e-12*300 || c.got.Error > 1e-12*300 {
			t.Errorf("%s %v, want %v", c.name, c.got, c.want.Value)
		}
	}
	bulk := s.Density.bulkNodes()
	if first, last := bulk.Values[0], bulk.Values[len(bulk.Values)-1]; first < -1e-12 || last > 1e-12 {
		t.Errorf("the bulk is from %g to %g, want 0", first, last)
	}
}

func TestDensityExtremes(t *testing.T) {
	for name, test := range map[string]struct {
		d        []float64
		settings Settings
	}{
		"zero":                  {make([]float64, 100), Settings{}},
		"one dimension":         {[]float64{-3}, Settings{}},
		"one, nothing deflated": {[]float64{-3}, Settings{Top: -1, Bottom: -1}},
		"all but one deflated":  {[]float64{3, 2, 1, 0.5}, Settings{Top: 2, Bottom: 1}},
		"all deflated":          {[]float64{3, 2, 1, 0.5}, Settings{Top: 3, Bottom: 2}},
		"identity":              {constant(50, 1), Settings{}},
		"tiny":                  {scaled(hessianLike(100), 1e-150), Settings{}},
	} {
		t.Run(name, func(t *testing.T) {
			op := conjugate(test.d, 3)
			s := density(t, op, test.settings)
			if s.Method != Quadrature || s.Applications != op.calls {
				t.Errorf("%v, %d H·v (%d counted)", s.Method, s.Applications, op.calls)
			}
			norm := max(floats.Max(test.d), -floats.Min(test.d))
			if distance := wasserstein(s.Density, test.d); distance > s.Density.Error+1e-14*norm {
				t.Errorf("distance %.2g, error %.2g", distance, s.Density.Error)
			}
		})
	}
}

func TestDensityShape(t *testing.T) {
	d := uniform(2000, 0, 1)
	s := density(t, diagonalOperator(d), Settings{Top: -1, Bottom: -1})
	for _, p := range []float64{0.25, 0.5, 0.9} {
		if q := s.Density.bulkNodes().Quantile(p); math.Abs(q-p) > 0.03 {
			t.Errorf("quantile %g of the uniform distribution is %g", p, q)
		}
	}
}

// The intervals are from the textbook's form, centre ± half the width, with z = 1.96.
func TestWilson(t *testing.T) {
	for _, c := range []struct{ p, n, low, high float64 }{
		{0.5, 10, 0.2366, 0.7634},
		{0, 10, 0, 0.2775},
		{0.1, 20, 0.0279, 0.3010},
		{0.9, 20, 0.6990, 0.9721},
	} {
		if got, want := wilson(c.p, c.n), max(c.p-c.low, c.high-c.p); math.Abs(got-want) > 2e-4 {
			t.Errorf("p = %g of %g trials: longer side %.4f, want %.4f", c.p, c.n, got, want)
		}
	}
}
