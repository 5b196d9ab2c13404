package boundary

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
)

// planted is a symmetric operator with eigenvectors V (rows) and unit gradients.
type planted struct {
	h         *mat.SymDense
	values    []float64 // descending
	vectors   *mat.Dense
	gradients *mat.Dense // N × P
}

// plant draws an operator whose eigenvalues decay over six decades, some of them
// equal or nearly, and gradients with most of their energy at the top.
func plant(rng *rand.Rand, p, n int, decay float64) planted {
	var qr mat.QR
	a := mat.NewDense(p, p, nil)
	a.Apply(func(int, int, float64) float64 { return rng.NormFloat64() }, a)
	qr.Factorize(a)
	var q mat.Dense
	qr.QTo(&q)
	x := planted{values: make([]float64, p), vectors: mat.DenseCopyOf(q.T())}
	for i := range x.values {
		x.values[i] = math.Pow(10, -6*float64(i)/float64(p)) * math.Exp(0.1*rng.NormFloat64())
		if i%7 == 3 {
			x.values[i] = x.values[i-1] * (1 - 1e-3*rng.Float64())
		}
	}
	floats.Argsort(x.values, make([]int, p))
	slices.Reverse(x.values)
	x.h = mat.NewSymDense(p, nil)
	for i, v := range x.values {
		x.h.SymRankOne(x.h, v, x.vectors.RowView(i))
	}
	x.gradients = mat.NewDense(n, p, nil)
	for s := range n {
		g := x.gradients.RawRowView(s)
		for i := range p {
			floats.AddScaled(g, rng.NormFloat64()*math.Exp(-decay*float64(i)), x.vectors.RawRowView(i))
		}
		floats.Scale(1/floats.Norm(g, 2), g)
	}
	return x
}

func (x planted) Dim() int { return len(x.values) }

// directions returns the truth: 1/Σa² over all eigenvectors, and the participation
// of the resolvable ones.
func (x planted) directions() (all, participation float64) {
	var c mat.Dense
	c.Mul(x.gradients, x.vectors.T())
	sum, resolvable, squares, total := 0.0, 0.0, 0.0, 0.0
	n, p := c.Dims()
	for i := range p {
		a := 0.0
		for s := range n {
			a += c.At(s, i) * c.At(s, i) / float64(n)
		}
		sum += a
		total += a * a
		if x.values[i] > Floor*x.values[0] {
			resolvable += a
			squares += a * a
		}
	}
	return sum * sum / total, resolvable * resolvable / squares
}

// The bounds hold the truth in every one of some hundred cases, from few pairs of
// low accuracy to all of them, and are near each other where the pairs are many
// and good.
func TestDirectionsHoldTheTruth(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	narrow := 0
	const cases = 600
	for c := range cases {
		p, n := 40+rng.IntN(40), 5+rng.IntN(30)
		x := plant(rng, p, n, []float64{0.02, 0.1, 0.4}[c%3])
		all, participation := x.directions()
		settings := curvature.Settings{
			Method: curvature.Lanczos, Top: 2 + rng.IntN(20), Bottom: -1, Seed: uint64(c),
			Tolerance: math.Pow(10, -1-5*rng.Float64()),
		}
		if c%10 == 0 {
			settings = curvature.Settings{Method: curvature.Dense}
		}
		s, err := curvature.Solve(t.Context(), symmetric{x.h}, settings)
		if err != nil {
			t.Fatal(err)
		}
		e := NewEigenpairs(s)
		e.Alignments = s.Resolved.Project(x.gradients)
		gram := mat.NewDense(n, n, nil)
		gram.Mul(x.gradients, x.gradients.T())
		d, err := e.Directions(gram)
		if err != nil {
			t.Fatal(err)
		}
		if all < d.All.Low || all > d.All.High {
			t.Errorf("case %d, %d pairs to %.1g: %v directions are not in %+v", c, settings.Top, settings.Tolerance, all, d.All)
		}
		if participation < d.Participation.Low || participation > d.Participation.High {
			t.Errorf("case %d, %d pairs to %.1g: the participation %v is not in %+v", c, settings.Top, settings.Tolerance, participation, d.Participation)
		}
		if d.All.Within(0.05) {
			narrow++
		}
		if c%10 == 0 && !d.All.Within(1e-6) {
			t.Errorf("case %d: all pairs are known, and the bounds are %+v", c, d.All)
		}
	}
	if narrow < cases/6 {
		t.Errorf("the bounds are within 5 %% in %d of %d cases", narrow, cases)
	}
}

// The ends may be as far from each other as the width says; an exact number is within
// any width, 0 too.
func TestIntervalWithin(t *testing.T) {
	for _, test := range []struct {
		i     Interval
		width float64
		want  bool
	}{
		{Interval{3, 3}, 0, true},
		{Interval{0, 0}, 0.05, true},
		{Interval{2, 3}, 0.5, true},
		{Interval{2, 3}, 0.49, false},
		{Interval{0, 1e-300}, 0.05, false},
	} {
		if got := test.i.Within(test.width); got != test.want {
			t.Errorf("%+v within %v: %v", test.i, test.width, got)
		}
	}
}

// Of exact pairs those count that no unknown eigenvalue can be next to: all but the last
// above the gap. What the others add to the sum of squares is between 0 and the square
// of their energy.
func TestDirectionsOfTheLargestPairs(t *testing.T) {
	alignments := mat.NewDense(1, 3, []float64{math.Sqrt(0.5), math.Sqrt(0.3), math.Sqrt(0.2)})
	for _, test := range []struct {
		top      int
		complete bool
		want     Interval
	}{
		{1, false, Interval{1, 50}},
		{2, false, Interval{1 / (0.25 + 0.25), 1 / 0.25}},
		{3, false, Interval{1 / (0.25 + 0.09 + 0.04), 1 / (0.25 + 0.09)}},
		{0, true, Interval{1 / (0.25 + 0.09 + 0.04), 1 / (0.25 + 0.09 + 0.04)}},
	} {
		e := &Eigenpairs{
			Values: []float64{4, 2, 1}, Residuals: make([]float64, 3), Alignments: alignments,
			Parameters: 50, Top: test.top, Complete: test.complete,
		}
		d, err := e.Directions(mat.NewDense(1, 1, []float64{1}))
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(d.All.Low/test.want.Low-1) > 1e-6 || math.Abs(d.All.High/test.want.High-1) > 1e-6 {
			t.Errorf("the largest %d, complete: %v: %+v, want %+v", test.top, test.complete, d.All, test.want)
		}
	}
}

// symmetric is a stored matrix as an operator.
type symmetric struct{ *mat.SymDense }

func (m symmetric) Dim() int { return m.SymmetricDim() }

func (m symmetric) Apply(_ context.Context, dst, src *mat.Dense) error {
	dst.Mul(src, m)
	return nil
}
