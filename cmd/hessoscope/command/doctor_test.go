package command

import (
	"strings"
	"testing"
)

func TestDoctor(t *testing.T) {
	chdir(t)
	for _, args := range [][]string{
		{"iris", "--set", "model.hidden=[10]"},
		{"gauss", "--set", "model={hidden: [10], activation: gelu}", "--set", "training.loss=squared_error"},
		{"gauss", "--set", "model={hidden: [10, 10], precision: float32}", "--set", "spectrum.samples=50"},
	} {
		out := succeed(t, append([]string{"doctor"}, args...)...)
		for _, want := range []string{"operations", "gradient", "H·v", "symmetry", "repeatability", "ragged batches", "kinks", "spectrum, lanczos"} {
			if !strings.Contains(out, "\n"+want) {
				t.Errorf("doctor %v: no row %q in\n%s", args, want, out)
			}
		}
		if strings.Contains(out, "FAILED") {
			t.Errorf("doctor %v:\n%s", args, out)
		}
	}
	out := succeed(t, "doctor", "gauss", "--set", "spectrum.precision=float32", "--set", "memory_gb=0.16", "--set", "model.hidden=[10]")
	if !strings.Contains(out, "\none H·v in float32") || !strings.Contains(out, "passes of 2 of 2 chunks of the data are kept for all, in at most 20 MB") || strings.Contains(out, "reduced") {
		t.Errorf("doctor of products in float32:\n%s", out)
	}
	succeed(t, "train", "iris", "--no-progress", "--set", "training.epochs=2", "--set", "model.hidden=[10]")
	if out := succeed(t, "doctor", "runs/iris"); !strings.Contains(out, "iris") {
		t.Errorf("doctor of a run:\n%s", out)
	}
}
