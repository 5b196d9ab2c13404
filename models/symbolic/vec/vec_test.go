package vec

import (
	"math"
	"math/rand/v2"
	"slices"
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
			"Add":    {func(dst []T) { have.Add(dst, x, y) }, func(dst []T) { want.Add(dst, x, y) }},
			"Sub":    {func(dst []T) { have.Sub(dst, x, y) }, func(dst []T) { want.Sub(dst, x, y) }},
			"Mul":    {func(dst []T) { have.Mul(dst, x, y) }, func(dst []T) { want.Mul(dst, x, y) }},
			"Scale":  {func(dst []T) { have.Scale(dst, x, -3) }, func(dst []T) { want.Scale(dst, x, -3) }},
			"Shift":  {func(dst []T) { have.Shift(dst, x, -3) }, func(dst []T) { want.Shift(dst, x, -3) }},
			"Affine": {func(dst []T) { have.Affine(dst, x, 0.3, -3) }, func(dst []T) { want.Affine(dst, x, 0.3, -3) }},
			"Centre": {func(dst []T) { have.Centre(dst, x, 0.3, -3) }, func(dst []T) { want.Centre(dst, x, 0.3, -3) }},
			"Standardize": {
				func(dst []T) { have.Standardize(dst, x, 0.3, -3) },
				func(dst []T) { want.Standardize(dst, x, 0.3, -3) },
			},
			"Residual": {func(dst []T) { have.Residual(dst, x, y, 0.3, -3) }, func(dst []T) { want.Residual(dst, x, y, 0.3, -3) }},
			"MulAdd":   {func(dst []T) { have.MulAdd(dst, x, y, x) }, func(dst []T) { want.MulAdd(dst, x, y, x) }},
			"Gate":     {func(dst []T) { have.Gate(dst, x, y) }, func(dst []T) { want.Gate(dst, x, y) }},
			"Leaky":    {func(dst []T) { have.Leaky(dst, x, y, 0.5) }, func(dst []T) { want.Leaky(dst, x, y, 0.5) }},
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

// TestSums compares the kernels that add up with sums in float64 of terms that are
// exact there, for lengths on either side of those that loops are unrolled by and
// for kernels of up to 30 elements.
func TestSums(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testSums(t, Float64, 0x1p-53) })
	t.Run("float32", func(t *testing.T) { testSums(t, Float32, 0x1p-24) })
	t.Run("portable", func(t *testing.T) { testSums(t, portable[float32](), 0x1p-24) })
}

func testSums[T Float](t *testing.T, have Kernels[T], unit float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	normal := func(n int) []T {
		x := make([]T, n)
		for i := range x {
			x[i] = T(float32(rng.NormFloat64()))
		}
		return x
	}
	// check compares with Σᵢ term(i), within a unit of each term's size for each
	// addition.
	check := func(name string, got T, n int, term func(i int) float64) {
		t.Helper()
		sum, size := 0.0, 0.0
		for i := range n {
			sum += term(i)
			size += math.Abs(term(i))
		}
		if !(math.Abs(float64(got)-sum) <= float64(n+2)*unit*size) {
			t.Fatalf("%s of %d: %v, want %v", name, n, got, sum)
		}
	}
	for n := range 150 {
		a, b, c := normal(n), normal(n), T(0.25)
		check("Sum", have.Sum(a), n, func(i int) float64 { return float64(a[i]) })
		check("Squares", have.Squares(a, c), n, func(i int) float64 { return float64(a[i]-c) * float64(a[i]-c) })
		check("Dot", have.Dot(a, b), n, func(i int) float64 { return float64(a[i]) * float64(b[i]) })

		taps := n % 31
		src, w, at := normal(n+50), normal(taps), make([]int, taps)
		for k := range at {
			at[k] = rng.IntN(51)
		}
		got := append(normal(n), 7) // beyond the end: not to be written
		have.Correlate(got[:n], src, at, w)
		for i := range n {
			check("Correlate", got[i], taps, func(k int) float64 { return float64(w[k]) * float64(src[at[k]+i]) })
		}
		before := append(normal(taps), 7)
		after := slices.Clone(before)
		have.Correlations(after[:taps], a, src, at)
		for k := range taps {
			check("Correlations", after[k], n+1, func(i int) float64 {
				if i == n {
					return float64(before[k])
				}
				return float64(a[i]) * float64(src[at[k]+i])
			})
		}
		if got[n] != 7 || after[taps] != 7 {
			t.Fatalf("%d elements, %d taps: wrote beyond the end", n, taps)
		}
	}
}

