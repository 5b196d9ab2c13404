package vec

// Float is an element type.
type Float interface{ float32 | float64 }

// Kernels are the operations on vectors of one element type. All have the
// length of dst or panic; dst may be one of the others but not overlap it
// otherwise.
type Kernels[T Float] struct {
	Add   func(dst, a, b []T)      // dst = a + b
	Sub   func(dst, a, b []T)      // dst = a − b
	Mul   func(dst, a, b []T)      // dst = a ⊙ b
	Scale func(dst, a []T, c T)    // dst = c·a
	Gate  func(dst, z, a []T)      // dst = 0 where z ≤ 0, and a elsewhere, also where z is NaN
	Leaky func(dst, z, a []T, c T) // dst = c·a where z ≤ 0, and a elsewhere, also where z is NaN

	// CopyRows copies n elements of each of some rows, which begin ldd and lds
	// elements apart, and AddRows adds them to dst.
	CopyRows, AddRows func(dst []T, ldd int, src []T, lds, rows, n int)

	Quadratic func(dst, y, a []T, c0, c1, c2 T) // dst = (c0 + c1·y + c2·y²) ⊙ a

	Tanh    func(dst, z []T) // dst = tanh z
	Sigmoid func(dst, z []T) // dst = 1/(1 + e⁻ᶻ), or about 1e-308 where that is less
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
	return Kernels[T]{
		CopyRows: rowwise(k.CopyRows), AddRows: rowwise(k.AddRows),
		Add: three(k.Add), Sub: three(k.Sub), Mul: three(k.Mul), Gate: three(k.Gate),
		Scale: func(dst, a []T, c T) { k.Scale(dst, a[:len(dst)], c) },
		Leaky: func(dst, z, a []T, c T) { k.Leaky(dst, z[:len(dst)], a[:len(dst)], c) },
		Quadratic: func(dst, y, a []T, c0, c1, c2 T) {
			k.Quadratic(dst, y[:len(dst)], a[:len(dst)], c0, c1, c2)
		},
		Tanh:    func(dst, z []T) { k.Tanh(dst, z[:len(dst)]) },
		Sigmoid: func(dst, z []T) { k.Sigmoid(dst, z[:len(dst)]) },
	}
}
