package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// TestDgemv compares with gonum's own on integers, for which every order of
// summation is exact. What must not be read is NaN.
func TestDgemv(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 51))
	sizes := [][2]int{{0, 3}, {3, 0}, {1, 1}, {40, 1100}, {1100, 40}, {513, 512}}
	for range 300 {
		sizes = append(sizes, [2]int{1 + rng.IntN(50), 1 + rng.IntN(50)})
	}
	for _, size := range sizes {
		m, n := size[0], size[1]
		for _, tA := range []blas.Transpose{blas.NoTrans, blas.Trans, blas.ConjTrans} {
			lenX, lenY := n, m
			if tA != blas.NoTrans {
				lenX, lenY = m, n
			}
			lda := n + 1 + rng.IntN(3)
			incX, incY := 1+rng.IntN(2), 1+rng.IntN(2)
			alpha, beta := float64(rng.IntN(3)-1), float64(rng.IntN(3)-1)
			a := integers(rng, make([]float64, m*lda), n, lda)
			if lenX == 0 || lenY == 0 {
				a = make([]float64, m*lda)
			}
			x := integers(rng, make([]float64, max(lenX*incX, 1)), 1, incX)
			y := integers(rng, make([]float64, max(lenY*incY, 1)), 1, incY)
			if beta == 0 && lenY > 0 && lenX > 0 {
				y[0] = math.NaN()
			}
			if rng.IntN(10) == 0 {
				incX = -incX
			}
			want := append([]float64(nil), y...)
			Implementation{}.Dgemv(tA, m, n, alpha, a, lda, x, incX, beta, y, incY)
			gonum.Implementation{}.Dgemv(tA, m, n, alpha, a, lda, x, incX, beta, want, incY)
			for i := range want {
				if y[i] != want[i] && !(y[i] != y[i] && want[i] != want[i]) {
					t.Fatalf("%d×%d op %c, strides %d %d %d, alpha %v, beta %v: y[%d] = %v, want %v",
						m, n, tA, lda, incX, incY, alpha, beta, i, y[i], want[i])
				}
			}
		}
	}
}

func TestDgemvPanics(t *testing.T) {
	for name, c := range map[string]struct {
		tA                          blas.Transpose
		m, n, lda, lenA, lenX, lenY int
	}{
		"good":      {blas.NoTrans, 3, 4, 4, 12, 4, 3},
		"transpose": {'X', 3, 4, 4, 12, 4, 4},
		"m":         {blas.NoTrans, -1, 4, 4, 12, 4, 3},
		"lda":       {blas.NoTrans, 3, 4, 3, 12, 4, 3},
		"short A":   {blas.NoTrans, 3, 4, 4, 11, 4, 3},
		"short x":   {blas.NoTrans, 3, 4, 4, 12, 3, 3},
		"short y":   {blas.Trans, 3, 4, 4, 12, 4, 3},
	} {
		t.Run(name, func(t *testing.T) {
			call := func(impl blas.Float64Level2) (failed bool) {
				defer func() { failed = recover() != nil }()
				impl.Dgemv(c.tA, c.m, c.n, 1, make([]float64, c.lenA), c.lda, make([]float64, c.lenX), 1, 1, make([]float64, c.lenY), 1)
				return false
			}
			if got, want := call(Implementation{}), call(gonum.Implementation{}); got != want {
				t.Errorf("panics: %v, gonum: %v", got, want)
			}
		})
	}
}

// BenchmarkDGEMV measures products of a matrix, in the second-level cache, with
// a vector.
func BenchmarkDGEMV(b *testing.B) {
	const m, n = 48, 1000
	a, x, y := make([]float64, m*n), make([]float64, n), make([]float64, n)
	for _, tA := range []blas.Transpose{blas.NoTrans, blas.Trans} {
		for name, impl := range map[string]blas.Float64Level2{"": Implementation{}, "/gonum": gonum.Implementation{}} {
			b.Run(fmt.Sprintf("%dx%d%c%s", m, n, tA, name), func(b *testing.B) {
				for b.Loop() {
					impl.Dgemv(tA, m, n, 1, a, n, x, 1, 0.5, y, 1)
				}
				report(b, 2*m*n)
			})
		}
	}
}
