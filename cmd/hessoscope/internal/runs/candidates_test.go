package runs

import (
	"strings"
	"testing"
)

func FuzzParseSettings(f *testing.F) {
	f.Add("name: a\nspectrum: {matrix: hessian}\ncomplexity: {epsilon: 0.1}\n")
	f.Add("complexity: 3\nspectrum: [only]\n")
	f.Add("complexity: {epsilon: {}, epsilon: *a}\n")
	f.Add("{{{")
	f.Fuzz(func(t *testing.T, text string) {
		measuring, all, _, err := parseSettings("c.yaml", []byte(text))
		if err == nil && (len(measuring) != len(measuringKeys) || all == nil) {
			t.Errorf("settings %v of %v", measuring, all)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "c.yaml:") {
			t.Errorf("error %q does not name the file", err)
		}
	})
}
