package boundary_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
)

func TestCalibratedEpsilon(t *testing.T) {
	for _, c := range []struct {
		parameters, resolvable, samples int
		alpha, want                     float64
	}{
		// Expected values: the tail as a power series in ε² in decimal
		// arithmetic of 80 digits, with Stirling's series for the beta function.
		{2, 1, 1, 0.05, 0.996917333733127976},
		{3, 2, 7, 0.1, 0.992857142857142857},
		{10, 10, 1000, 0.01, 0.968338511426079870},
		{42, 14, 6, 0.05, 0.502494502919515602},
		{1113, 436, 150, 0.05, 0.147488663147906066},
		{2953, 476, 120, 0.05, 0.090335381160965172},
		{10602, 857, 200, 0.05, 0.049782494096598159},
		{10602, 899, 200, 0.05, 0.049869755752868188},
		{10703, 1158, 150, 0.05, 0.049571516253498983},
		{61706, 2000, 1000, 0.05, 0.022433503370042009},
		{1_000_000, 5000, 60_000, 0.05, 0.006389221389188629},
		{11_689_512, 20_000, 50_000, 0.05, 0.001921890603434488},
		{1_000_000_000, 100_000, 1_000_000, 0.001, 0.000244736770173715},
	} {
		got, err := boundary.CalibratedEpsilon(c.parameters, c.resolvable, c.samples, c.alpha)
		// Rounding of 1 − ε² to float64, where ε² is small.
		tolerance := 1e-12
		if c.parameters > 1_000_000 {
			tolerance = 1e-10
		}
		if err != nil || !(math.Abs(got-c.want) <= tolerance*c.want) {
			t.Errorf("CalibratedEpsilon(%d, %d, %d, %v) = %.16g, %v; want %.16g",
				c.parameters, c.resolvable, c.samples, c.alpha, got, err, c.want)
		}
	}
}

func TestCalibratedEpsilonIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, m, n := rapid.IntRange(2, 1e8).Draw(t, "P"), rapid.IntRange(1, 1e5).Draw(t, "m"), rapid.IntRange(1, 1e6).Draw(t, "N")
		alpha := rapid.Float64Range(1e-300, 0.999).Draw(t, "α")
		epsilon, err := boundary.CalibratedEpsilon(p, m, n, alpha)
		if err != nil || !(epsilon > 0 && epsilon <= 1) {
			t.Fatalf("ε = %v, %v", epsilon, err)
		}
		const rounding = 1e-12 // near ε = 1, and of an ε near 0 for α near 1
		larger, err := boundary.CalibratedEpsilon(p, 2*m, n, alpha)
		if err != nil || larger < epsilon*(1-rounding) {
			t.Errorf("ε = %v, and %v with twice as many eigenvectors, %v", epsilon, larger, err)
		}
		smaller, err := boundary.CalibratedEpsilon(2*p, m, n, alpha)
		if err != nil || smaller > epsilon*(1+rounding) {
			t.Errorf("ε = %v, and %v with twice as many parameters, %v", epsilon, smaller, err)
		}
	})
}

func TestCalibratedEpsilonErrors(t *testing.T) {
	for _, c := range []struct {
		p, m, n int
		alpha   float64
	}{
		{1, 1, 1, 0.05},
		{5, 0, 1, 0.05},
		{5, 1, 0, 0.05},
		{5, 1, 1, 0},
		{5, 1, 1, 1},
		{5, 1, 1, math.NaN()},
	} {
		if epsilon, err := boundary.CalibratedEpsilon(c.p, c.m, c.n, c.alpha); err == nil {
			t.Errorf("CalibratedEpsilon%v = %v, want an error", c, epsilon)
		}
	}
}

