package gemm

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"unsafe"
)

// TestBounds gives the kernels slices that end where memory ends, or begin
// where it begins: one element too far is a fault.
func TestBounds(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testBounds(t, engines(kernels64)) })
	t.Run("float32", func(t *testing.T) { testBounds(t, engines(kernels32)) })
}

func testBounds[T float](t *testing.T, es []*engine[T]) {
	var guards [4]*guarded[T] // of A, B, C and D
	for i := range guards {
		guards[i] = newGuarded[T](t, 1<<20)
	}
	rng := rand.New(rand.NewPCG(5, 43))
	sizes := blocked[:len(blocked):len(blocked)]
	for range 500 {
		sizes = append(sizes, [3]int{1 + rng.IntN(50), 1 + rng.IntN(50), 1 + rng.IntN(50)})
	}
	for _, size := range sizes {
		for _, e := range es {
			i, atEnd := 0, rng.IntN(4) > 0
			p := newProblem(rng, size[0], size[1], size[2], func(n int) []T {
				i++
				return guards[i-1].slice(n, atEnd)
			})
			p.want = p.naive()
			e.multiply(p.product(), false)
			p.check(t, e.kernels.name)
		}
	}
}

// guarded is memory between two pages that must not be touched.
type guarded[T float] struct{ elements []T }

func newGuarded[T float](t *testing.T, n int) *guarded[T] {
	var zero T
	page := syscall.Getpagesize()
	size := (n*int(unsafe.Sizeof(zero)) + page - 1) / page * page
	mem, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(mem) })
	for _, guard := range [][]byte{mem[:page], mem[size+page:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return &guarded[T]{unsafe.Slice((*T)(unsafe.Pointer(&mem[page])), size/int(unsafe.Sizeof(zero)))}
}

func (g *guarded[T]) slice(n int, atEnd bool) []T {
	if atEnd {
		return g.elements[len(g.elements)-n:]
	}
	return g.elements[:n:n]
}
