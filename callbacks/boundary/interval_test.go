package boundary_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
)

// ends returns, of descending complete pairs, the top largest and the bottom
// smallest as pairs that are not complete.
func ends(e *boundary.Eigenpairs, top, bottom int) *boundary.Eigenpairs {
	samples, size := e.Alignments.Dims()
	known := &boundary.Eigenpairs{Parameters: e.Parameters, Top: top, Alignments: mat.NewDense(samples, top+bottom, nil)}
	for i := range top + bottom {
		column := i
		if i >= top {
			column = size - 1 - (i - top) // ascending
		}
		known.Values = append(known.Values, e.Values[column])
		if e.Residuals != nil {
			known.Residuals = append(known.Residuals, e.Residuals[column])
		}
		known.Alignments.SetCol(i, mat.Col(nil, column, e.Alignments))
	}
	return known
}

// fataler is a *testing.T or a *rapid.T.
type fataler interface{ Fatal(...any) }

func complexity(t fataler, e *boundary.Eigenpairs, s boundary.ComplexitySettings) *boundary.Complexity {
	c, err := e.Complexity(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// checkInterval fails the test unless part, from pairs that are not complete,
// bounds exact.
func checkInterval(t interface{ Errorf(string, ...any) }, what string, part, exact boundary.Tally) {
	if g := *exact.Value; part.Low > g || part.High < g || part.Low > part.High {
		t.Errorf("%s: G in [%v, %v], and is %v", what, part.Low, part.High, g)
	}
	if (part.Value != nil) != (part.Low == part.High) || part.Value != nil && *part.Value != part.Low {
		t.Errorf("%s: value %v of [%v, %v]", what, part.Value, part.Low, part.High)
	}
}

var variants = []boundary.ComplexitySettings{
	{},
	{Alpha: 0.5},
	{Epsilon: 0.3},
	{Epsilon: 0.05},
	{Epsilon: 0.2, Statistic: boundary.MeanAlignment},
	{Epsilon: 1e-6, Vectors: boundary.AllVectors},
	{Epsilon: 0.1, Statistic: boundary.MeanAlignment, Vectors: boundary.AllVectors},
}

// Exact pairs of random bases: the interval contains the count for any number of
// known pairs, shrinks as that number grows, and becomes a point.
func TestIntervalOfExactPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		p, samples := rapid.IntRange(2, 24).Draw(t, "P"), rapid.IntRange(1, 6).Draw(t, "N")
		e := &boundary.Eigenpairs{
			Values: spectrum(t, p), Parameters: p, Complete: true,
			Alignments: alignments(rng, samples, p, rapid.Float64Range(0, 4).Draw(t, "concentration")),
		}
		bottom := rapid.IntRange(0, p-1).Draw(t, "bottom")
		for _, s := range variants {
			exact := complexity(t, e, s)
			previous := boundary.Tally{Low: 0, High: 1}
			for top := 1; top <= p-bottom; top++ {
				part := complexity(t, ends(e, top, bottom), s)
				checkInterval(t, "", part.Tally, exact.Tally)
				for i := range part.Sweep {
					checkInterval(t, "sweep", part.Sweep[i], exact.Sweep[i])
				}
				if part.Low < previous.Low || part.High > previous.High {
					t.Errorf("%d pairs: [%v, %v], after [%v, %v]", top, part.Low, part.High, previous.Low, previous.High)
				}
				previous = part.Tally
			}
			if previous.Value == nil {
				t.Errorf("all %d pairs are known and G is in [%v, %v]", p, previous.Low, previous.High)
			}
		}
	})
}

// spectrum returns descending values, some of them equal, tiny or negative.
func spectrum(t *rapid.T, p int) []float64 {
	values := rapid.SliceOfN(rapid.OneOf(
		rapid.Float64Range(-1, 1), rapid.Float64Range(-1e-9, 1e-9), rapid.SampledFrom([]float64{0, 0.5, -0.25, 1e-12}),
	), p-1, p-1).Draw(t, "values")
	values = append(values, 2)
	floats.Argsort(values, make([]int, p))
	slices.Reverse(values)
	return values
}

