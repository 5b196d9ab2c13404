package vec

// Float is an element type.
type Float interface{ float32 | float64 }

// Kernels are the operations on vectors of one element type. All have the
// length of dst, or of a where that is a number, or panic; dst may be one of the
// others but not overlap it otherwise. That of Correlate, Correlations and rows
// overlaps none.
type Kernels[T Float] struct {
	Add   func(dst, a, b []T)   // dst = a + b
	Sub   func(dst, a, b []T)   // dst = a − b
	Mul   func(dst, a, b []T)   // dst = a ⊙ b
	Scale func(dst, a []T, c T) // dst = c·a
	Shift func(dst, a []T, c T) // dst = a + c

	Affine      func(dst, a []T, c0, c1 T)    // dst = c0 + c1·a
	Centre      func(dst, a []T, c0, c1 T)    // dst = (a − c0)·c1
	Standardize func(dst, a []T, c0, c1 T)    // dst = (a − c0)/c1
	Residual    func(dst, a, b []T, c0, c1 T) // dst = a − c0 − c1·b
	MulAdd      func(dst, a, b, c []T)        // dst = a ⊙ b + c

	Gate  func(dst, z, a []T)      // dst = 0 where z ≤ 0, and a elsewhere, also where z is NaN
	Leaky func(dst, z, a []T, c T) // dst = c·a where z ≤ 0, and a elsewhere, also where z is NaN

	Sum     func(a []T) T      // Σ aᵢ
	Squares func(a []T, c T) T // Σ (aᵢ − c)²
	Dot     func(a, b []T) T   // Σ aᵢ·bᵢ

	// Correlate sets dstᵢ = Σₖ wₖ·src[atₖ + i], and Correlations adds
	// Σᵢ aᵢ·src[atₖ + i] to dstₖ. With rows of an image one after the other in
	// src they are a convolution and its gradient by the kernel w, whose elements
	// see the image from atₖ on.
	Correlate    func(dst, src []T, at []int, w []T)
	Correlations func(dst, a, src []T, at []int)

	// CopyRows copies n elements of each of some rows, which begin ldd and lds
	// elements apart, and AddRows adds them to dst.
	CopyRows, AddRows func(dst []T, ldd int, src []T, lds, rows, n int)

	// Largest finds the largest of two elements of top and the two of bottom
	// below them, for each element of dst, which becomes its place: first for the
	// first of top, width further on for the first of bottom, and one more for
	// those beside them. Of equal ones it is the first, but the last NaN.
	Largest func(dst, top, bottom []T, first, width T)

	Quadratic func(dst, y, a []T, c0, c1, c2 T) // dst = (c0 + c1·y + c2·y²) ⊙ a

	// Descend, Momentum and Adam change parameters w by their gradient g, which
	// they take as d = scale·g + decay·w, at a rate. Their operands are of the
	// length of w.
	Descend func(w, g []T, rate, scale, decay T) // w −= rate·d
	// Momentum: m = mu·m + d;  w −= rate·(now·d + past·m)
	Momentum func(w, m, g []T, rate, scale, decay, mu, now, past T)
	// Adam: w −= shrink·w;  m = b1·m + a1·d;  v = b2·v + a2·d²;
	// w −= rate·(m/correct1)/(√v/correct2 + epsilon)
	Adam func(w, m, v, g []T, rate, scale, decay, shrink, b1, a1, b2, a2, correct1, correct2, epsilon T)

	Exp     func(dst, z []T) // dst = eᶻ for z ≤ 0, or 0 where that is less than 1e-307
	Tanh    func(dst, z []T) // dst = tanh z
	Sigmoid func(dst, z []T) // dst = 1/(1 + e⁻ᶻ), or about 1e-308 where that is less

	Softplus  func(dst, z []T) // dst = log(1 + eᶻ), or about 1e-308 where that is less
	NormalPDF func(dst, z []T) // dst = φ(z), the density of the standard normal, or less than 1e-307 where that is less
	NormalCDF func(dst, z []T) // dst = Φ(z), its distribution function, or less than 1e-307 where that is less
}

