package runs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks/selection"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The axes of runs of a sweep are those of the sweep; of other runs, all settings.
func TestAxes(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, run := range []string{"s/a-seed_0", "s/b-seed_0", "own"} {
		write(t, run+"/run.json", `{"status": "finished"}`)
	}
	write(t, "s/a-seed_0/config.yaml", "name: a\nseed: 0\nmodel: {hidden: [2, 3]}\n")
	write(t, "s/b-seed_0/config.yaml", "name: b\nseed: 0\nmodel: {hidden: [2, 3], weights: "+dir+"/s/a-seed_0/checkpoints/last.npz, norm_of: x.npz}\n")
	write(t, "s/sweep.json", `{"name": "s", "runs": [
		{"folder": "a-seed_0", "variant": "a", "seed": 0, "grid": {"model.hidden": [2, 3]}},
		{"folder": "b-seed_0", "variant": "b", "seed": 18446744073709551615}]}`)
	axes := func(dirs ...string) (all []map[string]string, starts []string) {
		candidates, _, err := Candidates(dirs, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range candidates {
			all = append(all, c.Axes)
			starts = append(starts, c.Starts...)
		}
		return all, starts
	}
	have, starts := axes("s")
	want := []map[string]string{
		{"sweep": "s", "variant": "a", selection.SeedAxis: "0", "model.hidden": "[2 3]"},
		{"sweep": "s", "variant": "b", selection.SeedAxis: "18446744073709551615"},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("of a sweep (-want +have):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"s/a-seed_0", "x.npz"}, starts); diff != "" {
		t.Errorf("starts (-want +have):\n%s", diff)
	}
	have, _ = axes("s", "own")
	want = []map[string]string{
		{selection.SeedAxis: "0", "model.hidden": "[2 3]"},
		{selection.SeedAxis: "0", "model.hidden": "[2 3]", "model.weights": "given", "model.norm_of": "given"},
		nil,
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("not all of a sweep (-want +have):\n%s", diff)
	}
	write(t, "s/sweep.json", "{")
	if _, _, err := Candidates([]string{"s"}, false); err == nil {
		t.Error("a broken sweep.json is no error")
	}
}