// alignments returns the alignments of random unit gradients with p vectors. With
// a positive concentration those with the first vectors tend to be larger.
func alignments(rng *rand.Rand, samples, p int, concentration float64) *mat.Dense {
	a := mat.NewDense(samples, p, nil)
	for n := range samples {
		row := a.RawRowView(n)
		for i := range row {
			row[i] = rng.NormFloat64() * math.Pow(float64(1+i), -concentration)
		}
		floats.Scale(1/floats.Norm(row, 2), row)
	}
	return a
}

// Eigenvectors of one eigenvalue, each aligned by exactly ε, are all counted by the
// upper end, whichever way their energy kε² is rounded.
func TestIntervalIsRoundedOutwards(t *testing.T) {
	for k := 1; k <= 20; k++ {
		for percent := 1; percent*percent*k <= 10_000; percent++ {
			epsilon := float64(percent) / 100
			row := slices.Repeat([]float64{epsilon}, k)
			row = append(row, math.Sqrt(1-min(float64(k)*epsilon*epsilon, 1))) // so that no energy is left for the unknown one
			e := &boundary.Eigenpairs{
				Values: append(slices.Repeat([]float64{2}, k), 1), Top: k + 1, Parameters: k + 2,
				Alignments: mat.NewDense(1, k+1, row),
			}
			if c := complexity(t, e, boundary.ComplexitySettings{Epsilon: epsilon}); c.High < float64(c.Count)/float64(k+2) {
				t.Errorf("ε = %g: %d of the known eigenvectors count, but the share of all is at most %g of %d", epsilon, c.Count, c.High, k+2)
			}
		}
	}
}

// Approximate pairs, the Ritz pairs of a space near the exact one: the interval
// contains the count of the exact pairs.
func TestIntervalOfApproximatePairs(t *testing.T) {
	closed := 0
	for seed := range uint64(300) {
		exact, approximate := approximation(seed)
		for _, s := range variants {
			exact, part := complexity(t, exact, s), complexity(t, approximate, s)
			checkInterval(t, "approximate", part.Tally, exact.Tally)
			for i := range part.Sweep {
				checkInterval(t, "approximate, sweep", part.Sweep[i], exact.Sweep[i])
				if part.Sweep[i].Value != nil {
					closed++
				}
			}
		}
	}
	if closed == 0 {
		t.Error("no interval closes: the test says nothing")
	}
}

// The error bounds of approximate pairs hold, and are not much too large.
func TestProjectionErrors(t *testing.T) {
	tightest, bounded := 0.0, 0
	for seed := range uint64(300) {
		exact, approximate := approximation(seed)
		samples, p := exact.Alignments.Dims()
		clusters, errors := approximate.ProjectionErrors()
		order := make([]int, len(approximate.Values))
		floats.Argsort(slices.Clone(approximate.Values), order) // ascending
		slices.Reverse(order)
		for i, c := range clusters {
			if errors[i] == 1 {
				continue
			}
			bounded++
			for n := range samples {
				var got, want float64
				for j := c[0]; j < c[1]; j++ {
					at := j // of the true pair
					if j >= approximate.Top {
						at = p - len(order) + j
					}
					got = math.Hypot(got, approximate.Alignments.At(n, order[j]))
					want = math.Hypot(want, exact.Alignments.At(n, at))
				}
				ratio := math.Abs(got-want) / (errors[i] + 1e-14) // rounding
				if ratio > 1 {
					t.Errorf("seed %d, values %v, sample %d: projection %v, truly %v, with an error of %v at most", seed, c, n, got, want, errors[i])
				}
				tightest = max(tightest, ratio)
			}
		}
	}
	if bounded < 1000 || tightest < 0.2 {
		t.Errorf("%d clusters with a bound, exhausted to %v: want 1000 and 0.2", bounded, tightest)
	}
}

