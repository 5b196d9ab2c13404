package trainer

import (
	"testing"
	"time"

	"github.com/hessoscope/hessoscope/datasets"
)

// pacedEpochs applies a pace to the epochs 0, …, last, at the given cost per
// measurement, and returns the epochs that it chooses.
func pacedEpochs(c Schedule, last int, cost float64) (epochs []int, p Pace) {
	s := &State{Epochs: last, planned: 100 * float64(last)}
	for s.Epoch = 0; s.Epoch <= last; s.Epoch++ {
		s.work = 100 * float64(s.Epoch)
		if p.Due(c, s, cost) {
			epochs = append(epochs, s.Epoch)
			p.Done(s, cost)
		}
	}
	return epochs, p
}

func TestPaceKeepsItsBudget(t *testing.T) {
	for name, c := range map[string]struct {
		schedule Schedule
		cost     float64 // of one measurement; an epoch costs 100
		want     []int
	}{
		"no budget":  {Schedule{Every: 5}, 1000, []int{0, 5, 10, 15, 20}},
		"affordable": {Schedule{Every: 5, Budget: 0.5}, 10, []int{0, 5, 10, 15, 20}},
		// Half of 2,000 pays for 5 measurements of 200, and 50 are earned at an epoch. The
		// first is paid together with the last at epoch 8, the second at 12, the third at 16.
		"spread":   {Schedule{Every: 1, Budget: 0.5}, 200, []int{8, 12, 16, 20}},
		"too dear": {Schedule{Every: 1, Budget: 0.1}, 1e6, []int{20}},
		"a measurement that waits is made up for": {Schedule{At: []int{0, 1}, Budget: 0.5}, 200, []int{8, 20}},
		// Half of a tenth of 2,000 is advanced. Without the one at the end, the next are paid
		// at epochs 2, 6, 10, and so on.
		"not at the end": {Schedule{Every: 1, Budget: 0.5, SkipFinal: true}, 200, []int{2, 6, 10, 14, 18}},
		// The first of 100 is advanced; the others are paid together with the last, from
		// epoch 6 on.
		"advanced": {Schedule{Every: 1, Budget: 0.5}, 100, []int{0, 6, 8, 10, 12, 14, 16, 18, 20}},
	} {
		t.Run(name, func(t *testing.T) {
			got, p := pacedEpochs(c.schedule, 20, c.cost)
			if len(got) != len(c.want) {
				t.Fatalf("epochs %v, want %v", got, c.want)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Fatalf("epochs %v, want %v", got, c.want)
				}
			}
			if b := c.schedule.Budget * 2000; len(got) > 2 && b > 0 && p.Spent > b {
				t.Errorf("spent %g of %g", p.Spent, b)
			}
		})
	}
}

// A run that stops early, and one whose length is not known, cost their share of the
// work that was done, the last measurement included, or what was advanced.
func TestPaceOfAnEarlyEnd(t *testing.T) {
	c := Schedule{Every: 1, Budget: 0.1}
	for _, planned := range []int{0, 1000} {
		s := &State{Epochs: planned, planned: 100 * float64(planned)}
		var p Pace
		for s.Epoch = 0; s.Epoch < 250; s.Epoch++ {
			s.work = 100 * float64(s.Epoch)
			if p.Due(c, s, 90) {
				p.Done(s, 90)
			}
			if most := max(c.Budget*s.work-90, c.Budget*advance*s.PlannedWork()); p.Spent > most {
				t.Fatalf("planned %d: spent %g of %g at epoch %d", planned, p.Spent, most, s.Epoch)
			}
		}
		if p.Times < 20 {
			t.Errorf("planned %d: %d times in 250 epochs", planned, p.Times)
		}
		s.RequestStop(Stop{Reason: Requested})
		if left, want := p.Left(c, s), c.Budget*s.work-p.Spent; left != want {
			t.Errorf("planned %d: %g are left at the end; want %g", planned, left, want)
		}
	}
}

func TestPaceByTheClock(t *testing.T) {
	s := &State{Epoch: 1, Epochs: 10, Data: new(datasets.Dataset)}
	var p Pace
	c := Schedule{Seconds: 0.02}
	if p.Due(c, s, 1) {
		t.Error("due at once")
	}
	time.Sleep(25 * time.Millisecond)
	if !p.Due(c, s, 1) {
		t.Error("not due after the interval")
	}
	p.Done(s, 1)
	if p.Due(c, s, 1) {
		t.Error("due again at once")
	}
}