// TestRows compares the kernels of rows with plain Go, for rows of every length
// on either side of a vector's, apart, touching, and with others between.
func TestRows(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testRows(t, Float64) })
	t.Run("float32", func(t *testing.T) { testRows(t, Float32) })
}

func testRows[T Float](t *testing.T, have Kernels[T]) {
	want := portable[T]()
	for n := range 40 {
		for rows := range 4 {
			for _, gap := range [][2]int{{0, 0}, {3, 0}, {0, 1}, {2, 5}} {
				ldd, lds := n+gap[0], n+gap[1]
				src := make([]T, rows*lds+n)
				got := make([]T, rows*ldd+n+1)
				for i := range src {
					src[i] = T(i + 1)
				}
				for i := range got {
					got[i] = T(-3 * i)
				}
				expected := slices.Clone(got)
				for _, pair := range [][2]func(dst []T, ldd int, src []T, lds, rows, n int){
					{have.CopyRows, want.CopyRows},
					{have.AddRows, want.AddRows},
				} {
					pair[0](got, ldd, src, lds, rows, n)
					pair[1](expected, ldd, src, lds, rows, n)
					if !slices.Equal(got, expected) {
						t.Fatalf("%d rows of %d elements, %d and %d apart: %v, want %v", rows, n, ldd, lds, got, expected)
					}
				}
			}
		}
	}
}

// TestLargest compares the kernel with a search through each square.
func TestLargest(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testLargest(t, Float64) })
	t.Run("float32", func(t *testing.T) { testLargest(t, Float32) })
	t.Run("portable", func(t *testing.T) { testLargest(t, portable[float64]()) })
}

func testLargest[T Float](t *testing.T, have Kernels[T]) {
	rng := rand.New(rand.NewPCG(1, 2))
	values := append(awkward[T](), -2, -1, 0, 1, 2, T(math.NaN()))
	for n := range 40 {
		for range 50 {
			x := make([]T, 4*n+1)
			for i := range x {
				x[i] = values[rng.IntN(len(values))]
			}
			const first, width = 100, 50
			got := make([]T, n+1)
			got[n] = 7
			have.Largest(got[:n], x[:2*n], x[2*n:], first, width)
			for i := range n {
				square := []T{x[2*i], x[2*i+1], x[2*n+2*i], x[2*n+2*i+1]}
				best := 0
				for j, v := range square {
					if v > square[best] || v != v {
						best = j
					}
				}
				if want := T(first + 2*i + []int{0, 1, width, width + 1}[best]); got[i] != want {
					t.Fatalf("the largest of %v, %d of %d: place %v, want %v", square, i, n, got[i], want)
				}
			}
			if got[n] != 7 {
				t.Fatalf("%d squares: wrote beyond the end", n)
			}
		}
	}
}

// TestSaturating compares with functions of package math, which are within one
// unit in the last place of the exact values.
func TestSaturating(t *testing.T) {
	var z []float64
	for x := 1e-320; x < 1000; x *= 1.01 {
		z = append(z, x, -x)
	}
	z = append(z, 0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, -math.MaxFloat64)
	for _, f := range []struct {
		name    string
		kernel  func(dst, z []float64)
		kernel4 func(dst, z []float32)
		want    func(float64) float64
	}{
		{"exp", ofNegative(Float64.Exp), ofNegative(Float32.Exp), func(z float64) float64 { return exp(-math.Abs(z)) }},
		{"tanh", Float64.Tanh, Float32.Tanh, math.Tanh},
		{"sigmoid", Float64.Sigmoid, Float32.Sigmoid, sigmoid},
	} {
		got, narrow, narrowGot := make([]float64, len(z)), make([]float32, len(z)), make([]float32, len(z))
		f.kernel(got, z)
		for i, x := range z {
			narrow[i] = float32(x)
		}
		f.kernel4(narrowGot, narrow)
		for i, x := range z {
			want := f.want(x)
			if x < -708 && f.name == "sigmoid" {
				want = got[i] // near the smallest number, and tested below
			}
			if !near(got[i], want, 4*0x1p-53) {
				t.Errorf("%s(%g) = %g, want %g", f.name, x, got[i], want)
			}
			if want := float32(f.want(float64(narrow[i]))); !near(float64(narrowGot[i]), float64(want), 0x1p-23) {
				t.Errorf("%s(%g) = %g in float32, want %g", f.name, narrow[i], narrowGot[i], want)
			}
		}
		for n := range 10 { // whole vectors or not
			part := make([]float64, n)
			f.kernel(part, z[100:100+n])
			for i, v := range part {
				if v != got[100+i] {
					t.Errorf("%s(%g) = %g among %d, %g among more", f.name, z[100+i], v, n, got[100+i])
				}
			}
		}
	}
	far := make([]float64, 2)
	Float64.Sigmoid(far, []float64{-800, math.Inf(-1)})
	if far[0] > 1e-307 || far[1] > 1e-307 {
		t.Errorf("sigmoid(−800) and sigmoid(−∞) are %g, want less than 1e-307", far)
	}
}

