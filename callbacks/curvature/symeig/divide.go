package symeig

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack"
	lapackgonum "gonum.org/v1/gonum/lapack/gonum"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature/internal/parallel"
)

// undivided is the dimension up to which the QL algorithm takes over.
const undivided = 32

// conquer decomposes the tridiagonal matrix with diagonal d and off-diagonal e by
// divide and conquer (Cuppen 1981; Gu & Eisenstat 1995): it replaces d by the
// eigenvalues, ascending, and returns the eigenvectors as rows. It overwrites e.
func conquer(d, e []float64) (vectors *mat.Dense, ok bool) {
	n := len(d)
	if n <= undivided {
		return ql(d, e)
	}
	// T is two tridiagonal blocks and |ρ| v vᵀ with v = (0, …, 1, ±1, …, 0).
	half := n / 2
	ρ := e[half-1]
	d[half-1] -= math.Abs(ρ)
	d[half] -= math.Abs(ρ)
	upper, ok := conquer(d[:half], e[:half-1])
	if !ok {
		return nil, false
	}
	lower, ok := conquer(d[half:], e[half:])
	if !ok {
		return nil, false
	}
	v := mat.NewDense(n, n, nil)
	v.Slice(0, half, 0, half).(*mat.Dense).Copy(upper)
	v.Slice(half, n, half, n).(*mat.Dense).Copy(lower)
	z := make([]float64, n)
	for i := range z {
		if i < half {
			z[i] = upper.At(i, half-1)
		} else {
			z[i] = math.Copysign(lower.At(i-half, 0), lower.At(i-half, 0)*ρ)
		}
	}
	return merge(d, z, math.Abs(ρ), v, half), true
}

// ql does the same as [conquer], by the implicit QL algorithm.
func ql(d, e []float64) (vectors *mat.Dense, ok bool) {
	n := len(d)
	z := mat.NewDense(n, n, nil)
	var impl lapackgonum.Implementation
	ok = impl.Dsteqr(lapack.EVTridiag, n, d, e, z.RawMatrix().Data, n, make([]float64, max(1, 2*n-2)))
	return mat.DenseCopyOf(z.T()), ok
}

// merge decomposes D + ρ z zᵀ, in the basis of the rows of v: it replaces d by
// the eigenvalues, ascending, and returns the eigenvectors as rows. Rows of v are
// zero either before or after column half. It overwrites z and v.
func merge(d, z []float64, ρ float64, v *mat.Dense, half int) *mat.Dense {
	n := len(d)
	kept, alone := deflate(d, z, ρ, v)
	values := make([]float64, 0, n)
	result := mat.NewDense(n, n, nil)
	if k := len(kept); k > 0 {
		problem := secular{d: make([]float64, k), z: make([]float64, k), ρ: ρ}
		for i, row := range kept {
			problem.d[i], problem.z[i] = d[row], z[row]
		}
		roots, u := problem.solve()
		values = append(values, roots...)
		product(result.Slice(0, k, 0, half).(*mat.Dense), u, v.Slice(0, n, 0, half).(*mat.Dense), kept)
		product(result.Slice(0, k, half, n).(*mat.Dense), u, v.Slice(0, n, half, n).(*mat.Dense), kept)
	}
	for _, row := range alone {
		result.SetRow(len(values), v.RawRowView(row))
		values = append(values, d[row])
	}
	order := make([]int, n)
	floats.Argsort(values, order)
	for i, row := range order {
		v.SetRow(i, result.RawRowView(row))
	}
	copy(d, values)
	return v
}

// product adds to dst the product of u and the kept rows of v. It leaves out rows of
// v that are zero.
func product(dst, u, v *mat.Dense, kept []int) {
	k := len(kept)
	_, n := v.Dims()
	columns := make([]int, 0, k) // of u
	for i, row := range kept {
		if r := v.RawRowView(row); r[blas64.Iamax(vector(r))] != 0 {
			columns = append(columns, i)
		}
	}
	if len(columns) == 0 {
		return
	}
	some := mat.NewDense(k, len(columns), nil)
	rows := mat.NewDense(len(columns), n, nil)
	for i, column := range columns {
		rows.SetRow(i, v.RawRowView(kept[column]))
	}
	for j := range k {
		from, to := u.RawRowView(j), some.RawRowView(j)
		for i, column := range columns {
			to[i] = from[column]
		}
	}
	parallel.AddProduct(dst, some, rows)
}

// deflate finds the eigenpairs of D + ρ z zᵀ that are also pairs of D, up to rounding.
// They are those whose zᵢ vanishes. Where two d are nearly equal, a rotation in the
// plane of their vectors makes one of the two z vanish. deflate returns the indices of
// all other pairs, by ascending d, and then of these.
func deflate(d, z []float64, ρ float64, v *mat.Dense) (kept, alone []int) {
	order := make([]int, len(d))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return d[order[a]] < d[order[b]] })
	norm := floats.Norm(z, 2)
	tolerance := 8 * 0x1p-53 * max(floats.Norm(d, math.Inf(1)), ρ*norm*norm)
	last := -1
	for _, i := range order {
		if ρ*math.Abs(z[i])*norm <= tolerance {
			alone = append(alone, i)
			continue
		}
		if last >= 0 {
			τ := math.Hypot(z[i], z[last])
			c, s := z[i]/τ, -z[last]/τ
			if math.Abs((d[i]-d[last])*c*s) <= tolerance {
				z[i], z[last] = τ, 0
				blas64.Rot(vector(v.RawRowView(last)), vector(v.RawRowView(i)), c, s)
				d[last], d[i] = d[last]*c*c+d[i]*s*s, d[last]*s*s+d[i]*c*c
				alone = append(alone, last)
			} else {
				kept = append(kept, last)
			}
		}
		last = i
	}
	if last >= 0 {
		kept = append(kept, last)
	}
	return kept, alone
}
