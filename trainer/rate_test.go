package trainer_test

import (
	"math"
	"testing"

	"github.com/hessoscope/hessoscope/trainer"
)

func TestRates(t *testing.T) {
	for _, test := range []struct {
		name   string
		rate   trainer.Rate
		epochs int
		want   map[int]float64
	}{
		{"constant", trainer.Rate{Base: 0.2}, 10, map[int]float64{1: 0.2, 5: 0.2, 10: 0.2}},
		{
			"step",
			trainer.Rate{Base: 1, Schedule: "step", Every: 3, Gamma: 0.5},
			10,
			map[int]float64{1: 1, 3: 1, 4: 0.5, 6: 0.5, 7: 0.25, 10: 0.125},
		},
		{"step, a tenth", trainer.Rate{Base: 1, Schedule: "step", Every: 1}, 3, map[int]float64{1: 1, 2: 0.1, 3: 0.01}},
		{
			"multi_step",
			trainer.Rate{Base: 1, Schedule: "multi_step", Milestones: []int{2, 5}, Gamma: 0.5},
			10,
			map[int]float64{1: 1, 2: 1, 3: 0.5, 5: 0.5, 6: 0.25, 10: 0.25},
		},
		{
			"cosine",
			trainer.Rate{Base: 1, Schedule: "cosine", Final: 0.2},
			7,
			map[int]float64{1: 1, 3: 0.8, 4: 0.6, 5: 0.4, 7: 0.2},
		},
		{"cosine of one epoch", trainer.Rate{Base: 1, Schedule: "cosine"}, 1, map[int]float64{1: 1}},
		{
			"warm-up",
			trainer.Rate{Base: 1, Warmup: 3},
			10,
			map[int]float64{1: 0.25, 2: 0.5, 3: 0.75, 4: 1, 10: 1},
		},
		{
			"warm-up of a decaying rate",
			trainer.Rate{Base: 1, Schedule: "step", Every: 1, Gamma: 0.5, Warmup: 1},
			3,
			map[int]float64{1: 0.5, 2: 0.5, 3: 0.25},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.rate.Validate(); err != nil {
				t.Fatal(err)
			}
			for epoch, want := range test.want {
				// One rounding of the cosine and the power each.
				if got := test.rate.At(epoch, test.epochs); math.Abs(got-want) > 1e-15 {
					t.Errorf("epoch %d: %v, want %v", epoch, got, want)
				}
			}
		})
	}
}

func TestRateErrors(t *testing.T) {
	for _, test := range []struct {
		rate trainer.Rate
		want string
	}{
		{trainer.Rate{}, "Base is 0; want a positive number"},
		{trainer.Rate{Base: math.NaN()}, "Base is NaN; want a positive number"},
		{trainer.Rate{Base: math.Inf(1)}, "Base is +Inf; want a positive number"},
		{trainer.Rate{Base: 1, Schedule: "linear"}, `Schedule is "linear"; want constant, step, multi_step or cosine`},
		{trainer.Rate{Base: 1, Schedule: "step"}, "Every is 0; the step schedule wants at least 1 epoch"},
		{trainer.Rate{Base: 1, Schedule: "multi_step"}, "Milestones are []; the multi_step schedule wants increasing epochs"},
		{
			trainer.Rate{Base: 1, Schedule: "multi_step", Milestones: []int{5, 2}},
			"Milestones are [5 2]; the multi_step schedule wants increasing epochs",
		},
		{trainer.Rate{Base: 1, Gamma: -1}, "Gamma is -1; want a positive number"},
		{trainer.Rate{Base: 1, Final: -1}, "Final is -1; want 0 or more"},
		{trainer.Rate{Base: 1, Final: math.Inf(1)}, "Final is +Inf; want 0 or more"},
		{trainer.Rate{Base: 1, Warmup: -1}, "Warmup is -1 epochs; want 0 or more"},
	} {
		wantError(t, test.rate.Validate(), test.want)
	}
}