// ofNegative returns a kernel of −|z|.
func ofNegative[T Float](kernel func(dst, z []T)) func(dst, z []T) {
	return func(dst, z []T) {
		for i, v := range z {
			dst[i] = T(-math.Abs(float64(v)))
		}
		kernel(dst, dst)
	}
}

// TestSoftplusAndNormal compares with numbers of 60 digits, and with functions that
// are made of those of package math.
func TestSoftplusAndNormal(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testSoftplusAndNormal(t, Float64, 4*0x1p-53) })
	t.Run("float32", func(t *testing.T) { testSoftplusAndNormal(t, Float32, 0x1p-23) })
}

func testSoftplusAndNormal[T Float](t *testing.T, have Kernels[T], unit float64) {
	for _, f := range []struct {
		name   string
		kernel func(dst, z []T)
		exact  int // column
		want   func(float64) float64
	}{
		{"Φ", have.NormalCDF, 1, normalCDF},
		{"φ", have.NormalPDF, 2, normalPDF},
		{"softplus", have.Softplus, 3, softplus},
	} {
		value := func(z float64) float64 {
			one := []T{T(z)}
			f.kernel(one, one)
			return float64(one[0])
		}
		for _, row := range [][4]float64{
			{-37, 0x1.eaccc6bfeb0afp-995, 0x1.1bf35e596c740p-989, 0x1.898471fca6055p-54},
			{-20, 0x1.c0bd0f1880783p-295, 0x1.1928c553065a4p-290, 0x1.1b48655a5141ep-29},
			{-8, 0x1.669d2c90d55cep-51, 0x1.6c0df3a094834p-48, 0x1.5fb2f67077130p-12},
			{-3.25, 0x1.2e86fd7d03406p-11, 0x1.09f38e18a2820p-9, 0x1.37a289e968854p-5},
			{-1, 0x1.44ed0bb7cb20bp-3, 0x1.ef8e58e331737p-3, 0x1.40c7abfbec124p-2},
			{-0.3, 0x1.87423a677e90fp-2, 0x1.868a8709fbbbfp-2, 0x1.1bd4735ab7816p-1},
			{-0.001, 0x1.ff976b70f3f9fp-2, 0x1.988445da60430p-2, 0x1.62a2aaea15bd9p-1},
			{0, 0x1.0000000000000p-1, 0x1.9884533d43651p-2, 0x1.62e42fefa39efp-1},
			{0.001, 0x1.00344a4786030p-1, 0x1.988445da60430p-2, 0x1.6325bd58ad4aep-1},
			{0.3, 0x1.3c5ee2cc40b79p-1, 0x1.868a8709fbbbfp-2, 0x1.b56e0cf4511afp-1},
			{1, 0x1.aec4bd120d37dp-1, 0x1.ef8e58e331737p-3, 0x1.5031eafefb049p+0},
			{3.25, 0x1.ffb45e40a0bf3p-1, 0x1.09f38e18a2820p-9, 0x1.a4de8a27a5a21p+1},
			{8, 0x1.ffffffffffffap-1, 0x1.6c0df3a094834p-48, 0x1.0002bf65ece0fp+3},
		} {
			if z := T(row[0]); float64(z) == row[0] {
				if want := float64(T(row[f.exact])); !near(value(row[0]), want, unit) {
					t.Errorf("%s(%g) = %g, want %g", f.name, row[0], value(row[0]), want)
				}
			}
		}
		var z, got []T
		for x := 1e-3; x < 13; x += 1e-3 {
			z = append(z, T(x), T(-x))
		}
		z = append(z, 0, T(math.Copysign(0, -1)), T(math.NaN()))
		got = make([]T, len(z))
		f.kernel(got, z)
		for i, x := range z {
			want := float64(T(f.want(float64(x))))
			if !near(float64(got[i]), want, 2*unit) {
				t.Errorf("%s(%v) = %v, want %v", f.name, x, got[i], want)
			}
			if v := T(value(float64(x))); v != got[i] && v == v {
				t.Errorf("%s(%v) = %v alone, %v among others", f.name, x, v, got[i])
			}
		}
		for _, far := range []float64{-800, math.Inf(-1)} {
			if v := value(far); !(v >= 0 && v < 1e-307) {
				t.Errorf("%s(%v) = %v, want less than 1e-307", f.name, far, v)
			}
		}
		if v, want := value(math.Inf(1)), f.want(math.Inf(1)); v != want && !(v < 1e-307) {
			t.Errorf("%s(∞) = %v, want %v", f.name, v, want)
		}
	}
}

