package trainer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/trainer"
)

// noise returns images of 2 × 5 × 4 bytes of three classes: more than three
// mini-batches of resumable.
func noise(n int) *datasets.Dataset {
	d := &datasets.Dataset{Name: "noise", Shape: []int{2, 5, 4}, Classes: []string{"a", "b", "c"}}
	rng := rand.New(rand.NewPCG(5, 6))
	bytes, labels := make([]uint8, n*40), make([]int, n)
	for i := range bytes {
		bytes[i] = uint8(rng.IntN(256))
	}
	for i := range labels {
		labels[i] = rng.IntN(3)
	}
	d.Splits = []datasets.Split{{Name: "train", Packed: datasets.PackBytes(bytes), Labels: labels}}
	return d
}

var everything = datasets.Augmentation{Crop: 2, Shift: 1, Flip: true}

func TestAugmentedRunResumes(t *testing.T) {
	data, err := noise(150).Standardize()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	augmented := func(name string) *journey {
		j := resumable(t, trainer.OptimizerConfig{Name: "adam"})
		j.data, j.path, j.config.Augmentation = data, filepath.Join(dir, name), everything
		return j
	}
	whole := augmented("whole.npz")
	want := whole.leg(t, false, 0, false)
	for every := 5; every <= 41; every += 4 {
		j := augmented("legs.npz")
		got, legs := j.leg(t, false, every, false), 1
		for ; got == nil && legs < 100; legs++ {
			got = j.leg(t, true, every, false)
		}
		if legs < 2 {
			t.Fatalf("every %d events: never interrupted", every)
		}
		compareRuns(t, "augmented", j, got, whole, want)
	}
}

// A run is not resumed with other augmentation, unless an older version saved it without.
func TestAugmentationIsThatOfTheCheckpoint(t *testing.T) {
	data := noise(60)
	c := trainer.Config{Epochs: 2, BatchSize: 25, Rate: trainer.Rate{Base: 0.1}, Augmentation: everything}
	saved, err := train(t, c, newMLP(t, data, tensor.Float64, 3), data).Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "c.npz")
	if err := saved.Write(path); err != nil {
		t.Fatal(err)
	}
	for _, older := range []bool{false, true} {
		saved, err := trainer.ReadCheckpoint(path)
		if err != nil {
			t.Fatal(err)
		}
		want := "trainer: the checkpoint is of a run with the augmentation {Crop:2 Shift:1 Flip:true}; this one has {Crop:2 Shift:0 Flip:true}"
		if older {
			saved.Progress.Augmentation, want = nil, "<nil>"
		}
		other := c
		other.Augmentation.Shift = 0
		for _, test := range []struct {
			config trainer.Config
			want   string
		}{{c, "<nil>"}, {other, want}} {
			if err := newTrainer(t, test.config, newMLP(t, data, tensor.Float64, 3), data).Restore(saved); fmt.Sprint(err) != test.want {
				t.Errorf("older %v, augmentation %+v: error %v; want %s", older, test.config.Augmentation, err, test.want)
			}
		}
	}
}

// Augmentation changes what is trained on, and not what is measured.
func TestAugmentationIsOfTrainingOnly(t *testing.T) {
	data := noise(60)
	before := data.Fingerprint()
	run := func(a datasets.Augmentation, seed uint64, precision tensor.Dtype) (initial float64, parameters []float64) {
		hook := &probe{name: "h", on: func(_ context.Context, _ string, s *trainer.State) error {
			if loss, ok := s.Fresh("train/loss"); ok && s.Epoch == 0 {
				initial = loss
			}
			return nil
		}}
		m := newMLP(t, data, precision, 3)
		train(t, trainer.Config{Epochs: 2, BatchSize: 25, Seed: seed, Rate: trainer.Rate{Base: 0.1}, Augmentation: a}, m, data, hook)
		return initial, flat(m)
	}
	for _, precision := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		plainLoss, plain := run(datasets.Augmentation{}, 1, precision)
		loss, parameters := run(everything, 1, precision)
		if loss != plainLoss || loss == 0 {
			t.Errorf("%v: the loss before training is %v, without augmentation %v", precision, loss, plainLoss)
		}
		if slices.Equal(parameters, plain) {
			t.Errorf("%v: augmentation changes nothing", precision)
		}
		if _, again := run(everything, 1, precision); !slices.Equal(again, parameters) {
			t.Errorf("%v: the same seed gives another run", precision)
		}
		if _, other := run(everything, 2, precision); slices.Equal(other, parameters) {
			t.Errorf("%v: another seed gives the same run", precision)
		}
	}
	if data.Fingerprint() != before {
		t.Error("the data have changed")
	}
}

func TestAugmentationOfTable(t *testing.T) {
	data := load(t, "gauss")
	c := trainer.Config{Rate: trainer.Rate{Base: 0.1}, Augmentation: datasets.Augmentation{Flip: true}}
	_, err := trainer.New(c, newMLP(t, data, tensor.Float64, 3), data)
	wantError(t, err, "datasets: augmentation: gauss has samples of shape [2]; want images, (channels, rows, columns)")
	c.Augmentation.Shift = -1
	_, err = trainer.New(c, newMLP(t, data, tensor.Float64, 3), data)
	wantError(t, err, "trainer: Augmentation is invalid: shift is -1; want a number of pixels, 0 for none")
}
