package selection

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/trainer"
)

func TestMeasures(t *testing.T) {
	candidates := []Candidate{run("a", nil), run("b", nil)}
	have, err := Measures([]string{"complexity", "boundary/margin", "validation/loss"}, candidates)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(append(slices.Clone(simpleAndWide), Measure{"validation/loss", trainer.Lower}), have); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
	contrary := changed(run("contrary", nil), func(c *Candidate) { c.Run.Metrics = []trainer.Metric{{Name: margin, Better: trainer.Lower}} })
	for _, test := range []struct {
		names      []string
		candidates []Candidate
		want       string
	}{
		{nil, candidates, "no metric to rank by"},
		{[]string{"boundary/complexty"}, candidates, `no run has a metric "boundary/complexty"; did you mean "boundary/complexity"?`},
		{[]string{"curvature"}, candidates, `no run has a metric "curvature"; want one of accuracy, complexity, lambda_max, loss, margin`},
		{[]string{"loss"}, candidates, `"loss" may be any of train/loss, validation/loss`},
		{[]string{"test/loss"}, candidates, "must not choose"},
		{[]string{"own/phase"}, candidates, "neither lower nor higher values are declared better"},
		{[]string{"margin", "boundary/margin"}, candidates, "boundary/margin is named twice"},
		{[]string{"margin"}, append(candidates, contrary), "of boundary/margin, higher is better in a and lower in contrary"},
	} {
		if _, err := Measures(test.names, test.candidates); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error %v; want %q", test.names, err, test.want)
		}
	}
}