// near tells whether x is y up to a relative difference, with its sign.
func near(x, y, difference float64) bool {
	if math.IsNaN(y) {
		return math.IsNaN(x)
	}
	return math.Signbit(x) == math.Signbit(y) && math.Abs(x-y) <= difference*math.Abs(y)
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

// Fractions of all bytes are those of a division, for lengths on either side of
// those that loops are unrolled by.
func TestFractions(t *testing.T) {
	for n := range 256 + 40 {
		from := max(0, n-40)
		src := make([]uint8, n-from)
		for i := range src {
			src[i] = uint8(from + i)
		}
		wide, single := append(make([]float64, len(src)), 7), append(make([]float32, len(src)), 7)
		Fractions(wide[:len(src)], src)
		NarrowFractions(single[:len(src)], src)
		for i, b := range src {
			if want := float64(b) / 255; wide[i] != want || single[i] != float32(want) {
				t.Fatalf("fraction of %d is %v, %v in float32; want %v", b, wide[i], single[i], want)
			}
		}
		if wide[len(src)] != 7 || single[len(src)] != 7 {
			t.Fatalf("%d elements: wrote beyond the end", len(src))
		}
	}
}

// TestSquaresWidened compares with a sum of terms that float32 would not hold.
func TestSquaresWidened(t *testing.T) {
	for n := range 75 {
		a := make([]float32, n)
		want := 0.0
		for i := range a {
			a[i] = float32(1e25 * (1 + math.Sin(float64(i))))
			want += float64(a[i]) * float64(a[i])
		}
		if got := SquaresWidened(a); !near(got, want, float64(n+1)*0x1p-53) && n > 0 || n == 0 && got != 0 {
			t.Errorf("%d elements: %g, want %g", n, got, want)
		}
	}
}

// TestUpdates compares the update rules with plain Go, bit for bit, for lengths on
// either side of those of a vector.
func TestUpdates(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testUpdates(t, Float64) })
	t.Run("float32", func(t *testing.T) { testUpdates(t, Float32) })
}

