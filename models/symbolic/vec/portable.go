package vec

import "math"

// portable returns kernels in plain Go.
func portable[T Float]() Kernels[T] {
	return Kernels[T]{
		Add: func(dst, a, b []T) {
			for i, v := range a {
				dst[i] = v + b[i]
			}
		},
		Sub: func(dst, a, b []T) {
			for i, v := range a {
				dst[i] = v - b[i]
			}
		},
		Mul: func(dst, a, b []T) {
			for i, v := range a {
				dst[i] = v * b[i]
			}
		},
		Scale: func(dst, a []T, c T) {
			for i, v := range a {
				dst[i] = c * v
			}
		},
		Shift: func(dst, a []T, c T) {
			for i, v := range a {
				dst[i] = v + c
			}
		},
		Affine: func(dst, a []T, c0, c1 T) {
			for i, v := range a {
				dst[i] = T(c1*v) + c0 // rounded, as it is in vectors
			}
		},
		Centre: func(dst, a []T, c0, c1 T) {
			for i, v := range a {
				dst[i] = (v - c0) * c1
			}
		},
		Residual: func(dst, a, b []T, c0, c1 T) {
			for i, v := range a {
				dst[i] = (v - c0) - T(c1*b[i])
			}
		},
		MulAdd: func(dst, a, b, c []T) {
			for i, v := range a {
				dst[i] = T(v*b[i]) + c[i]
			}
		},
		Sum: sum[T], Squares: squares[T], Dot: dot[T],
		Correlate: func(dst, src []T, at []int, w []T) {
			clear(dst)
			for k, from := range at {
				for i, v := range src[from:][:len(dst)] {
					dst[i] += w[k] * v
				}
			}
		},
		Correlations: func(dst, a, src []T, at []int) {
			for k, from := range at {
				dst[k] += dot(a, src[from:])
			}
		},
		Largest: largest[T],
		Gate: func(dst, z, a []T) {
			for i, v := range a {
				if z[i] <= 0 { // 0 itself, not 0·a: that is NaN for an infinite a
					v = 0
				}
				dst[i] = v
			}
		},
		Leaky: func(dst, z, a []T, c T) {
			for i, v := range a {
				if z[i] <= 0 {
					v *= c
				}
				dst[i] = v
			}
		},
		CopyRows: func(dst []T, ldd int, src []T, lds, rows, n int) {
			for i := range rows {
				copy(dst[i*ldd:][:n], src[i*lds:])
			}
		},
		AddRows: func(dst []T, ldd int, src []T, lds, rows, n int) {
			for i := range rows {
				to := dst[i*ldd:][:n]
				for j, v := range src[i*lds:][:n] {
					to[j] += v
				}
			}
		},
		Quadratic: func(dst, y, a []T, c0, c1, c2 T) {
			for i, v := range y {
				p := T(c2*v) + c1 // rounded, as it is in vectors
				dst[i] = (T(p*v) + c0) * a[i]
			}
		},
		Tanh: func(dst, z []T) {
			for i, v := range z {
				dst[i] = T(math.Tanh(float64(v)))
			}
		},
		Sigmoid: func(dst, z []T) {
			for i, v := range z {
				dst[i] = T(sigmoid(float64(v)))
			}
		},
	}
}

func sigmoid(z float64) float64 {
	if z >= 0 {
		return 1 / (1 + math.Exp(-z))
	}
	e := math.Exp(z)
	return e / (1 + e)
}

// largest is Largest without branches on what is compared, which no processor
// could predict.
func largest[T Float](dst, top, bottom []T, first, width T) {
	below := int(width)
	for i := range dst {
		a, b, c, d := top[2*i], top[2*i+1], bottom[2*i], bottom[2*i+1]
		value, at := max(max(a, b), max(c, d)), below+1
		if c == value {
			at = below
		}
		if b == value {
			at = 1
		}
		if a == value {
			at = 0
		}
		if value != value {
			at = lastNaN(a, b, c, d, below)
		}
		dst[i] = first + T(2*i+at)
	}
}

func lastNaN[T Float](a, b, c, d T, below int) int {
	switch {
	case d != d:
		return below + 1
	case c != c:
		return below
	case b != b:
		return 1
	default:
		return 0
	}
}

// sum, squares and dot have four sums, because an addition takes as long as four
// of them.
func sum[T Float](a []T) T {
	var s0, s1, s2, s3 T
	for ; len(a) >= 4; a = a[4:] {
		s0 += a[0]
		s1 += a[1]
		s2 += a[2]
		s3 += a[3]
	}
	for _, v := range a {
		s0 += v
	}
	return (s0 + s1) + (s2 + s3)
}

func squares[T Float](a []T, c T) T {
	var s0, s1, s2, s3 T
	for ; len(a) >= 4; a = a[4:] {
		s0 += (a[0] - c) * (a[0] - c)
		s1 += (a[1] - c) * (a[1] - c)
		s2 += (a[2] - c) * (a[2] - c)
		s3 += (a[3] - c) * (a[3] - c)
	}
	for _, v := range a {
		s0 += (v - c) * (v - c)
	}
	return (s0 + s1) + (s2 + s3)
}

func dot[T Float](a, b []T) T {
	var s0, s1, s2, s3 T
	for ; len(a) >= 4; a, b = a[4:], b[4:] {
		b := (*[4]T)(b)
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
	}
	for i, v := range a {
		s0 += v * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}

func goNarrow(dst []float32, src []float64) {
	for i, v := range src {
		dst[i] = float32(v)
	}
}

func goAddWidened(dst []float64, src []float32) {
	for i, v := range src {
		dst[i] += float64(v)
	}
}
