package command

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/models/weights"
)

// A run with all hooks ends with the same parameters, bit for bit, as a run without
// hooks.
func TestHooksChangeNothing(t *testing.T) {
	for _, test := range []struct {
		name     string
		settings []string
	}{
		{"iris", []string{"training.optimizer={name: sgd}", "model.hidden=[20, 20]"}},
		{"iris", []string{"training.optimizer={name: adam}", "training.batch_size=50", "spectrum.resolved=false"}},
		{"gauss", []string{"training.optimizer={momentum: 0.9, nesterov: true, weight_decay: 1e-3}", "model.hidden=[20, 20]"}},
		{"iris", []string{"training.batch_size=50", "model={layers: [dense: {out: 12}, batch_norm, gelu, dropout: {p: 0.2}, dense: {out: 3}]}"}},
		{"gauss", []string{"training.optimizer={name: adamw}", "model={hidden: [16], activation: gelu, precision: float32}"}},
	} {
		t.Run(test.name+" "+test.settings[0], func(t *testing.T) {
			chdir(t)
			train := func(name string, args ...string) []weights.Array {
				args = append([]string{"train", test.name, "--name", name, "--set", "training.epochs=50"}, args...)
				for _, s := range test.settings {
					args = append(args, "--set", s)
				}
				if r := hessoscope(args...); r.status != 0 { // its progress is on stderr
					t.Fatalf("status %d: %s", r.status, r.stderr)
				}
				return checkpoint(t, "runs/"+name+"/checkpoints/last.npz").Arrays
			}
			alone := train("alone", "--no-progress", "--set", "spectrum.off=true", "--set", "log.schedule={at: [50]}", "--set", "training.evaluate={every: 50}")
			watched := train("watched", "--log", "json", "--set", "spectrum.schedule={every: 5}", "--set", "spectrum.top=4", "--set", "spectrum.bottom=2",
				"--set", "log.schedule={every: 1}", "--set", "checkpoint={schedule: {every: 1}, seconds: 1e-9, best: train/loss}", "--set", "workers=1")
			if diff := cmp.Diff(alone, watched); diff != "" {
				t.Errorf("parameters and optimizer (-alone +watched):\n%s", diff)
			}
			if len(tree(t)) < 60 {
				t.Errorf("%d files; want a checkpoint an epoch, and the measurements", len(tree(t)))
			}
		})
	}
}
