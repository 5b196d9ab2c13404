package trainer

import (
	"testing"
	"time"

	"github.com/hessoscope/hessoscope/datasets"
)

// pacedEpochs applies a pace to the epochs 0, …, last, at the given cost per
// measurement, and returns the epochs that it chooses.
func pacedEpochs(c Schedule, last int, cost float64) (epochs []int, p Pace) {
	s := &State{Epochs: last}
	for s.Epoch = 0; s.Epoch <= last; s.Epoch++ {
		s.work = 100 * float64(s.Epoch)
		if p.Due(c, s) {
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
		// Half of 2,000 pays for 5 measurements of 200. After the first, half of its
		// cost is expected: 800 pay for 8 of 100, and the next is at 20^(1/8) → 2.
		// After that, 600 pay for 3 of 200, with the next at 2·10^(1/3) → 5, then
		// for 2, with the next at 5·4^(1/2) = 10, and then for the one at the end.
		"spread":   {Schedule{Every: 1, Budget: 0.5}, 200, []int{0, 2, 5, 10, 20}},
		"too dear": {Schedule{Every: 1, Budget: 0.1}, 1e6, []int{0, 20}},
		"a measurement that waits is made up for": {Schedule{At: []int{0, 1}, Budget: 0.5}, 200, []int{0, 2, 20}},
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

func TestPaceByTheClock(t *testing.T) {
	s := &State{Epoch: 1, Epochs: 10, Data: new(datasets.Dataset)}
	var p Pace
	c := Schedule{Seconds: 0.02}
	if p.Due(c, s) {
		t.Error("due at once")
	}
	time.Sleep(25 * time.Millisecond)
	if !p.Due(c, s) {
		t.Error("not due after the interval")
	}
	p.Done(s, 1)
	if p.Due(c, s) {
		t.Error("due again at once")
	}
}
