package runs

import (
	"os"
	"path/filepath"
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

func FuzzReadSweep(f *testing.F) {
	f.Add([]byte(`{"name": "s", "runs": [{"folder": "a", "variant": "v", "seed": 1, "grid": {"training.rate.base": 0.1, "model.hidden": [2, [3]]}}]}`))
	f.Add([]byte(`{"runs": [{}, {}]}`))
	f.Add([]byte("\xff\xfe{\x00"))
	f.Add([]byte(strings.Repeat("[", 20000)))
	path := filepath.Join(f.TempDir(), "sweep.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		axes, err := readSweep(path)
		if err != nil && (!strings.HasPrefix(err.Error(), path+": ") || axes != nil) {
			t.Errorf("axes %v, error %q", axes, err)
		}
	})
}
