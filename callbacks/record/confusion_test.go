package record_test

import (
	"reflect"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

func TestNewConfusion(t *testing.T) {
	// Of the equal logits of the last sample the first counts.
	labels := []int{0, 0, 0, 0, 1, 1}
	logits := []float64{2, 1, 0, 9, 8, 7, 1, 0, 0, 0, 3, 0, 0, 1, 0, 5, 5, 0}
	c := record.NewConfusion(3, []string{"a", "b", "none"}, labels, logits)
	if want := [][]int{{3, 1, 0}, {1, 1, 0}, {0, 0, 0}}; !reflect.DeepEqual(c.Matrix, want) {
		t.Errorf("matrix %v; want %v", c.Matrix, want)
	}
	number := func(v float64) *float64 { return &v }
	if want := []*float64{number(0.75), number(0.5), nil}; !reflect.DeepEqual(c.Recall, want) {
		t.Errorf("recall %v", c.Recall)
	}
	if want := []*float64{number(0.75), number(0.5), nil}; !reflect.DeepEqual(c.Precision, want) {
		t.Errorf("precision %v", c.Precision)
	}
	if c.BalancedAccuracy != 0.625 {
		t.Errorf("balanced accuracy %v", c.BalancedAccuracy)
	}
	if c := record.NewConfusion(3, []string{"a", "b"}, labels, logits); !reflect.DeepEqual(c.Classes, []string{"0", "1", "2"}) {
		t.Errorf("classes %q where there are fewer names", c.Classes)
	}
}
