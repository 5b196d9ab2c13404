package runs

import (
	"strings"
	"testing"
)

func FuzzParseMeasuringSettings(f *testing.F) {
	f.Add("name: a\nspectrum: {matrix: hessian}\ncomplexity: {epsilon: 0.1}\n")
	f.Add("complexity: 3\nspectrum: [only]\n")
	f.Add("complexity: {epsilon: {}, epsilon: *a}\n")
	f.Add("{{{")
	f.Fuzz(func(t *testing.T, text string) {
		settings, err := parseMeasuringSettings("c.yaml", []byte(text))
		if err == nil && len(settings) != len(measuringKeys) {
			t.Errorf("settings %v", settings)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "c.yaml:") {
			t.Errorf("error %q does not name the file", err)
		}
	})
}
