package experiment

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

// A preset starts from the newest finished run of the one that it names, and says how
// to make it where there is none.
func TestFindStart(t *testing.T) {
	out := t.TempDir()
	start := func() (*Config, error) {
		c, err := Load("gauss_large_norm")
		if err != nil {
			t.Fatal(err)
		}
		return c, c.FindStart(out)
	}
	wantError := func(command string) {
		t.Helper()
		_, err := start()
		if want := `model.norm_of is "@gauss_random_labels", and there is no finished run ` + filepath.Join(out, "gauss_random_labels") +
			"; `hessoscope train gauss_random_labels --out " + out + command + "` makes it"; err == nil || err.Error() != want {
			t.Errorf("error %v; want %s", err, want)
		}
	}
	wantError("")

	first := filepath.Join(out, "gauss_random_labels")
	unfinished, err := Load("gauss_random_labels")
	if err != nil {
		t.Fatal(err)
	}
	if err := unfinished.Set("training.epochs=1", "margin.off=true", "spectrum.off=true"); err != nil {
		t.Fatal(err)
	}
	create(t, unfinished, first)
	wantError(" --resume")

	trained, err := unfinished.Prepare(context.Background(), first, Console{Log: new(strings.Builder), Format: "text"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trained.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	create(t, unfinished, first+"-2") // newer, and not finished
	c, err := start()
	if err != nil {
		t.Fatal(err)
	}
	if want := record.Folder(first).LastCheckpoint(); c.Model.NormOf != want {
		t.Errorf("starts from %q; want %q", c.Model.NormOf, want)
	}
}

// create creates the folder of a run that no process trains.
func create(t *testing.T, c *Config, dir string) {
	t.Helper()
	lock, err := c.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	lock.Release()
}
