package analysis

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestConfusionRates(t *testing.T) {
	c := &Confusion{Classes: []string{"a", "b", "none"}, Matrix: [][]int{{6, 2, 0}, {1, 1, 0}, {0, 0, 0}}}
	c.rate()
	number := func(v float64) *float64 { return &v }
	if want := []*float64{number(0.75), number(0.5), nil}; !reflect.DeepEqual(c.Recall, want) {
		t.Errorf("recall %v", c.Recall)
	}
	if want := []*float64{number(6.0 / 7), number(1.0 / 3), nil}; !reflect.DeepEqual(c.Precision, want) {
		t.Errorf("precision %v", c.Precision)
	}
	if c.BalancedAccuracy != 0.625 {
		t.Errorf("balanced accuracy %v", c.BalancedAccuracy)
	}
	var text bytes.Buffer
	if err := c.write(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"class  recall  precision  as a  as b  as none", "    a  0.7500     0.8571     6     2        0", " none       –          –     0     0        0"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("table\n%s\nwant %q", text.String(), want)
		}
	}
}
