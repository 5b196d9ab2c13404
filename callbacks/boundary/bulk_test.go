package boundary_test

import (
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
)

func TestNewBulk(t *testing.T) {
	d := &curvature.Density{
		Deflated: []float64{10, 8},
		Nodes:    []float64{-1, 0, 1e-12, 1, 2, 3, 8, 10},
		Weights:  []float64{0.1, 0.5, 0.1, 0.05, 0.1, 0.05, 0.05, 0.05},
		Error:    0.1,
	}
	b := boundary.NewBulk(d)
	// Positive and not found one by one are 1, 2 and 3, the middle one as heavy
	// as the others together: median 2, deviations 0 and 1, their median 0.
	if b == nil || b.Median != 2 || b.MAD != 0 {
		t.Errorf("bulk %+v, want median 2, MAD 0", b)
	}
	if b := boundary.NewBulk(&curvature.Density{Deflated: []float64{1}, Nodes: []float64{0, 1}, Weights: []float64{0.5, 0.5}}); b != nil {
		t.Errorf("bulk %+v where nothing is positive, want none", b)
	}
}