func testUpdates[T Float](t *testing.T, have Kernels[T]) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 40 {
		w, m, v, g := make([]T, n+1), make([]T, n+1), make([]T, n+1), make([]T, n+1)
		for i := range w {
			w[i], m[i], v[i], g[i] = T(rng.NormFloat64()), T(rng.NormFloat64()), T(rng.Float64()), T(rng.NormFloat64())
		}
		for name, apply := range map[string]func(k Kernels[T], w, m, v []T){
			"Descend":  func(k Kernels[T], w, _, _ []T) { k.Descend(w, g, 0.1, 0.9, 0.01) },
			"Momentum": func(k Kernels[T], w, m, _ []T) { k.Momentum(w, m, g, 0.1, 0.9, 0.01, 0.8, 1, 0.7) },
			"Adam": func(k Kernels[T], w, m, v []T) {
				k.Adam(w, m, v, g, 0.1, 0.9, 0.01, 0.001, 0.9, 0.1, 0.999, 0.001, 0.19, 0.04, 1e-8)
			},
		} {
			var results [2][3][]T
			for i, k := range []Kernels[T]{have, portable[T]()} {
				r := [3][]T{slices.Clone(w), slices.Clone(m), slices.Clone(v)}
				apply(k, r[0][:n], r[1][:n], r[2][:n])
				results[i] = r
			}
			for j := range results[0] {
				if !slices.Equal(results[0][j], results[1][j]) {
					t.Fatalf("%s of %d elements: operand %d becomes %v, want %v", name, n, j, results[0][j], results[1][j])
				}
			}
			if n > 0 && results[0][0][0] == w[0] {
				t.Errorf("%s of %d elements changes nothing", name, n)
			}
		}
	}
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
	taps := []int{0, 1, 2, 75, 76, 77, 150, 151, 152} // of a kernel of 3×3
	for _, kernel := range []struct {
		name string
		run  func()
	}{
		{"Add", func() { k.Add(dst, x, y) }},
		{"Scale", func() { k.Scale(dst, x, 2) }},
		{"MulAdd", func() { k.MulAdd(dst, x, y, dst) }},
		{"Sum", func() { k.Sum(x) }},
		{"Dot", func() { k.Dot(x, y) }},
		{"Correlate", func() { k.Correlate(dst[:n-200], x, taps, y) }},
		{"Correlations", func() { k.Correlations(dst, y[:n-200], x, taps) }},
		{"Gate", func() { k.Gate(dst, x, y) }},
		{"Leaky", func() { k.Leaky(dst, x, y, 0.01) }},
		{"Quadratic", func() { k.Quadratic(dst, x, y, 1, 0, -1) }},
		{"Descend", func() { k.Descend(dst, x, 1e-9, 1, 0) }},
		{"Adam", func() { k.Adam(dst, x, y, x, 1e-9, 1, 0, 0, 0.9, 0.1, 0.999, 0.001, 1, 1, 1e-8) }},
		{"Tanh", func() { k.Tanh(dst, x) }},
		{"Sigmoid", func() { k.Sigmoid(dst, x) }},
		{"Exp", func() { k.Exp(dst, x) }},
		{"Softplus", func() { k.Softplus(dst, x) }},
		{"NormalPDF", func() { k.NormalPDF(dst, x) }},
		{"NormalCDF", func() { k.NormalCDF(dst, x) }},
	} {
		b.Run(kernel.name, func(b *testing.B) {
			for b.Loop() {
				kernel.run()
			}
		})
	}
}

// Narrow and AddWidened are the conversions of Go, for lengths on either side of
// those that loops are unrolled by.
func TestConversions(t *testing.T) {
	for n := range 75 {
		wide, single := make([]float64, n), make([]float32, n)
		for i := range n {
			wide[i] = awkward[float64]()[i%11] * (1 + 0x1p-30)
			single[i] = awkward[float32]()[(i+n)%11]
		}
		narrow, sum := make([]float32, n+1), append(slices.Clone(wide), 7)
		narrow[n] = 7 // beyond the end: not to be written
		widened := append(make([]float64, n), 7)
		Narrow(narrow[:n], wide)
		Widen(widened[:n], single)
		AddWidened(sum[:n], single)
		for i := range n {
			if got, want := narrow[i], float32(wide[i]); math.Float32bits(got) != math.Float32bits(want) && got == got {
				t.Fatalf("Narrow of %d: element %d is %v, want %v", n, i, got, want)
			}
			if got, want := sum[i], wide[i]+float64(single[i]); math.Float64bits(got) != math.Float64bits(want) && (got == got || want == want) {
				t.Fatalf("AddWidened of %d: element %d is %v, want %v", n, i, got, want)
			}
		}
		for i, v := range single {
			if math.Float64bits(widened[i]) != math.Float64bits(float64(v)) && v == v {
				t.Fatalf("Widen of %d: element %d is %v, want %v", n, i, widened[i], v)
			}
		}
		if narrow[n] != 7 || sum[n] != 7 || widened[n] != 7 {
			t.Fatalf("%d elements: wrote beyond the end", n)
		}
	}
}
