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
		Standardize: func(dst, a []T, c0, c1 T) {
			for i, v := range a {
				dst[i] = (v - c0) / c1
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
		Descend: descend[T], Momentum: momentum[T], Adam: adam[T],
		Exp: each[T](exp), Tanh: each[T](math.Tanh), Sigmoid: each[T](sigmoid), Softplus: each[T](softplus),
		NormalPDF: each[T](normalPDF), NormalCDF: each[T](normalCDF),
	}
}

// Products in sums are rounded, here and below, as they are in vectors.
func descend[T Float](w, g []T, rate, scale, decay T) {
	for i, x := range w {
		d := T(scale*g[i]) + T(decay*x)
		w[i] = x - T(rate*d)
	}
}

func momentum[T Float](w, m, g []T, rate, scale, decay, mu, now, past T) {
	for i, x := range w {
		d := T(scale*g[i]) + T(decay*x)
		m[i] = T(mu*m[i]) + d
		w[i] = x - T(rate*(T(now*d)+T(past*m[i])))
	}
}

func adam[T Float](w, m, v, g []T, rate, scale, decay, shrink, b1, a1, b2, a2, correct1, correct2, epsilon T) {
	for i, x := range w {
		x -= T(shrink * x)
		d := T(scale*g[i]) + T(decay*x)
		m[i] = T(b1*m[i]) + T(a1*d)
		v[i] = T(b2*v[i]) + T(T(a2*d)*d)
		root := T(math.Sqrt(float64(v[i]))) / correct2
		w[i] = x - rate*(m[i]/correct1)/(root+epsilon)
	}
}

func exp(z float64) float64 {
	if z < -708 {
		return 0
	}
	return math.Exp(z)
}

func sigmoid(z float64) float64 {
	if z >= 0 {
		return 1 / (1 + math.Exp(-z))
	}
	e := math.Exp(z)
	return e / (1 + e)
}

func softplus(z float64) float64 { return math.Max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))) }

// normalPDF corrects the exponential of −z²/2 for the part of z² that is rounded
// off.
func normalPDF(z float64) float64 {
	z = min(math.Abs(z), 40) // beyond it φ is 0, and ∞ − ∞ would be NaN
	square := z * z
	rest := math.FMA(z, z, -square)
	return math.Exp(-square/2) * (1 - rest/2) / math.Sqrt(2*math.Pi)
}

// normalCDF is ½·erfc(−z/√2), corrected for the part of the argument that is
// rounded off, which costs the digits of z² in the tail: erfc′(x) = −2·exp(−x²)/√π.
func normalCDF(z float64) float64 {
	const high, low = 0x1.6a09e667f3bcdp-1, -0x1.bdd3413b26456p-55 // 1/√2
	z = -min(max(z, -40), 40)
	x := z * high
	rest := math.FMA(z, high, -x) + z*low
	return math.Erfc(x)/2 - rest*math.Exp(-x*x)/math.Sqrt(math.Pi)
}

// each makes a kernel of a function of a number.
func each[T Float](f func(float64) float64) func(dst, z []T) {
	return func(dst, z []T) {
		for i, v := range z {
			dst[i] = T(f(float64(v)))
		}
	}
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
