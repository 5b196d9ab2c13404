package symeig

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// conjugate returns R diag(d) Rᵀ, where R is a product of Householder reflections
// I − 2uuᵀ: a dense matrix of known eigenvalues.
func conjugate(d []float64, mirrors int) *mat.SymDense {
	n := len(d)
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	a := mat.NewDense(n, n, nil)
	for i, v := range d {
		a.Set(i, i, v)
	}
	for range mirrors {
		u := gaussian(rng, n)
		floats.Scale(1/floats.Norm(u, 2), u)
		for range 2 { // from both sides
			for i := range n {
				row := a.RawRowView(i)
				floats.AddScaled(row, -2*floats.Dot(row, u), u)
			}
			a = mat.DenseCopyOf(a.T())
		}
	}
	h := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			h.SetSym(i, j, a.At(i, j)/2+a.At(j, i)/2)
		}
	}
	return h
}

func gaussian(rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

func uniform(n int, low, high float64) []float64 {
	return floats.Span(make([]float64, n), low, high)
}

func decayed(n int, first, last float64) []float64 {
	return floats.LogSpan(make([]float64, n), first, last)
}

func scaled(d []float64, factor float64) []float64 {
	return floats.ScaleTo(make([]float64, len(d)), factor, d)
}

func indices(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestDecompose(t *testing.T) {
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
		"identity":           conjugate(uniform(100, 1, 1), 0),
		"ascending diagonal": conjugate(uniform(200, -1, 1), 0),
		"uniform":            conjugate(uniform(200, -1, 1), 4),
		"normal":             conjugate(gaussian(rng, 233), 4),
		"Hessian-like":       conjugate(slices.Concat(decayed(25, 0.1, 1e-9), scaled(decayed(5, 0.002, 1e-9), -1), make([]float64, 270)), 4),
		"wide range":         conjugate(decayed(257, 1, 1e-300), 4),
		"clustered":          conjugate(slices.Concat(uniform(70, 1, 1), uniform(60, 1+1e-15, 1+1e-15), uniform(70, 1-1e-9, 1+1e-9)), 4),
		"tiny":               conjugate(scaled(gaussian(rng, 90), 1e-200), 4),
		"huge":               conjugate(scaled(gaussian(rng, 90), 1e200), 4),
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
			found, ok := Decompose(a)
			if !ok {
				t.Fatal("did not converge")
			}
			values, v := found.Values, found.Vectors(indices(n))
			// Backward error: some roundings of the norm a dimension at the very most.
			tolerance := 1e-14 * scale
			for i := range want {
				if !(math.Abs(values[i]-want[i]) <= tolerance) {
					t.Errorf("value %d = %g, want %g", i, values[i], want[i])
				}
			}
			var gram mat.Dense
			gram.Mul(v, v.T())
			for i := range n {
				gram.Set(i, i, gram.At(i, i)-1)
			}
			if worst := mat.Norm(&gram, math.Inf(1)); !(worst < 1e-12) {
				t.Errorf("‖V Vᵀ − I‖∞ = %.2g: want rounding only", worst)
			}
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

func BenchmarkDecompose(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n = 1200
	a := conjugate(gaussian(rng, n), 4)
	for b.Loop() {
		e, ok := Decompose(a)
		if !ok {
			b.Fatal("did not converge")
		}
		e.Vectors(indices(n))
	}
}
