package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
)

// problem is a product whose elements are small integers, or halves of them,
// so that every order of summation gives the same, exact result. What no
// product may read is NaN.
type problem[T float] struct {
	tA, tB        blas.Transpose
	m, n, k       int
	lda, ldb, ldc int
	alpha, beta   T
	a, b, c, want []T
	d             []T // C itself, another matrix, or a row
	ldd           int
}

// newProblem returns a problem with random transposition, strides, alpha, beta
// and D. alloc makes its slices.
func newProblem[T float](rng *rand.Rand, m, n, k int, alloc func(n int) []T) *problem[T] {
	scalars := []T{1, 0, -1, 0.5}
	p := &problem[T]{
		tA: []blas.Transpose{blas.NoTrans, blas.Trans}[rng.IntN(2)], tB: []blas.Transpose{blas.NoTrans, blas.Trans}[rng.IntN(2)],
		m: m, n: n, k: k, alpha: scalars[rng.IntN(len(scalars))], beta: scalars[rng.IntN(len(scalars))],
	}
	rowsA, colsA := shape(p.tA, m, k)
	rowsB, colsB := shape(p.tB, k, n)
	p.lda, p.ldb, p.ldc = max(1, colsA+rng.IntN(4)), max(1, colsB+rng.IntN(4)), max(1, n+rng.IntN(4))
	p.a = integers(rng, alloc(rowsA*p.lda-(p.lda-colsA)), colsA, p.lda)
	p.b = integers(rng, alloc(rowsB*p.ldb-(p.ldb-colsB)), colsB, p.ldb)
	p.c = integers(rng, alloc(m*p.ldc-(p.ldc-n)), n, p.ldc)
	switch rng.IntN(3) {
	case 0:
		p.d, p.ldd = p.c, p.ldc
	case 1:
		p.ldd = max(1, n+rng.IntN(4))
		p.d = integers(rng, alloc(m*p.ldd-(p.ldd-n)), n, p.ldd)
	case 2:
		p.d = integers(rng, alloc(n), n, max(1, n))
	}
	return p
}

func integers[T float](rng *rand.Rand, x []T, cols, stride int) []T {
	for i := range x {
		x[i] = T(rng.IntN(17) - 8)
		if i%stride >= cols {
			x[i] = T(math.NaN())
		}
	}
	return x
}

func (p *problem[T]) product() product[T] {
	return newProduct(p.tA, p.tB, p.m, p.n, p.k, p.alpha, p.a, p.lda, p.b, p.ldb, p.beta, p.c, p.ldc).plus(p.d, p.ldd)
}

// naive returns what C should become.
func (p *problem[T]) naive() []T {
	want := append([]T(nil), p.c...)
	q := p.product()
	for i := range p.m {
		for j := range p.n {
			var sum T
			for l := range p.k {
				sum += p.a[i*q.aRow+l*q.aCol] * p.b[l*q.bRow+j*q.bCol]
			}
			at := i*p.ldc + j
			want[at] = 0
			if p.alpha != 0 {
				want[at] = p.alpha * sum
			}
			if p.beta != 0 {
				want[at] += p.beta * p.d[i*p.ldd+j]
			}
		}
	}
	return want
}

func (p *problem[T]) check(t *testing.T, name string) {
	t.Helper()
	for i, v := range p.c {
		if v != p.want[i] && !(v != v && p.want[i] != p.want[i]) {
			t.Fatalf("%s: %v: C[%d,%d] = %v, want %v", name, p, i/p.ldc, i%p.ldc, v, p.want[i])
		}
	}
}

func (p *problem[T]) String() string {
	return fmt.Sprintf("%T %d×%d×%d op %c %c strides %d %d %d %d alpha %v beta %v",
		p.alpha, p.m, p.n, p.k, p.tA, p.tB, p.lda, p.ldb, p.ldc, p.ldd, p.alpha, p.beta)
}

// engines returns an engine for each set of kernels of this machine.
func engines[T float](kernels []kernels[T]) (es []*engine[T]) {
	for i := range kernels {
		es = append(es, &engine[T]{kernels: &kernels[i]})
	}
	return es
}

// TestSmall computes products of every size up to 40, each with one of the
// combinations of transposition, strides, alpha and beta.
func TestSmall(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testSmall(t, engines(kernels64)) })
	t.Run("float32", func(t *testing.T) { testSmall(t, engines(kernels32)) })
}

func testSmall[T float](t *testing.T, es []*engine[T]) {
	t.Parallel()
	step := 1
	if raceEnabled { // or it takes a minute
		step = 3
	}
	rng := rand.New(rand.NewPCG(5, 40))
	for m := 1; m <= 40; m += step {
		for n := 1 + rng.IntN(step); n <= 40; n += step {
			for k := rng.IntN(step); k <= 40; k += step {
				testOne(t, rng, es, m, n, k)
			}
		}
	}
}

