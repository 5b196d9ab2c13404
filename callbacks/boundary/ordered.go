package boundary

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// ordered are eigenpairs by descending eigenvalue.
type ordered struct {
	values, residuals []float64
	columns           []int // of the alignments
	parameters        int
	complete          bool
	top               int // unknown eigenvalues may lie between values[top-1] and values[top]
}

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

// floor is τ|λ₁|.
func (o *ordered) floor() float64 { return Floor * math.Abs(o.values[0]) }

func (o *ordered) resolvable(i int) bool { return math.Abs(o.values[i]) > o.floor() }

// resolvability reports whether eigenvalue i is resolvable for certain, and
// whether it may be, given the error bars.
func (o *ordered) resolvability(i int) (sure, possible bool) {
	size, bar := math.Abs(o.values[i]), o.residuals[i]
	slack := Floor * o.residuals[0]
	return size-bar > o.floor()+slack, size+bar > o.floor()-slack
}

// known is the number of largest eigenvalues without a gap in what is known.
func (o *ordered) known() int {
	if o.complete {
		return len(o.values)
	}
	return o.top
}

// projection returns the length of every sample's unit gradient projected onto
// vectors first to last−1.
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
