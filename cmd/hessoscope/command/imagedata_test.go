package command

import (
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models/weights"
)

// writeNPZ writes the splits of a data set as x_train, y_train and so on.
func writeNPZ(t *testing.T, path string, d *datasets.Dataset) {
	t.Helper()
	var arrays []weights.Array
	for i := range d.Splits {
		s := &d.Splits[i]
		labels := make([]float64, s.Len())
		for row, l := range s.Labels {
			labels[row] = float64(l)
		}
		arrays = append(arrays,
			weights.Array{Name: "x_" + s.Name, Shape: append([]int{s.Len()}, d.Shape...), Data: s.Values()},
			weights.Array{Name: "y_" + s.Name, Shape: []int{s.Len()}, Data: labels})
	}
	if err := weights.Write(path, arrays); err != nil {
		t.Fatal(err)
	}
}

// The same samples give the same run and the same analysis, whether the data set is
// built in or a file of arrays.
func TestTrainNPZ(t *testing.T) {
	iris, err := datasets.Load(t.Context(), "iris", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	chdir(t)
	writeNPZ(t, "mine.npz", iris)
	args := []string{"--no-progress", "--set", "training.epochs=5", "--set", "model.hidden=[8]"}
	succeed(t, append([]string{"train", "iris"}, args...)...)
	succeed(t, append([]string{"train", "iris", "--name", "mine", "--data", "mine.npz"}, args...)...)
	sameRun(t, "runs/iris", "runs/mine")
	t.Chdir("cache") // the run knows where its data is
	whole := succeed(t, "analyze", "../runs/mine", "--json", "-")
	parts := succeed(t, "analyze", "--weights", "../runs/iris/checkpoints/last.npz", "--data", "../mine.npz", "--json", "-")
	if diff := cmp.Diff(untimed(whole), untimed(parts)); diff != "" {
		t.Errorf("analysis of the run (-) and of its weights and data (+):\n%s", diff)
	}
}

// untimed returns the lines without those of times.
func untimed(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "seconds") {
			lines = append(lines, line)
		}
	}
	return lines
}

// writePNGs writes n images of 6 × 6 pixels of each of two classes: dark and light.
func writePNGs(t *testing.T, dir string, n int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	for base, class := range []string{"dark", "light"} {
		if err := os.MkdirAll(filepath.Join(dir, class), 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			img := image.NewGray(image.Rect(0, 0, 6, 6))
			for p := range img.Pix {
				img.Pix[p] = uint8(60*base + rng.IntN(150))
			}
			f, err := os.Create(filepath.Join(dir, class, fmt.Sprint(i, ".png")))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, img); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A folder of images is trained on with augmentation, and measuring changes no bit.
func TestTrainAugmentedImages(t *testing.T) {
	chdir(t)
	writePNGs(t, "pictures/train", 15)
	writePNGs(t, "pictures/test", 5)
	write(t, "p.yaml", `
name: p
seed: 3
data:
  set: pictures/
  standardize: true
  per_class: 12
  augmentation: {shift: 1, flip: true, crop: 2}
model: {hidden: [6]}
training: {epochs: 6, batch_size: 10, rate: {base: 0.1}}
`)
	succeed(t, "train", "p.yaml", "--no-progress")
	off := []string{"--set", "spectrum.off=true", "--set", "margin.off=true", "--set", "effective_rank.off=true", "--set", "critical_sharpness.off=true"}
	succeed(t, append([]string{"train", "p.yaml", "--no-progress", "--name", "off"}, off...)...)
	succeed(t, append([]string{"train", "p.yaml", "--no-progress", "--name", "plain", "--set", "data.augmentation={}"}, off...)...)
	p, unwatched, plain := checkpoint(t, "runs/p/checkpoints/last.npz"), checkpoint(t, "runs/off/checkpoints/last.npz"), checkpoint(t, "runs/plain/checkpoints/last.npz")
	if diff := cmp.Diff(p.Arrays, unwatched.Arrays); diff != "" {
		t.Errorf("measuring changes the parameters:\n%s", diff)
	}
	if cmp.Equal(p.Arrays, plain.Arrays) {
		t.Error("augmentation changes nothing")
	}
	wantSamples(t, "runs/p", map[string]int{"train": 24, "test": 10})
}

// Classes can be chosen and labels permuted in a table, too.
func TestChosenRowsOfCSV(t *testing.T) {
	chdir(t)
	write(t, "d.csv", table)
	succeed(t, "train", "gauss", "--data", "d.csv", "--name", "whole", "--no-progress", "--set", "training.epochs=0", "--set", "model.hidden=[3]")
	wantSamples(t, "runs/whole", map[string]int{"train": 3, "test": 1})
	succeed(t, "train", "gauss", "--data", "d.csv", "--name", "chosen", "--no-progress", "--set", "training.epochs=0", "--set", "model.hidden=[3]",
		"--set", "data.classes=[1, 0]", "--set", "data.per_class=1", "--set", "data.random_labels=true")
	wantSamples(t, "runs/chosen", map[string]int{"train": 2, "test": 1})
}

func wantSamples(t *testing.T, run string, want map[string]int) {
	t.Helper()
	r, err := record.ReadRun(filepath.Join(run, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, r.Data.Samples); diff != "" {
		t.Errorf("%s: samples (-want +got):\n%s", run, diff)
	}
}
