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
