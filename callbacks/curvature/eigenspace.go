package curvature

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/mat"
)

// Eigenspace has k eigenpairs and can project on the span of the eigenvectors V,
// which are orthonormal. From Reduced, V is stored as S·Q, where the k × m matrix S
// is small: the vectors need not be computed for a projection. Make one with
// [NewEigenspace].
type Eigenspace struct {
	// Values are the eigenvalues θᵢ, descending. Residuals are the norms
	// ‖H vᵢ − θᵢ vᵢ‖₂, or upper bounds where only rounding is left of them.
	Values, Residuals []float64

	// Complete reports whether these are all pairs with |θ| > Resolution·max |θ|, as
	// far as the residuals and, with Reduced, [Spectrum.Missed] can tell.
	Complete bool

	basis        *basis     // Q
	coefficients *mat.Dense // S, k × m; nil if Q is V
	support      supported  // the coordinates that Q has, if there are coefficients; otherwise Q has all
}

// NewEigenspace returns an Eigenspace of pairs from outside this package; complete is
// its field Complete. The values must be descending, the vectors orthonormal to 1e-6,
// and the residuals finite, at least 0, and as many; otherwise there is an error. The
// pairs are copied.
func NewEigenspace(p Pairs, complete bool) (*Eigenspace, error) {
	n := 0
	if p.Vectors != nil {
		_, n = p.Vectors.Dims()
	}
	if err := p.verifyAll(n); err != nil {
		return nil, fmt.Errorf("curvature: eigenspace: %w", err)
	}
	e := p.eigenspace(n, -1)
	e.Values, e.Residuals = slices.Clone(e.Values), slices.Clone(e.Residuals)
	e.Complete = complete
	return e, nil
}

// verifyAll returns an error for the first thing that [NewEigenspace] does not allow.
func (p Pairs) verifyAll(n int) error {
	if err := p.verify(n); err != nil {
		return err
	}
	if len(p.Residuals) != len(p.Values) {
		return fmt.Errorf("%d values and %d residuals: want one for each value", len(p.Values), len(p.Residuals))
	}
	for i, r := range p.Residuals {
		if !(r >= 0) || math.IsInf(r, 1) {
			return fmt.Errorf("residual %d is %v: want a finite number, at least 0", i, r)
		}
	}
	if err := verifyOrder(p.Values, 1); err != nil || len(p.Values) == 0 {
		return err
	}
	return verifyOrthonormal(p.Vectors)
}

// eigenspace returns the pairs with |θ| > floor, of an operator on ℝⁿ.
func (p Pairs) eigenspace(n int, floor float64) *Eigenspace {
	e := &Eigenspace{basis: &basis{n: n}}
	var indices []int
	for i, value := range p.Values {
		if math.Abs(value) > floor {
			indices = append(indices, i)
		}
	}
	some := p
	if len(indices) < len(p.Values) {
		some = p.ordered(indices)
	}
	e.Values, e.Residuals = some.Values, some.Residuals
	if len(indices) > 0 {
		e.basis = newBasis(some.Vectors)
	}
	return e
}

// basis returns the vectors, which are in ℝⁿ, as a basis of their span.
func (p Pairs) basis(n int) *basis { return p.eigenspace(n, -1).basis }

// dims returns the number of vectors stored, and their length.
func (e *Eigenspace) dims() (k, n int) {
	switch {
	case e.basis == nil:
		return 0, 0
	case e.coefficients == nil:
		return e.basis.k, e.basis.n
	}
	k, _ = e.coefficients.Dims()
	return k, e.support.Operator.Dim()
}

// Len returns the number k of eigenvectors.
func (e *Eigenspace) Len() int { return len(e.Values) }

// Project returns the components ⟨xᵢ, vⱼ⟩ of the rows xᵢ of x, vectors in ℝⁿ: a
// matrix with as many rows, and k columns. It returns nil if k is zero.
func (e *Eigenspace) Project(x *mat.Dense) *mat.Dense {
	if e.Len() == 0 {
		return nil
	}
	if e.coefficients == nil {
		return e.basis.coefficients(x, 0)
	}
	count, _ := x.Dims()
	on := mat.NewDense(count, e.basis.n, nil)
	e.support.restrict(on, x)
	c := e.basis.coefficients(on, 0)
	m := e.basis.k
	a := mat.NewDense(count, e.Len(), nil)
	fast.Dgemm(blas.NoTrans, blas.Trans, count, e.Len(), m, 1, c.RawMatrix().Data, m,
		e.coefficients.RawMatrix().Data, m, 0, a.RawMatrix().Data, e.Len())
	return a
}

// Vectors returns the eigenvectors from, …, to−1 as rows, and nil if there are none.
func (e *Eigenspace) Vectors(from, to int) *mat.Dense {
	if from >= to {
		return nil
	}
	if e.coefficients == nil {
		return e.basis.rows(from, to)
	}
	v := mat.NewDense(to-from, e.basis.n, nil)
	e.basis.addProduct(v, 1, e.coefficients.Slice(from, to, 0, e.basis.k).(*mat.Dense), 0)
	return e.support.embed(v)
}
