package gemm

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// BenchmarkDGEMM measures products of the sizes m×n×k that occur, in the
// forms of a layer of a network: H·W, Hᵀ·δ (TN) and δ·Wᵀ (NT). gonum's own are
// for comparison.
func BenchmarkDGEMM(b *testing.B) {
	for _, size := range []struct {
		m, n, k int
		form    string
	}{
		{150, 100, 100, "NN"},
		{64, 100, 100, "NN"},
		{75, 100, 100, "NN"},
		{75, 100, 100, "NT"},
		{100, 100, 75, "TN"},
		{150, 2, 100, "NN"},
		{150, 3, 100, "NN"},
		{150, 100, 2, "NN"},
		{150, 100, 100, "NT"},
		{150, 100, 3, "NT"},
		{100, 100, 150, "TN"},
		{100, 3, 150, "TN"},
		{2, 100, 150, "TN"},
		{100, 150, 100, "TN"},
		{256, 256, 256, "NN"},
		{512, 512, 512, "NN"},
		{1024, 1024, 1024, "NN"},
		{450, 800, 1000, "NN"},
	} {
		name := fmt.Sprintf("%dx%dx%d", size.m, size.n, size.k)
		if size.form != "NN" {
			name += size.form
		}
		tA, tB := blas.Transpose(size.form[0]), blas.Transpose(size.form[1])
		b.Run(name, func(b *testing.B) {
			benchmark(b, size.m, size.n, size.k, tA, tB, Implementation{}.Dgemm)
		})
		b.Run(name+"/float32", func(b *testing.B) {
			benchmark(b, size.m, size.n, size.k, tA, tB, Implementation{}.Sgemm)
		})
		b.Run(name+"/gonum", func(b *testing.B) {
			benchmark(b, size.m, size.n, size.k, tA, tB, gonum.Implementation{}.Dgemm)
		})
	}
}

func benchmark[T float](b *testing.B, m, n, k int, tA, tB blas.Transpose, multiply func(tA, tB blas.Transpose, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int)) {
	rng := rand.New(rand.NewPCG(5, 1))
	_, lda := shape(tA, m, k)
	_, ldb := shape(tB, k, n)
	x, y, z := make([]T, m*k), make([]T, k*n), make([]T, m*n)
	for _, s := range [][]T{x, y} {
		for i := range s {
			s[i] = T(rng.NormFloat64())
		}
	}
	for b.Loop() {
		multiply(tA, tB, m, n, k, 1, x, lda, y, ldb, 0, z, n)
	}
	report(b, 2*float64(m)*float64(n)*float64(k))
}

// BenchmarkPeak measures what the vector unit can do: the largest tile, over
// and over from the same few numbers.
func BenchmarkPeak(b *testing.B) {
	const k = 1 << 20
	for i := range kernels64 {
		ker := &kernels64[i]
		b.Run(ker.name, func(b *testing.B) {
			n := maxWidth * ker.lanes
			x, y, z := make([]float64, ker.rows), make([]float64, n), make([]float64, ker.rows*n)
			for b.Loop() {
				ker.tiles[maxWidth-1](ker.rows, k, x, 1, 0, y, 0, z, n, z, n, 1, 0, false, ker.lanes)
			}
			report(b, 2*k*float64(ker.rows*n))
		})
	}
}

func report(b *testing.B, flop float64) {
	b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// BenchmarkPack packs the weights of a layer, transposed, which come from an outer cache.
func BenchmarkPack(b *testing.B) {
	b.Run("float64", benchmarkPack[float64])
	b.Run("float32", benchmarkPack[float32])
}

func benchmarkPack[T float](b *testing.B) {
	const n, k = 1000, 784
	dst, src := make([]T, PackedLen[T](blas.Trans, n, n, k)), make([]T, n*k)
	b.SetBytes(int64(2 * n * k * int(unsafe.Sizeof(src[0]))))
	for b.Loop() {
		Pack(dst, blas.Trans, n, k, src)
	}
}