// approximation returns exact and complete pairs, and approximations to some
// of them.
func approximation(seed uint64) (exact, approximate *boundary.Eigenpairs) {
	rng := rand.New(rand.NewPCG(seed, 1))
	p, samples := 3+rng.IntN(38), 1+rng.IntN(5)
	top := 1 + rng.IntN(p/2)
	bottom := rng.IntN(p / 2)
	values := make([]float64, p)
	for i := range values {
		values[i] = 1 - 0.05*float64(i) - 0.04*rng.Float64()
	}
	exact = &boundary.Eigenpairs{
		Values: values, Parameters: p, Complete: true,
		Alignments: alignments(rng, samples, p, 2*rng.Float64()),
	}
	return exact, ritz(ends(exact, top, bottom), exact, math.Pow(10, -1-5*rng.Float64()), rng)
}

// ritz replaces the known pairs, given in the basis of all true vectors, with
// the Ritz pairs of their space moved at random by the size noise.
func ritz(known, all *boundary.Eigenpairs, noise float64, rng *rand.Rand) *boundary.Eigenpairs {
	p, k, top := all.Parameters, len(known.Values), known.Top
	space := mat.NewDense(p, k, nil)
	for i := range k {
		at := i
		if i >= top {
			at = p - 1 - (i - top)
		}
		for j := range p {
			space.Set(j, i, noise/math.Sqrt(float64(p))*rng.NormFloat64())
		}
		space.Set(at, i, 1)
	}
	var qr mat.QR
	qr.Factorize(space)
	var full mat.Dense
	qr.QTo(&full)
	q := full.Slice(0, p, 0, k)
	h := mat.NewDiagDense(p, all.Values)
	var hq, small, y, vectors, images mat.Dense
	hq.Mul(h, q)
	small.Mul(q.T(), &hq)
	symmetric := mat.NewSymDense(k, nil)
	for i := range k {
		for j := range i + 1 {
			symmetric.SetSym(i, j, (small.At(i, j)+small.At(j, i))/2)
		}
	}
	var eigen mat.EigenSym
	eigen.Factorize(symmetric, true)
	eigen.VectorsTo(&y)
	vectors.Mul(q, &y)
	images.Mul(h, &vectors)
	approximate := &boundary.Eigenpairs{
		Values: eigen.Values(nil), Residuals: make([]float64, k), Parameters: p, Top: top, Alignments: new(mat.Dense),
	}
	for i, value := range approximate.Values {
		r := mat.Col(nil, i, &images)
		floats.AddScaled(r, -value, mat.Col(nil, i, &vectors))
		approximate.Residuals[i] = floats.Norm(r, 2)
	}
	approximate.Alignments.Mul(all.Alignments, &vectors)
	return approximate
}

func TestIntervalOnTheSmallGaussianNet(t *testing.T) {
	e := gauss(t).pairs
	negative := 0
	for _, v := range e.Values {
		if v < 0 {
			negative++
		}
	}
	positive := len(e.Values) - negative
	for _, s := range []boundary.ComplexitySettings{{}, {Epsilon: 0.05}, {Epsilon: 0.3}} {
		exact := complexity(t, e, s)
		previous := boundary.Tally{Low: 0, High: 1}
		for _, known := range []struct{ top, bottom int }{
			{1, 0},
			{2, 0},
			{3, 0},
			{4, 0},
			{6, 0},
			{10, 0},
			{10, 5},
			{20, 10},
			{50, 20},
			{100, 50},
			{200, 100},
			{positive - 1, negative - 1},
			{positive, negative},
		} {
			part := complexity(t, ends(e, known.top, known.bottom), s)
			checkInterval(t, "gauss_small", part.Tally, exact.Tally)
			for i := range part.Sweep {
				checkInterval(t, "gauss_small, sweep", part.Sweep[i], exact.Sweep[i])
			}
			if part.Low < previous.Low || part.High > previous.High {
				t.Errorf("%v pairs: [%v, %v], after [%v, %v]", known, part.Low, part.High, previous.Low, previous.High)
			}
			previous = part.Tally
		}
		if previous.Value == nil {
			t.Errorf("all resolvable pairs are known and G is in [%v, %v]", previous.Low, previous.High)
		}
	}
}
