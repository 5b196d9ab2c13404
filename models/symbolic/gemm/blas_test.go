package gemm

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

func TestImplementation(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 44))
	for _, impl := range []Implementation{{}, {Parallel: true}} {
		for _, size := range append(blocked, [3]int{0, 3, 3}, [3]int{3, 0, 3}, [3]int{3, 3, 0}, [3]int{130, 130, 130}) {
			p := newProblem(rng, size[0], size[1], size[2], func(n int) []float64 { return make([]float64, max(n, 0)) })
			p.d, p.ldd = p.c, p.ldc
			p.want = p.naive()
			impl.Dgemm(p.tA, p.tB, p.m, p.n, p.k, p.alpha, p.a, p.lda, p.b, p.ldb, p.beta, p.c, p.ldc)
			p.check(t, "Dgemm")

			s := newProblem(rng, size[0], size[1], size[2], func(n int) []float32 { return make([]float32, max(n, 0)) })
			s.d, s.ldd = s.c, s.ldc
			s.want = s.naive()
			impl.Sgemm(s.tA, s.tB, s.m, s.n, s.k, s.alpha, s.a, s.lda, s.b, s.ldb, s.beta, s.c, s.ldc)
			s.check(t, "Sgemm")
		}
	}
}

func TestAdd(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 47))
	for _, size := range append(blocked, [3]int{0, 3, 3}, [3]int{3, 0, 3}, [3]int{3, 3, 0}) {
		p := newProblem(rng, size[0], size[1], size[2], func(n int) []float64 { return make([]float64, max(n, 0)) })
		p.alpha, p.beta = 1, 1
		p.want = p.naive()
		Implementation{}.DgemmAdd(p.tA, p.tB, p.m, p.n, p.k, p.a, p.lda, p.b, p.ldb, p.d, p.ldd, p.c, p.ldc)
		p.check(t, "DgemmAdd")

		s := newProblem(rng, size[0], size[1], size[2], func(n int) []float32 { return make([]float32, max(n, 0)) })
		s.alpha, s.beta = 1, 1
		s.want = s.naive()
		Implementation{}.SgemmAdd(s.tA, s.tB, s.m, s.n, s.k, s.a, s.lda, s.b, s.ldb, s.d, s.ldd, s.c, s.ldc)
		s.check(t, "SgemmAdd")
	}
}

// TestAddPanics: D is a matrix or a row of the width of C.
func TestAddPanics(t *testing.T) {
	for _, d := range []struct{ length, ldd int }{{3, 0}, {11, 4}, {12, 3}, {12, -4}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("no panic for D of %d elements with rows %d apart, C is 3×4", d.length, d.ldd)
				}
			}()
			Implementation{}.DgemmAdd(blas.NoTrans, blas.NoTrans, 3, 4, 5, make([]float64, 15), 5, make([]float64, 20), 4,
				make([]float64, d.length), d.ldd, make([]float64, 12), 4)
		}()
	}
}