// checked returns k with a check of the lengths, which assembly does not make.
func (k Kernels[T]) checked() Kernels[T] {
	three := func(f func(dst, a, b []T)) func(dst, a, b []T) {
		return func(dst, a, b []T) { f(dst, a[:len(dst)], b[:len(dst)]) }
	}
	rowwise := func(f func(dst []T, ldd int, src []T, lds, rows, n int)) func(dst []T, ldd int, src []T, lds, rows, n int) {
		return func(dst []T, ldd int, src []T, lds, rows, n int) {
			if rows <= 0 || n <= 0 {
				return
			}
			if ldd == n && lds == n {
				rows, n = 1, rows*n
			}
			_, _ = dst[:(rows-1)*ldd+n], src[:(rows-1)*lds+n]
			f(dst, ldd, src, lds, rows, n)
		}
	}
	reach := func(src []T, at []int, n int) {
		for _, k := range at {
			_ = src[k : k+n]
		}
	}
	return Kernels[T]{
		Affine:      func(dst, a []T, c0, c1 T) { k.Affine(dst, a[:len(dst)], c0, c1) },
		Centre:      func(dst, a []T, c0, c1 T) { k.Centre(dst, a[:len(dst)], c0, c1) },
		Standardize: func(dst, a []T, c0, c1 T) { k.Standardize(dst, a[:len(dst)], c0, c1) },
		Residual:    func(dst, a, b []T, c0, c1 T) { k.Residual(dst, a[:len(dst)], b[:len(dst)], c0, c1) },
		MulAdd:      func(dst, a, b, c []T) { k.MulAdd(dst, a[:len(dst)], b[:len(dst)], c[:len(dst)]) },
		Sum:         k.Sum, Squares: k.Squares,
		Dot: func(a, b []T) T { return k.Dot(a, b[:len(a)]) },
		Correlate: func(dst, src []T, at []int, w []T) {
			reach(src, at, len(dst))
			k.Correlate(dst, src, at, w[:len(at)])
		},
		Correlations: func(dst, a, src []T, at []int) {
			reach(src, at, len(a))
			k.Correlations(dst[:len(at)], a, src, at)
		},
		CopyRows: rowwise(k.CopyRows), AddRows: rowwise(k.AddRows),
		Add: three(k.Add), Sub: three(k.Sub), Mul: three(k.Mul), Gate: three(k.Gate),
		Scale: func(dst, a []T, c T) { k.Scale(dst, a[:len(dst)], c) },
		Shift: func(dst, a []T, c T) { k.Shift(dst, a[:len(dst)], c) },
		Largest: func(dst, top, bottom []T, first, width T) {
			k.Largest(dst, top[:2*len(dst)], bottom[:2*len(dst)], first, width)
		},
		Leaky: func(dst, z, a []T, c T) { k.Leaky(dst, z[:len(dst)], a[:len(dst)], c) },
		Quadratic: func(dst, y, a []T, c0, c1, c2 T) {
			k.Quadratic(dst, y[:len(dst)], a[:len(dst)], c0, c1, c2)
		},
		Descend: func(w, g []T, rate, scale, decay T) { k.Descend(w, g[:len(w)], rate, scale, decay) },
		Momentum: func(w, m, g []T, rate, scale, decay, mu, now, past T) {
			k.Momentum(w, m[:len(w)], g[:len(w)], rate, scale, decay, mu, now, past)
		},
		Adam: func(w, m, v, g []T, rate, scale, decay, shrink, b1, a1, b2, a2, correct1, correct2, epsilon T) {
			k.Adam(w, m[:len(w)], v[:len(w)], g[:len(w)], rate, scale, decay, shrink, b1, a1, b2, a2, correct1, correct2, epsilon)
		},
		Exp:       func(dst, z []T) { k.Exp(dst, z[:len(dst)]) },
		Tanh:      func(dst, z []T) { k.Tanh(dst, z[:len(dst)]) },
		Sigmoid:   func(dst, z []T) { k.Sigmoid(dst, z[:len(dst)]) },
		Softplus:  func(dst, z []T) { k.Softplus(dst, z[:len(dst)]) },
		NormalPDF: func(dst, z []T) { k.NormalPDF(dst, z[:len(dst)]) },
		NormalCDF: func(dst, z []T) { k.NormalCDF(dst, z[:len(dst)]) },
	}
}
