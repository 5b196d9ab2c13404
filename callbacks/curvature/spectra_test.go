package curvature

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"codeberg.org/sbinet/npyio"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// conjugated is the operator R diag(d) Rᵀ, where R is a product of Householder
// reflections I − 2uuᵀ: of known spectrum and cheap, with dense eigenvectors.
type conjugated struct {
	diagonal []float64
	mirrors  [][]float64
	calls    int // vectors it was applied to
}

func conjugate(diagonal []float64, mirrors int) *conjugated {
	rng := rand.New(rand.NewPCG(uint64(len(diagonal)), 1))
	op := &conjugated{diagonal: diagonal}
	for range mirrors {
		u := gaussian(rng, len(diagonal))
		floats.Scale(1/floats.Norm(u, 2), u)
		op.mirrors = append(op.mirrors, u)
	}
	return op
}

func gaussian(rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

func (op *conjugated) Dim() int { return len(op.diagonal) }

func (op *conjugated) Apply(_ context.Context, dst, src *mat.Dense) error {
	dst.Copy(src)
	rows, _ := dst.Dims()
	op.calls += rows
	for i := range rows {
		y := dst.RawRowView(i)
		for _, u := range op.mirrors {
			floats.AddScaled(y, -2*floats.Dot(u, y), u)
		}
		floats.Mul(y, op.diagonal)
		for _, u := range slices.Backward(op.mirrors) {
			floats.AddScaled(y, -2*floats.Dot(u, y), u)
		}
	}
	return nil
}

// sum is a + scale·b.
type sum struct {
	a, b  Operator
	scale float64
}

func (op sum) Dim() int { return op.a.Dim() }

func (op sum) Apply(ctx context.Context, dst, src *mat.Dense) error {
	var second mat.Dense
	second.CloneFrom(src)
	if err := op.b.Apply(ctx, &second, src); err != nil {
		return err
	}
	if err := op.a.Apply(ctx, dst, src); err != nil {
		return err
	}
	second.Scale(op.scale, &second)
	dst.Add(dst, &second)
	return nil
}

// hessianLike returns the spectrum of a small classifier's Hessian: a few
// outliers, values decaying geometrically, fewer and smaller negative ones,
// and zeros for the rest of the n.
func hessianLike(n int) []float64 {
	d := make([]float64, n)
	positive, negative := n*3/40, n/100
	outliers := []float64{0.113, 0.018, 0.0092, 0.0053, 0.004}
	copy(d, outliers)
	decay(d[len(outliers):positive], 0.0019, 1e-9)
	decay(d[positive:positive+negative], -0.0017, -1e-9)
	return d
}

func decay(d []float64, first, last float64) {
	for i := range d {
		d[i] = first * math.Pow(last/first, float64(i)/float64(max(len(d)-1, 1)))
	}
}

// irisSpectrum returns the eigenvalues of the Hessian of a net of 2953
// parameters trained on the iris data (see testdata/README.md).
func irisSpectrum(tb testing.TB) []float64 {
	tb.Helper()
	f, err := os.Open("testdata/iris_eigenvalues.npy")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var d []float64
	if err := npyio.Read(f, &d); err != nil {
		tb.Fatal(err)
	}
	return d
}

func descending(d []float64) []float64 {
	d = slices.Clone(d)
	slices.Sort(d)
	slices.Reverse(d)
	return d
}

// checkSpectrum checks orthonormal vectors, honest residuals, and values within
// tolerance of the true ones in order. The operator has a norm of about 1.
func checkSpectrum(tb testing.TB, op Operator, s *Spectrum, truth []float64, tolerance float64) {
	tb.Helper()
	truth = descending(truth)
	compare(tb, "top", s.Top.Values, truth, tolerance)
	slices.Reverse(truth)
	compare(tb, "bottom", s.Bottom.Values, truth, tolerance)
	checkPairs(tb, op, s.Top)
	checkPairs(tb, op, s.Bottom)
	if s.Vectors() != nil && len(s.Top.Values)+len(s.Bottom.Values) <= s.Dim {
		checkOrthonormal(tb, s.Vectors())
	}
}

func compare(tb testing.TB, which string, got, want []float64, tolerance float64) {
	tb.Helper()
	for i, v := range got {
		if !(math.Abs(v-want[i]) <= tolerance) {
			tb.Errorf("%s[%d] = %.12g, want %.12g (difference %.2g, tolerance %.2g)", which, i, v, want[i], v-want[i], tolerance)
		}
	}
}

// checkPairs recomputes the residuals by one more H·v each.
func checkPairs(tb testing.TB, op Operator, p Pairs) {
	tb.Helper()
	for i, value := range p.Values {
		v := p.Vectors.Slice(i, i+1, 0, op.Dim()).(*mat.Dense)
		var r mat.Dense
		r.CloneFrom(v)
		if err := op.Apply(context.Background(), &r, v); err != nil {
			tb.Fatal(err)
		}
		floats.AddScaled(r.RawRowView(0), -value, v.RawRowView(0))
		// 1e-13 is rounding: the image itself has about 20 operations an entry.
		if got := mat.Norm(&r, 2); !(math.Abs(got-p.Residuals[i]) <= 1e-13*math.Max(1, math.Abs(value))) {
			tb.Errorf("pair %d (%g): residual %.3g, but ‖Hv − θv‖ = %.3g", i, value, p.Residuals[i], got)
		}
		if row := v.RawRowView(0); floats.Max(row) < -floats.Min(row) {
			tb.Errorf("pair %d (%g): the entry of largest magnitude is negative", i, value)
		}
	}
}

func checkOrthonormal(tb testing.TB, v *mat.Dense) {
	tb.Helper()
	var gram mat.Dense
	gram.Mul(v, v.T())
	rows, _ := v.Dims()
	for i := range rows {
		gram.Set(i, i, gram.At(i, i)-1)
	}
	if worst := mat.Norm(&gram, math.Inf(1)); !(worst < 1e-12) {
		tb.Errorf("‖V Vᵀ − I‖∞ = %.2g: want rounding only", worst)
	}
}
