package command

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/models"
)

// The paper's regimes start from the weights, or the norm, of another run.
func TestRegimes(t *testing.T) {
	chdir(t)
	train := func(name string, settings ...string) {
		t.Helper()
		args := []string{"train", "gauss", "--no-progress", "--name", name, "--set", "model.hidden=[8]", "--set", "spectrum.off=true", "--set", "checkpoint.schedule={at: [0]}"}
		for _, s := range settings {
			args = append(args, "--set", s)
		}
		succeed(t, args...)
	}
	train("source", "training.epochs=40", "seed=1", "data.random_labels=true")
	source := "runs/source/checkpoints/last.npz"
	train("adversarial", "training.epochs=1", "model.weights="+source)
	train("large-norm", "training.epochs=1", "model.norm_of="+source)
	train("normal", "training.epochs=1")

	start := func(name string) *models.MLP {
		t.Helper()
		m, err := models.LoadMLP("runs/"+name+"/checkpoints/epoch-000000.npz", models.ReLU)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	from, err := models.LoadMLP(source, models.ReLU)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(models.Export(from.Parameters()), models.Export(start("adversarial").Parameters())); diff != "" {
		t.Errorf("model.weights (-file +start):\n%s", diff)
	}
	large, normal := start("large-norm"), start("normal")
	factor := models.Norm(from) / models.Norm(normal)
	if factor < 1.01 {
		t.Fatalf("the source's norm is %g of that of a fresh network; the test wants it larger", factor)
	}
	for i, p := range normal.Parameters() {
		for j, v := range models.Values(p.Value) {
			have := models.Values(large.Parameters()[i].Value)[j]
			if d := have - v*factor; d > 1e-14 || d < -1e-14 { // rounding of two products below 2
				t.Fatalf("%s[%d] is %v; want %v, %g times that of a fresh network", p.Name, j, have, v*factor, factor)
			}
		}
	}
}
