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
