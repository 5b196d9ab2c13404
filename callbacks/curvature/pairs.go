package curvature

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Pairs are approximate eigenpairs (θᵢ, vᵢ) of an [Operator] H.
type Pairs struct {
	Values    []float64  // θᵢ
	Vectors   *mat.Dense // vᵢ as row i; ‖vᵢ‖₂ = 1, the entry of largest magnitude positive; nil if there are none
	Residuals []float64  // ‖H vᵢ − θᵢ vᵢ‖₂
}

// ordered returns a copy of the pairs of the given indices, or the pairs themselves if
// they are all in their order.
func (p Pairs) ordered(indices []int) Pairs {
	count := len(indices)
	if count == 0 {
		return Pairs{}
	}
	if count == len(p.Values) && slices.IsSorted(indices) {
		return p
	}
	_, n := p.Vectors.Dims()
	q := Pairs{Values: make([]float64, count), Vectors: mat.NewDense(count, n, nil), Residuals: make([]float64, count)}
	for i, j := range indices {
		q.Values[i], q.Residuals[i] = p.Values[j], p.Residuals[j]
		q.Vectors.SetRow(i, p.Vectors.RawRowView(j))
	}
	return q
}

// verify returns an error unless there is one vector in ℝⁿ for each value, and all
// numbers are finite. It does not check the residuals, nor whether the vectors are
// orthonormal.
func (p Pairs) verify(n int) error {
	rows, columns := 0, n
	if p.Vectors != nil && !p.Vectors.IsEmpty() {
		rows, columns = p.Vectors.Dims()
	}
	switch j := indexNotFinite(p.Values); {
	case rows != len(p.Values):
		return fmt.Errorf("%d values and %d vectors: want one vector, as a row, for each value", len(p.Values), rows)
	case columns != n:
		return fmt.Errorf("vectors in ℝ^%d: want vectors in ℝ^%d", columns, n)
	case j >= 0:
		return fmt.Errorf("value %d is %v: want a finite number", j, p.Values[j])
	}
	for i := range rows {
		v := p.Vectors.RawRowView(i)
		if j := indexNotFinite(v); j >= 0 {
			return fmt.Errorf("vector %d has %v at component %d: want a finite number", i, v[j], j)
		}
	}
	return nil
}

// verifyOrder returns an error unless values are descending, for side 1, or
// ascending, for −1.
func verifyOrder(values []float64, side float64) error {
	for i := 1; i < len(values); i++ {
		if before := values[i-1]; side*values[i] > side*before {
			order := "descending"
			if side < 0 {
				order = "ascending"
			}
			return fmt.Errorf("value %d is %v, after %v: want %s values", i, values[i], before, order)
		}
	}
	return nil
}

// setResiduals sets the residuals, from the images H vᵢ as rows, which it
// overwrites.
func (p *Pairs) setResiduals(images *mat.Dense) {
	for i, value := range p.Values {
		floats.AddScaled(images.RawRowView(i), -value, p.Vectors.RawRowView(i))
	}
	p.Residuals = norms(images)
}

// measure sets the residuals of at least one pair, by one H·v each.
func (p *Pairs) measure(ctx context.Context, op Operator) error {
	images := mat.NewDense(len(p.Values), op.Dim(), nil)
	if err := applyFinite(ctx, op, images, p.Vectors); err != nil {
		return err
	}
	p.setResiduals(images)
	return nil
}

// refine makes the pairs the Ritz pairs of op in the span of the vectors, and measures
// their residuals, by one H·v each. The vectors must be orthonormal.
func (p *Pairs) refine(ctx context.Context, op Operator) error {
	count := len(p.Values)
	images := mat.NewDense(count, op.Dim(), nil)
	if err := applyFinite(ctx, op, images, p.Vectors); err != nil {
		return err
	}
	t := mat.NewSymDense(count, nil)
	for i := range count {
		for j := i; j < count; j++ {
			a := floats.Dot(p.Vectors.RawRowView(i), images.RawRowView(j))
			b := floats.Dot(p.Vectors.RawRowView(j), images.RawRowView(i))
			t.SetSym(i, j, (a+b)/2)
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(t, true) {
		return fmt.Errorf("the decomposition of the projection on %d vectors did not converge", count)
	}
	values := eigen.Values(nil)
	var s mat.Dense
	eigen.VectorsTo(&s)
	rotation := mat.NewDense(count, count, nil)
	for i := range count {
		p.Values[i] = values[count-1-i]
		mat.Col(rotation.RawRowView(i), count-1-i, &s)
	}
	transform(p.Vectors, rotation)
	transform(images, rotation)
	p.setResiduals(images)
	p.settle()
	return nil
}

// settle gives the vectors the length and sign that [Pairs] states.
func (p *Pairs) settle() {
	for i := range p.Values {
		v := p.Vectors.RawRowView(i)
		scale := 1 / euclidean(v)
		if v[blas64.Iamax(blas64.Vector{N: len(v), Data: v, Inc: 1})] < 0 {
			scale = -scale
		}
		floats.Scale(scale, v)
	}
}

// beyondZero reports whether all eigenvalues are certainly positive, for side 1, or
// negative, for −1.
func (p Pairs) beyondZero(side float64) bool {
	for i, v := range p.Values {
		if side*v <= p.Residuals[i] {
			return false
		}
	}
	return true
}

// ends returns the indices of the count largest of n ascending values, for side 1,
// or of the smallest, for −1, starting from that end.
func ends(n, count, side int) []int {
	indices := make([]int, min(count, n))
	for i := range indices {
		indices[i] = i
		if side > 0 {
			indices[i] = n - 1 - i
		}
	}
	return indices
}

// maxAbs returns the largest magnitude in ascending values.
func maxAbs(values []float64) float64 {
	return math.Max(math.Abs(values[0]), math.Abs(values[len(values)-1]))
}

// resolvable returns the indices of those of the ascending values whose magnitude is
// more than resolution times the largest, in descending order of the values.
func resolvable(values []float64, resolution float64) []int {
	var indices []int
	floor := resolution * maxAbs(values)
	for i := len(values) - 1; i >= 0; i-- {
		if math.Abs(values[i]) > floor {
			indices = append(indices, i)
		}
	}
	return indices
}
