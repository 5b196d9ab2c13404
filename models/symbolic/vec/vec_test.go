package vec

import (
	"math"
	"testing"
)

// awkward are values that a kernel may treat wrongly.
func awkward[T Float]() []T {
	negativeZero := T(math.Copysign(0, -1))
	return []T{1.5, -2.25, 0, negativeZero, T(math.Inf(1)), T(math.Inf(-1)), T(math.NaN()), 3, -0.1, 1e30, -1e-30}
}

// TestKernels compares every kernel with plain Go, bit for bit, for lengths on
// either side of those that loops are unrolled by.
func TestKernels(t *testing.T) {
	t.Run("float64", func(t *testing.T) {
		testKernels(t, Float64, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
	})
	t.Run("float32", func(t *testing.T) {
		testKernels(t, Float32, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
	})
}

func testKernels[T Float](t *testing.T, have Kernels[T], same func(x, y T) bool) {
	want := portable[T]()
	for n := range 75 {
		x, y := make([]T, n), make([]T, n)
		for i := range n {
			values := awkward[T]()
			x[i], y[i] = values[i%len(values)], values[(i/2+n)%len(values)]
		}
		for name, pair := range map[string][2]func(dst []T){
			"Add":   {func(dst []T) { have.Add(dst, x, y) }, func(dst []T) { want.Add(dst, x, y) }},
			"Sub":   {func(dst []T) { have.Sub(dst, x, y) }, func(dst []T) { want.Sub(dst, x, y) }},
			"Mul":   {func(dst []T) { have.Mul(dst, x, y) }, func(dst []T) { want.Mul(dst, x, y) }},
			"Scale": {func(dst []T) { have.Scale(dst, x, -3) }, func(dst []T) { want.Scale(dst, x, -3) }},
			"Gate":  {func(dst []T) { have.Gate(dst, x, y) }, func(dst []T) { want.Gate(dst, x, y) }},
			"Leaky": {func(dst []T) { have.Leaky(dst, x, y, 0.5) }, func(dst []T) { want.Leaky(dst, x, y, 0.5) }},
			"Quadratic": {
				func(dst []T) { have.Quadratic(dst, x, y, 0.1, -2, 0.3) },
				func(dst []T) { want.Quadratic(dst, x, y, 0.1, -2, 0.3) },
			},
		} {
			got, expected := make([]T, n+1), make([]T, n+1)
			got[n], expected[n] = 7, 7 // beyond the end: not to be written
			pair[0](got[:n])
			pair[1](expected[:n])
			for i := range got {
				bothNaN := got[i] != got[i] && expected[i] != expected[i]
				if !same(got[i], expected[i]) && !bothNaN {
					t.Fatalf("%s of %d elements: element %d is %v, want %v", name, n, i, got[i], expected[i])
				}
			}
		}
	}
}

func TestInPlace(t *testing.T) {
	x := []float64{1, 2, 3, 4, 5, 6, 7}
	Float64.Add(x, x, x)
	for i, v := range x {
		if v != 2*float64(i+1) {
			t.Fatalf("x + x in place is %v", x)
		}
	}
}

// TestLengths: an operand that is too short panics, whatever the kernels.
func TestLengths(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an operand shorter than the result was read beyond its end")
		}
	}()
	Float64.Add(make([]float64, 8), make([]float64, 8), make([]float64, 7))
}

// BenchmarkKernels measures the hidden layer of 75 samples and 100 units.
func BenchmarkKernels(b *testing.B) {
	b.Run("float64", func(b *testing.B) { benchmarkKernels(b, Float64) })
	b.Run("float32", func(b *testing.B) { benchmarkKernels(b, Float32) })
}

func benchmarkKernels[T Float](b *testing.B, k Kernels[T]) {
	const n = 75 * 100
	dst, x, y := make([]T, n), make([]T, n), make([]T, n)
	for i := range x {
		x[i] = T(math.Sin(float64(i * i))) // signs nobody can predict
		y[i] = T(i)
	}
	for _, kernel := range []struct {
		name string
		run  func()
	}{
		{"Add", func() { k.Add(dst, x, y) }},
		{"Scale", func() { k.Scale(dst, x, 2) }},
		{"Gate", func() { k.Gate(dst, x, y) }},
		{"Leaky", func() { k.Leaky(dst, x, y, 0.01) }},
		{"Quadratic", func() { k.Quadratic(dst, x, y, 1, 0, -1) }},
	} {
		b.Run(kernel.name, func(b *testing.B) {
			for b.Loop() {
				kernel.run()
			}
		})
	}
}