// For one gradient and independent directions the probability nearly reaches its
// bound α: it is 1 − (1 − α/m)^m ≈ 1 − exp(−α).
func TestCalibratedEpsilonIsTight(t *testing.T) {
	const p, m, trials, alpha = 30, 40, 4000, 0.5
	epsilon, err := boundary.CalibratedEpsilon(p, m, 1, alpha)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	reached := 0.0
	for range trials {
		for range m {
			if u := unit(rng, p); math.Abs(u[0]) >= epsilon {
				reached++
				break
			}
		}
	}
	expected := 1 - math.Pow(1-alpha/m, m)
	// Four standard deviations of a binomial number.
	if tolerance := 4 * math.Sqrt(expected*(1-expected)/trials); math.Abs(reached/trials-expected) > tolerance {
		t.Errorf("chance reaches ε in %v of trials, want %.4f ± %.4f", reached/trials, expected, tolerance)
	}
}

// unit returns a random unit vector.
func unit(rng *rand.Rand, p int) []float64 {
	u := make([]float64, p)
	for i := range u {
		u[i] = rng.NormFloat64()
	}
	floats.Scale(1/floats.Norm(u, 2), u)
	return u
}

// Random orthonormal directions, as many as there are resolvable eigenvectors,
// and gradients of a real network, every fifth: in at least 1 − α of trials
// none of their alignments reaches the calibrated ε.
func TestChanceDoesNotReachTheCalibratedEpsilon(t *testing.T) {
	const resolvable, samples, trials, alpha = 436, 30, 300, 0.05
	g := gauss(t)
	p := g.pairs.Parameters
	epsilon, err := boundary.CalibratedEpsilon(p, resolvable, samples, alpha)
	if err != nil {
		t.Fatal(err)
	}
	directions := mat.NewDense(samples, p, nil)
	for n := range samples {
		directions.SetRow(n, g.directions.RawRowView(5*n))
	}
	var gram mat.Dense
	gram.Mul(directions, directions.T())
	root := squareRoot(&gram)
	rng := rand.New(rand.NewPCG(3, 4))
	reached := 0.0
	for range trials {
		var alignments mat.Dense
		alignments.Mul(randomBlock(rng, p, resolvable, samples), root)
		if mat.Max(&alignments) >= epsilon || mat.Min(&alignments) <= -epsilon {
			reached++
		}
	}
	// Three standard deviations of a binomial number.
	if most := trials*alpha + 3*math.Sqrt(trials*alpha*(1-alpha)); reached > most {
		t.Errorf("chance reaches ε in %v of %d trials, want at most %.1f", reached, trials, most)
	}
}

// squareRoot returns S with SᵀS = g, for a Gram matrix g.
func squareRoot(g *mat.Dense) *mat.Dense {
	n, _ := g.Dims()
	symmetric := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			symmetric.SetSym(i, j, g.At(i, j))
		}
	}
	var eigen mat.EigenSym
	eigen.Factorize(symmetric, true)
	var vectors, s mat.Dense
	eigen.VectorsTo(&vectors)
	roots := eigen.Values(nil)
	for i, v := range roots {
		roots[i] = math.Sqrt(math.Max(0, v))
	}
	s.Mul(mat.NewDiagDense(n, roots), vectors.T())
	return &s
}

// randomBlock returns the upper left m × n block of a random orthogonal p × p
// matrix. Random orthonormal directions have the same alignments with unit
// gradients Ĝ as its rows have with the columns of S, where SᵀS = ĜĜᵀ.
func randomBlock(rng *rand.Rand, p, m, n int) *mat.Dense {
	w := mat.NewDense(p, n, nil)
	for i := range p {
		row := w.RawRowView(i)
		for j := range row {
			row[j] = rng.NormFloat64()
		}
	}
	// The orthonormal factor of W is W·R⁻¹ with RᵀR = WᵀW. Its distribution is that
	// of the first n columns.
	var gram mat.SymDense
	gram.SymOuterK(1, w.T())
	var cholesky mat.Cholesky
	cholesky.Factorize(&gram)
	var r mat.TriDense
	cholesky.UTo(&r)
	block := mat.DenseCopyOf(w.Slice(0, m, 0, n))
	blas64.Trsm(blas.Right, blas.NoTrans, 1, r.RawTriangular(), block.RawMatrix())
	return block
}