func TestPanics(t *testing.T) {
	type args struct {
		tA, tB                 blas.Transpose
		m, n, k, lda, ldb, ldc int
		lenA, lenB, lenC       int
	}
	good := args{blas.NoTrans, blas.NoTrans, 3, 4, 5, 5, 4, 4, 15, 20, 12}
	for name, change := range map[string]func(*args){
		"good":          func(*args) {},
		"transpose A":   func(a *args) { a.tA = 'X' },
		"transpose B":   func(a *args) { a.tB = 0 },
		"m":             func(a *args) { a.m = -1 },
		"n":             func(a *args) { a.n = -1 },
		"k":             func(a *args) { a.k = -1 },
		"m and n":       func(a *args) { a.m, a.n = -1, -1 },
		"lda":           func(a *args) { a.lda = 4 },
		"lda of Aᵀ":     func(a *args) { a.tA, a.lda = blas.Trans, 2 },
		"ldb":           func(a *args) { a.ldb = 3 },
		"ldb of Bᵀ":     func(a *args) { a.tB, a.ldb = blas.ConjTrans, 4 },
		"ldc":           func(a *args) { a.ldc = 3 },
		"zero lda":      func(a *args) { a.k, a.lda = 0, 0 },
		"short A":       func(a *args) { a.lenA-- },
		"short Aᵀ":      func(a *args) { a.tA, a.lda, a.lenA = blas.Trans, 3, 14 },
		"short B":       func(a *args) { a.lenB-- },
		"short Bᵀ":      func(a *args) { a.tB, a.ldb, a.lenB = blas.Trans, 5, 19 },
		"short C":       func(a *args) { a.lenC-- },
		"all short":     func(a *args) { a.lenA, a.lenB, a.lenC = 0, 0, 0 },
		"m = 0, short":  func(a *args) { a.m, a.lenA, a.lenB, a.lenC = 0, 0, 0, 0 },
		"k = 0, short":  func(a *args) { a.k, a.lenA, a.lenB = 0, 0, 0 },
		"k = 0, beta 1": func(a *args) { a.k = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			a := good
			change(&a)
			call := func(impl blas.Float64Level3) (message any) {
				defer func() { message = recover() }()
				impl.Dgemm(a.tA, a.tB, a.m, a.n, a.k, 1, make([]float64, a.lenA), a.lda, make([]float64, a.lenB), a.ldb, 1, make([]float64, a.lenC), a.ldc)
				return nil
			}
			got, want := call(Implementation{}), call(gonum.Implementation{})
			if got != want {
				t.Errorf("panic(%v), gonum's is %v", got, want)
			}
		})
	}
}

// TestParallel holds products to the same bits for any number of goroutines.
func TestParallel(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 45))
	sizes := append(blocked, [3]int{300, 310, 320}, [3]int{700, 70, 70}, [3]int{70, 700, 70}, [3]int{49, 49, 49})
	for _, e := range engines(kernels64) {
		for _, size := range sizes {
			p := newProblem(rng, size[0], size[1], size[2], func(n int) []float64 { return make([]float64, n) })
			p.alpha, p.beta = 1.1, 0.9
			for _, x := range [][]float64{p.a, p.b, p.c, p.d} {
				for i := range x {
					x[i] = rng.NormFloat64()
				}
			}
			c := append([]float64(nil), p.c...)
			e.multiply(p.product(), false)
			p.want = append([]float64(nil), p.c...)
			for procs := 1; procs <= 7; procs += 2 {
				copy(p.c, c)
				e.inParallel(p.product(), procs)
				p.check(t, fmt.Sprintf("%s on %d", e.kernels.name, procs))
			}
		}
	}
}

// TestShared multiplies on several goroutines at once.
func TestShared(t *testing.T) {
	var all sync.WaitGroup
	for g := range uint64(4) {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(5, 46+g))
			for range 50 {
				p := newProblem(rng, 1+rng.IntN(120), 1+rng.IntN(120), 1+rng.IntN(60), func(n int) []float64 { return make([]float64, n) })
				p.want = p.naive()
				engine64.multiply(p.product(), false)
				p.check(t, "shared")
			}
		})
	}
	all.Wait()
}

func TestNoAllocation(t *testing.T) {
	if raceEnabled {
		return // sync.Pool drops items at random then
	}
	rng := rand.New(rand.NewPCG(5, 50))
	for _, size := range blocked {
		p := newProblem(rng, size[0], size[1], size[2], func(n int) []float64 { return make([]float64, n) })
		p.beta = 0
		allocs := testing.AllocsPerRun(5, func() {
			Implementation{}.Dgemm(p.tA, p.tB, p.m, p.n, p.k, p.alpha, p.a, p.lda, p.b, p.ldb, p.beta, p.c, p.ldc)
		})
		if allocs > 0 {
			t.Errorf("%v: %v allocations", p, allocs)
		}
	}
}
