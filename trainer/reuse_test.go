package trainer_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/trainer"
)

// forgetful counts the epochs of a run; Reset sets the count to 0.
type forgetful struct {
	probe
	epochs int
}

func (f *forgetful) Reset() { f.epochs = 0 }

func (f *forgetful) EpochEnd(context.Context, *trainer.State) error {
	f.epochs++
	return nil
}

func TestHooksAreResetForEveryRun(t *testing.T) {
	data, hook := load(t, "gauss"), &forgetful{probe: probe{name: "forgetful"}}
	for range 2 {
		train(t, trainer.Config{Epochs: 2, Rate: trainer.Rate{Base: 0.1}}, newMLP(t, data, tensor.Float64, 4), data, hook)
		if hook.epochs != 3 { // 0, 1 and 2
			t.Errorf("%d epochs counted in a run of 3 ends", hook.epochs)
		}
	}
}

func TestHookStateOfAnotherFormat(t *testing.T) {
	data, err := trainer.EncodeState([]float64{1, math.Pi})
	if err != nil {
		t.Fatal(err)
	}
	var back []float64
	if err := trainer.DecodeState(data, &back); err != nil || len(back) != 2 || back[1] != math.Pi {
		t.Errorf("%v came back, error %v", back, err)
	}
	wantError(t, trainer.DecodeState([]byte(`{"Length": 3}`), &back),
		`the state has another format than "hessoscope hook state 2": finish the run with the version that began it, or start it anew`)
	if err := trainer.DecodeState(data[:len(data)-3], &back); err == nil {
		t.Error("half a state was read")
	}
}

// badRate is a schedule that returns an invalid rate.
type badRate float64

func (r badRate) At(int, int) float64 { return float64(r) }

func TestForeignRateIsChecked(t *testing.T) {
	data := load(t, "gauss")
	for _, c := range []struct {
		rate trainer.RateSchedule
		want string
	}{
		{badRate(math.NaN()), "trainer: the learning rate of epoch 1 is NaN; want a finite number, 0 or more"},
		{badRate(-1), "trainer: the learning rate of epoch 1 is -1; want a finite number, 0 or more"},
	} {
		run, err := trainer.New(trainer.Config{Epochs: 1, Rate: c.rate}, newMLP(t, data, tensor.Float64, 4), data)
		if err != nil {
			t.Fatal(err)
		}
		_, err = run.Run(context.Background())
		wantError(t, err, c.want)
	}
}

// failing is a rule that cannot start.
type failing struct{ trainer.OptimizerConfig }

func (failing) Validate() error { return errors.New("no") }

func TestForeignRuleIsValidated(t *testing.T) {
	data := load(t, "gauss")
	_, err := trainer.New(trainer.Config{Epochs: 1, Rate: trainer.Rate{Base: 1}, Optimizer: failing{}}, newMLP(t, data, tensor.Float64, 4), data)
	wantError(t, err, "trainer: no")
}
