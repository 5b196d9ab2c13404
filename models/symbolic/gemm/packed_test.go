package gemm

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"
)

// Products with a packed B are those without, bit for bit.
func TestMultiplyPacked(t *testing.T) {
	if external != nil {
		t.Skip("OpenBLAS packs by itself")
	}
	t.Run("float64", func(t *testing.T) { testPacked(t, Implementation{}.DgemmAdd) })
	t.Run("float32", func(t *testing.T) { testPacked(t, Implementation{}.SgemmAdd) })
}

func testPacked[T float](t *testing.T, add func(tA, tB blas.Transpose, m, n, k int, a []T, lda int, b []T, ldb int, d []T, ldd int, c []T, ldc int)) {
	rng := rand.New(rand.NewPCG(5, 60))
	random := func(n int) []T {
		x := make([]T, n)
		for i := range x {
			x[i] = T(rng.NormFloat64())
		}
		return x
	}
	if PackedLen[T](blas.Trans, 50, 2, 50) != 0 || PackedLen[T](blas.Trans, 2, 50, 50) != 0 {
		t.Error("narrow products have a packed B")
	}
	for _, size := range [][3]int{{13, 13, 1}, {20, 30, 40}, {75, 100, 100}, {97, 49, 257}, {20, 1009, 30}, {30, 30, 600}, {260, 20, 784}, {100, 512, 300}, {120, 512, 1100}} {
		for _, by := range []string{"NN", "NT", "TN", "TT"} {
			tA, tB := blas.Transpose(by[0]), blas.Transpose(by[1])
			m, n, k := size[0], size[1], size[2]
			_, lda := shape(tA, m, k)
			_, ldb := shape(tB, k, n)
			a, b, row := random(m*k), random(n*k), random(n)
			length := PackedLen[T](tB, m, n, k)
			if length == 0 && (tB == blas.NoTrans || k == 1) {
				continue // read where it lies
			}
			packed := random(length + 1)
			guard := packed[length]
			Pack(packed[:length], tB, n, k, b)
			got, want := make([]T, m*n), make([]T, m*n)
			add(tA, tB, m, n, k, a, lda, b, ldb, row, 0, want, n)
			MultiplyPacked(tA, tB, m, n, k, a, lda, packed[:length], row, 0, got, n)
			if !slices.Equal(got, want) || packed[length] != guard {
				t.Errorf("%d×%d×%d op %s: not the product without", m, n, k, by)
			}
			add(tA, tB, m, n, k, a, lda, b, ldb, make([]T, n), 0, want, n)
			MultiplyPacked(tA, tB, m, n, k, a, lda, packed[:length], nil, 0, got, n)
			if !slices.Equal(got, want) {
				t.Errorf("%d×%d×%d op %s without D: not the product without", m, n, k, by)
			}
		}
	}
}
