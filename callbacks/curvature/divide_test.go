package curvature

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// matrixOf returns the matrix of an operator.
func matrixOf(tb testing.TB, op Operator) *mat.SymDense {
	tb.Helper()
	columns, err := assemble(tb.Context(), op, Settings{})
	if err != nil {
		tb.Fatal(err)
	}
	h, _ := symmetrise(columns)
	return h
}

func TestEigenSym(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	glued := mat.NewSymDense(130, nil) // Wilkinson's W₁₃ ten times, loosely coupled
	for i := range 130 {
		glued.SetSym(i, i, math.Abs(float64(i%13-6)))
		if i > 0 {
			glued.SetSym(i, i-1, 1)
			if i%13 == 0 {
				glued.SetSym(i, i-1, 1e-8)
			}
		}
	}
	second := mat.NewSymDense(200, nil) // second differences: known, with no deflation
	for i := range 200 {
		second.SetSym(i, i, 2)
		if i > 0 {
			second.SetSym(i, i-1, -1)
		}
	}
	general := mat.NewSymDense(301, nil)
	gaps := mat.NewSymDense(150, nil) // zero in every third row and column
	for i := range 301 {
		for j := range i + 1 {
			general.SetSym(i, j, rng.NormFloat64())
			if i < 150 && i%3 != 1 && j%3 != 1 {
				gaps.SetSym(i, j, rng.NormFloat64())
			}
		}
	}
	for name, a := range map[string]*mat.SymDense{
		"general":            general,
		"zero rows":          gaps,
		"one":                mat.NewSymDense(1, []float64{-3}),
		"two":                mat.NewSymDense(2, []float64{1, 2, 2, 1}),
		"zero":               mat.NewSymDense(100, nil),
		"identity":           matrixOf(t, conjugate(constant(100, 1), 0)),
		"ascending diagonal": matrixOf(t, conjugate(uniform(200, -1, 1), 0)),
		"uniform":            matrixOf(t, conjugate(uniform(200, -1, 1), 4)),
		"normal":             matrixOf(t, conjugate(gaussian(rng, 233), 4)),
		"Hessian-like":       matrixOf(t, conjugate(hessianLike(300), 4)),
		"wide range":         matrixOf(t, conjugate(decayed(257, 1, 1e-300), 4)),
		"clustered":          matrixOf(t, conjugate(append(constant(70, 1), append(constant(60, 1+1e-15), uniform(70, 1-1e-9, 1+1e-9)...)...), 4)),
		"tiny":               matrixOf(t, conjugate(scaled(gaussian(rng, 90), 1e-200), 4)),
		"huge":               matrixOf(t, conjugate(scaled(gaussian(rng, 90), 1e200), 4)),
		"glued Wilkinson":    glued,
		"second differences": second,
	} {
		t.Run(name, func(t *testing.T) {
			n := a.SymmetricDim()
			scale := max(mat.Norm(a, 1), 0x1p-1000)
			work := mat.NewSymDense(n, nil)
			work.ScaleSym(1/scale, a) // as gonum's solver panics at extreme ones
			var eigen mat.EigenSym
			if !eigen.Factorize(work, false) {
				t.Fatal("EigenSym failed")
			}
			want := scaled(eigen.Values(nil), scale)
			found, ok := decompose(a)
			if !ok {
				t.Fatal("did not converge")
			}
			values, v := found.values, found.vectors(ends(n, n, -1))
			// Backward error: some roundings of the norm a dimension at the very most.
			tolerance := 1e-14 * scale
			for i := range want {
				if !(math.Abs(values[i]-want[i]) <= tolerance) {
					t.Errorf("value %d = %g, want %g", i, values[i], want[i])
				}
			}
			checkOrthonormal(t, v)
			var residuals mat.Dense
			residuals.Mul(v, a)
			for i, value := range values {
				r := residuals.RawRowView(i)
				floats.AddScaled(r, -value, v.RawRowView(i))
				if norm := floats.Norm(r, 2); !(norm <= tolerance) {
					t.Errorf("pair %d: residual %.2g of ‖A‖", i, norm/scale)
				}
			}
		})
	}
}

func BenchmarkEigenSym(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n = 1200
	a := matrixOf(b, conjugate(gaussian(rng, n), 4))
	for b.Loop() {
		e, ok := decompose(a)
		if !ok {
			b.Fatal("did not converge")
		}
		e.vectors(ends(n, n, -1))
	}
}
