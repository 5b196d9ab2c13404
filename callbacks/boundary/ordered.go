package boundary

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// ordered holds the eigenpairs by descending eigenvalue.
type ordered struct {
	values, residuals []float64
	columns           []int // the column of each pair in the alignments
	parameters        int
	complete          bool
	top               int // unknown eigenvalues may lie between values[top-1] and values[top]
}

// order sorts the pairs. Pairs with equal eigenvalues keep their order.

func (e *Eigenpairs) order() *ordered {
	k := len(e.Values)
	o := &ordered{
		values: make([]float64, k), residuals: make([]float64, k), columns: make([]int, k),
		parameters: e.Parameters, complete: e.Complete || k == e.Parameters, top: e.Top,
	}
	for i := range o.columns {
		o.columns[i] = i
	}
	slices.SortStableFunc(o.columns, func(i, j int) int { return cmp.Compare(e.Values[j], e.Values[i]) })
	for i, c := range o.columns {
		o.values[i] = e.Values[c]
		if e.Residuals != nil {
			o.residuals[i] = e.Residuals[c]
		}
	}
	return o
}

// floor returns τ|λ₁|.
func (o *ordered) floor() float64 { return Floor * math.Abs(o.values[0]) }

func (o *ordered) resolvable(i int) bool { return math.Abs(o.values[i]) > o.floor() }

// resolvability reports whether eigenvalue i is certain to be resolvable, and
// whether it may be: the residuals bound the errors of the eigenvalue and, times
// τ, of the floor.
func (o *ordered) resolvability(i int) (certain, possible bool) {
	size, residual := math.Abs(o.values[i]), o.residuals[i]
	floorError := Floor * o.residuals[0]
	return size-residual > o.floor()+floorError, size+residual > o.floor()-floorError
}

// known returns how many of the largest eigenvalues of H are known without a gap.
func (o *ordered) known() int {
	if o.complete {
		return len(o.values)
	}
	return o.top
}

// projection returns, for every sample, the length of its unit gradient's
// projection onto the span of vectors first to last−1.
func (o *ordered) projection(a *mat.Dense, first, last int) []float64 {
	samples, _ := a.Dims()
	p := make([]float64, samples)
	for n := range p {
		row := a.RawRowView(n)
		for _, column := range o.columns[first:last] {
			p[n] = math.Hypot(p[n], row[column])
		}
	}
	return p
}