// testOne computes one product of a size with all kernels, and returns whether B was
// transposed.
func testOne[T float](t *testing.T, rng *rand.Rand, es []*engine[T], m, n, k int) blas.Transpose {
	t.Helper()
	p := newProblem(rng, m, n, k, func(n int) []T { return make([]T, max(n, 0)) })
	p.want = p.naive()
	c := append([]T(nil), p.c...)
	for _, e := range es {
		copy(p.c, c)
		e.multiply(p.product(), false)
		p.check(t, e.kernels.name)
	}
	return p.tB
}

// blocked are sizes on either side of the limits of blocks.
var blocked = [][3]int{
	{150, 100, 100},
	{150, 2, 100},
	{150, 100, 2},
	{2, 100, 150},
	{450, 3, 1000},
	{10, 300, 300},
	{300, 10, 300},
	{97, 1009, 257},
	{96, 1008, 256},
	{95, 1031, 5},
	{200, 55, 600},
	{64, 512, 300},
	{100, 512, 64},
	{100, 1024, 20},
	{600, 3, 1100},
	{3, 600, 1100},
	{1100, 12, 513},
	{12, 1100, 513},
	{13, 1025, 511},
	{1, 2000, 3},
	{2000, 1, 3},
	{1, 1, 3000},
}

func TestBlocked(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testBlocked(t, engines(kernels64)) })
	t.Run("float32", func(t *testing.T) { testBlocked(t, engines(kernels32)) })
}

func testBlocked[T float](t *testing.T, es []*engine[T]) {
	rng := rand.New(rand.NewPCG(5, 41))
	for _, size := range blocked {
		testOne(t, rng, es, size[0], size[1], size[2])
	}
	// All panels of B, transposed or not, are packed before the first rows of A meet them.
	for met := map[blas.Transpose]bool{}; len(met) < 2; {
		met[testOne(t, rng, es, 300, 520, 256)] = true
	}
}

// TestNonFinite puts a NaN or an infinity where everything it meets is zero:
// the row of C that an element of A belongs to, or the column of an element of
// B, becomes NaN, and nothing else.
func TestNonFinite(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testNonFinite(t, engines(kernels64)) })
	t.Run("float32", func(t *testing.T) { testNonFinite(t, engines(kernels32)) })
}

func testNonFinite[T float](t *testing.T, es []*engine[T]) {
	rng := rand.New(rand.NewPCG(5, 42))
	for _, size := range append(blocked, [3]int{7, 5, 3}, [3]int{30, 29, 31}, [3]int{9, 17, 8}) {
		m, n, k := size[0], size[1], size[2]
		for _, e := range es {
			p := newProblem(rng, m, n, k, func(n int) []T { return make([]T, n) })
			p.alpha, p.beta = 1, 0
			q := p.product()
			clear(p.a)
			clear(p.b)
			for i := range p.c { // beta is zero: to be overwritten
				p.c[i] = T(math.NaN())
			}
			bad := []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[rng.IntN(3)]
			row, col, l := rng.IntN(m), rng.IntN(n), rng.IntN(k)
			if rng.IntN(2) == 0 {
				p.a[row*q.aRow+l*q.aCol], col = T(bad), -1
			} else {
				p.b[l*q.bRow+col*q.bCol], row = T(bad), -1
			}
			e.multiply(q, false)
			for i := range m {
				for j := range n {
					got := p.c[i*p.ldc+j]
					if nan := i == row || j == col; nan && got == got || !nan && got != 0 {
						t.Fatalf("%s: %v: C[%d,%d] = %v with %v in row %d or column %d", e.kernels.name, p, i, j, got, bad, row, col)
					}
				}
			}
		}
	}
}

// TestScalars holds alpha and beta to the standard where it matters what is
// read: alpha = 0 hides A and B, beta ≠ 0 shows C.
func TestScalars(t *testing.T) {
	nan := math.NaN()
	for _, e := range engines(kernels64) {
		for _, tt := range []struct {
			alpha, a, beta, c, want float64
		}{
			{0, nan, 0, nan, 0},
			{0, nan, 2, 3, 6},
			{0, nan, 1, nan, nan},
			{1, 2, 0, nan, 2},
			{1, 2, 1, nan, nan},
			{1, 2, nan, 3, nan},
			{nan, 2, 1, 3, nan},
			{1, math.Inf(1), 1, math.Inf(-1), nan},
			{-1, math.Inf(1), 1, 0, math.Inf(-1)},
		} {
			c := []float64{tt.c}
			e.multiply(newProduct(blas.NoTrans, blas.NoTrans, 1, 1, 1, tt.alpha, []float64{tt.a}, 1, []float64{1}, 1, tt.beta, c, 1), false)
			if c[0] != tt.want && !(math.IsNaN(c[0]) && math.IsNaN(tt.want)) {
				t.Errorf("%s: %v * %v + %v * %v = %v, want %v", e.kernels.name, tt.alpha, tt.a, tt.beta, tt.c, c[0], tt.want)
			}
		}
	}
}
