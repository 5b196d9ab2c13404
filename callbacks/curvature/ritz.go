package curvature

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature/internal/parallel"
)

// panelWidth is the number of columns of the basis that a restart transforms at
// a time.
const panelWidth = 1024

// rayleighRitz sets the Ritz values, and the coefficients of the Ritz vectors, by
// decomposing T.
func (l *lanczos) rayleighRitz() error {
	var eigen mat.EigenSym
	if !eigen.Factorize(l.t.SliceSym(0, l.k), true) {
		return fmt.Errorf("the decomposition of the projection on %d vectors did not converge", l.k)
	}
	l.values = eigen.Values(nil)
	l.s.Reset()
	eigen.VectorsTo(&l.s)
	return nil
}

// wanted returns the indices of the wanted Ritz pairs from the ends of the spectrum
// inwards, which is the order in which they converge.
func (l *lanczos) wanted() []int {
	var order []int
	for i := range min(max(l.Top, l.Bottom), l.k) {
		if i < l.Top {
			order = append(order, l.k-1-i)
		}
		if i < l.Bottom {
			order = append(order, i)
		}
	}
	return order
}

// checkResiduals counts the wanted pairs that have converged and reports whether all
// have.
func (l *lanczos) checkResiduals() bool {
	threshold := l.Tolerance * maxAbs(l.values)
	if l.Exact != nil {
		threshold /= 2 // the rest is for the error of the products
	}
	order := l.wanted()
	l.converged = slices.IndexFunc(order, func(i int) bool { return l.foreseen(i) > threshold })
	if l.converged < 0 {
		l.converged = slices.IndexFunc(l.residualNorms(order), func(r float64) bool { return r > threshold })
	}
	done := l.converged < 0
	if done {
		l.converged = len(order)
	}
	if l.Progress != nil {
		l.Progress(l.converged, len(order), l.applications)
	}
	return done
}

// foreseen returns the norm of the residual of Ritz pair i, up to rounding, if it is
// known without computing the residual, and otherwise zero. It is known in a Krylov
// space, where all residuals are multiples of x.
func (l *lanczos) foreseen(i int) float64 {
	if !l.krylov {
		return 0
	}
	return l.rest * math.Abs(l.s.At(l.k-1, i))
}

// residualNorms returns ‖H v − θ v‖₂ of Ritz pairs.
func (l *lanczos) residualNorms(order []int) []float64 {
	if l.w != nil {
		return norms(l.residuals(order))
	}
	r := make([]float64, len(order))
	for i, j := range order {
		r[i] = l.outsideNorm(j)
	}
	return r
}

// residuals returns H v − θ v of Ritz pairs as rows, by the images of the basis.
func (l *lanczos) residuals(order []int) *mat.Dense {
	s := l.coefficients(order)
	r := mat.NewDense(len(order), l.n, nil)
	parallel.AddProduct(r, s, l.q.Slice(0, l.k, 0, l.n).(*mat.Dense))
	for i, j := range order {
		floats.Scale(-l.values[j], r.RawRowView(i))
	}
	parallel.AddProduct(r, s, l.w.Slice(0, l.k, 0, l.n).(*mat.Dense))
	return r
}

// coefficients returns the coefficients of Ritz vectors in the basis, as rows.
func (l *lanczos) coefficients(order []int) *mat.Dense {
	s := mat.NewDense(len(order), l.k, nil)
	for i, j := range order {
		mat.Col(s.RawRowView(i), j, &l.s)
	}
	return s
}

// takeWorstResidual makes the largest residual of the wanted pairs the next
// direction, as it has the smallest relative rounding error.
func (l *lanczos) takeWorstResidual() {
	if l.w == nil {
		order := l.wanted()
		l.enter(order[floats.MaxIdx(l.residualNorms(order))])
		return
	}
	r := l.residuals(l.wanted())
	copy(l.x, r.RawRowView(floats.MaxIdx(norms(r))))
}

// restartUnlessRoom makes room in the basis if it is too full for the given number of
// steps. It keeps only the Ritz vectors at both ends of the spectrum: the wanted ones
// and, in proportion, their neighbours, without which they converge far more slowly.
func (l *lanczos) restartUnlessRoom(steps int) {
	m, _ := l.q.Dims()
	if l.k+steps <= m || m == l.n {
		return
	}
	keep := 3 * m / 5
	bottom := keep * l.Bottom / (l.Top + l.Bottom)
	order := make([]int, keep)
	values := make([]float64, keep)
	for i := range keep {
		order[i] = i
		if i >= bottom {
			order[i] = l.k - keep + i
		}
		values[i] = l.values[order[i]]
	}
	s := l.coefficients(order)
	transform(l.q, s)
	if l.w != nil {
		transform(l.w, s)
	}
	for i := range l.outside {
		l.outside[i].transform(s)
	}
	l.t.Zero()
	for i, value := range values {
		l.t.SetSym(i, i, value)
	}
	l.k, l.closed = keep, 0
}

// transform replaces the first rows of a by the product of s, keep × k, and the first
// k rows of a.
func transform(a, s *mat.Dense) {
	keep, k := s.Dims()
	_, n := a.Dims()
	product := mat.NewDense(keep, min(panelWidth, n), nil)
	for j := 0; j < n; j += panelWidth {
		end := min(j+panelWidth, n)
		part := product.Slice(0, keep, 0, end-j).(*mat.Dense)
		part.Zero()
		parallel.AddProduct(part, s, a.Slice(0, k, j, end).(*mat.Dense))
		a.Slice(0, keep, j, end).(*mat.Dense).Copy(part)
	}
}

// pairs returns the Ritz pairs of the given indices. If the images of the basis are
// not kept, this takes one H·v each, and the basis is lost.
func (l *lanczos) pairs(ctx context.Context, order []int) (Pairs, error) {
	count := len(order)
	if count == 0 {
		return Pairs{}, nil
	}
	p := Pairs{
		Values:  make([]float64, count),
		Vectors: mat.NewDense(count, l.n, nil),
	}
	for i, j := range order {
		p.Values[i] = l.values[j]
	}
	parallel.AddProduct(p.Vectors, l.coefficients(order), l.q.Slice(0, l.k, 0, l.n).(*mat.Dense))
	if l.w != nil {
		p.Residuals = norms(l.residuals(order))
		p.settle()
		return p, nil
	}
	l.q, l.outside, l.x = nil, nil, nil
	runtime.GC() // or else the basis would be there until the heap has grown by as much
	p.settle()
	l.applications += count
	op := l.op
	if l.Exact != nil {
		op = l.Exact
	}
	return p, p.refine(ctx, op)
}
