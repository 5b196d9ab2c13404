package analysis

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

func TestWriteConfusion(t *testing.T) {
	logits := []float64{2, 1, 0, 9, 8, 7, 1, 0, 0, 0, 3, 0, 0, 1, 0, 5, 5, 0}
	r := &Result{Confusion: record.NewConfusion(3, []string{"a", "b", "none"}, []int{0, 0, 0, 0, 1, 1}, logits)}
	var text bytes.Buffer
	if err := r.writeConfusion(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"class  recall  precision  as a  as b  as none", "    a  0.7500     0.7500     3     1        0", " none       –          –     0     0        0", " mean  0.6250\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("table\n%s\nwant %q", text.String(), want)
		}
	}
}
