package boundary

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// ClassPair names the section of the decision boundary that an eigenvector
// distinguishes: the one between the two predicted classes with the largest and
// the smallest mean alignment. The sign of the vector, and with it the order of
// the two classes, is arbitrary.
type ClassPair struct {
	Eigenvalue  float64 `json:"eigenvalue"`
	Along       int     `json:"along"`        // the predicted class of largest mean alignment
	Against     int     `json:"against"`      // the predicted class of smallest mean alignment
	MeanAlong   float64 `json:"mean_along"`   // mean alignment of the samples predicted as Along
	MeanAgainst float64 `json:"mean_against"` // mean alignment of the samples predicted as Against
}

// ClassPairs returns the pairs of classes for the eigenvectors of the largest
// known eigenvalues, count of them or all if there are fewer. predicted has ŷ(xₙ)
// for each row of the alignments. If all predictions are equal there is no
// boundary between the samples, and ClassPairs returns none.
func (e *Eigenpairs) ClassPairs(predicted []int, count int) ([]ClassPair, error) {
	if err := e.validate(); err != nil {
		return nil, err
	}
	if e.Alignments == nil {
		return nil, errNoAlignments
	}
	if n, _ := e.Alignments.Dims(); len(predicted) != n {
		return nil, fmt.Errorf("boundary: %d predictions for the alignments of %d samples", len(predicted), n)
	}
	classes := slices.Compact(slices.Sorted(slices.Values(predicted)))
	if len(classes) < 2 {
		return nil, nil
	}
	o := e.order()
	pairs := make([]ClassPair, 0, max(0, min(count, o.known())))
	for i := range cap(pairs) {
		column := mat.Col(nil, o.columns[i], e.Alignments)
		pair := ClassPair{Eigenvalue: o.values[i], MeanAlong: math.Inf(-1), MeanAgainst: math.Inf(1)}
		for _, class := range classes {
			mean := meanOfClass(column, predicted, class)
			if mean > pair.MeanAlong {
				pair.Along, pair.MeanAlong = class, mean
			}
			if mean < pair.MeanAgainst {
				pair.Against, pair.MeanAgainst = class, mean
			}
		}
		pairs = append(pairs, pair)
	}
	return pairs, nil
}

// meanOfClass returns the mean of the values of the samples predicted as class.
func meanOfClass(values []float64, predicted []int, class int) float64 {
	var members []float64
	for n, p := range predicted {
		if p == class {
			members = append(members, values[n])
		}
	}
	return stat.Mean(members, nil)
}
