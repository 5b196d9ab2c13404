package command

import (
	"image/gif"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/plot"
)

// A run that was trained is drawn: all that it recorded, and a sentence for the rest.
func TestPlot(t *testing.T) {
	skipShort(t)
	chdir(t)
	for _, name := range []string{"one", "two"} {
		trainQuietly(t, "gauss", "--name", name, "--set", "training.epochs=30", "--set", "model.hidden=[10]",
			"--set", "spectrum.schedule={at: [0, 5, 30]}", "--set", "margin.schedule={at: [30]}", "--set", "margin.samples=10")
	}
	table := succeed(t, "plot", "runs/one")
	for _, kind := range plot.Kinds() {
		path := filepath.Join("runs/one/plots", kind.Name+".png")
		if !strings.Contains(table, path) {
			t.Errorf("%s is not in the table:\n%s", path, table)
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(f); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		f.Close()
	}

	table = succeed(t, "plot", "runs/one", "runs/two", "--what", "eigenvalues,alignment", "--format", "svg", "--out", "pictures/both")
	for _, file := range []string{"pictures/both/eigenvalues.svg", "pictures/both/alignment.svg"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "two") || !strings.Contains(table, file) {
			t.Errorf("%s does not name the run two, or is not in the table:\n%s", file, table)
		}
	}
	if _, err := os.Stat("pictures/both/loss.svg"); err == nil {
		t.Error("--what eigenvalues,alignment drew the loss")
	}

	succeed(t, "plot", "runs/one", "--what", "animation")
	f, err := os.Open("runs/one/plots/animation.gif")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if movie, err := gif.DecodeAll(f); err != nil || len(movie.Image) != 3 {
		t.Errorf("error %v; want three frames", err)
	}
}

// Of a run that recorded little, the figures are left out with the reason, and it is an
// error if none is left.
func TestPlotOfLittle(t *testing.T) {
	skipShort(t)
	chdir(t)
	trainQuietly(t, "iris", "--name", "little", "--set", "training.epochs=2", "--set", "spectrum.off=true", "--set", "margin.off=true")
	table := succeed(t, "plot", "runs/little")
	for _, want := range []string{"loss", "left out: no spectrum was stored", "left out: no regions in the plane were stored"} {
		if !strings.Contains(table, want) {
			t.Errorf("%q is not in the table:\n%s", want, table)
		}
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"runs/little", "--what", "boundary,heatmap"}, "nothing was drawn"},
		{[]string{"runs/little", "--what", "bondary"}, `--what: "bondary"; did you mean "boundary"?`},
		{[]string{"runs/none"}, "runs/none"},
		{[]string{"runs/little", "--format", "jpg"}, "png"},
	} {
		if r := hessoscope(append([]string{"plot"}, test.args...)...); r.status != exitFault || !strings.Contains(r.stderr, test.want) {
			t.Errorf("plot %v: status %d, %s; want %q", test.args, r.status, r.stderr, test.want)
		}
	}
}

// trainQuietly trains a run, whose progress is on stderr.
func trainQuietly(t *testing.T, args ...string) {
	t.Helper()
	if r := hessoscope(append([]string{"train", "--no-progress"}, args...)...); r.status != 0 {
		t.Fatalf("train %v: status %d: %s", args, r.status, r.stderr)
	}
}
