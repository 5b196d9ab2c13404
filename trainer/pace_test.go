package trainer

import (
	"testing"
	"time"

	"github.com/hessoscope/hessoscope/datasets"
)

// pacedEpochs runs a pace through epochs 0 … last and returns those it chose,
// at the given cost each.
func pacedEpochs(c Schedule, last int, cost float64) (epochs []int, p Pace) {
	s := &State{Epochs: last, Data: &datasets.Dataset{Splits: []datasets.Split{{Name: "train", Labels: make([]int, 100)}}}}
	for s.Epoch = 0; s.Epoch <= last; s.Epoch++ {
		if p.Due(c, s) {
			epochs = append(epochs, s.Epoch)
			p.Done(cost)
		}
	}
	return epochs, p
}

func TestPaceKeepsItsBudget(t *testing.T) {
	for name, c := range map[string]struct {
		schedule Schedule
		cost     float64 // of one time, where an epoch costs 100
		want     []int
	}{
		"no budget":  {Schedule{Every: 5}, 1000, []int{0, 5, 10, 15, 20}},
		"affordable": {Schedule{Every: 5, Budget: 0.5}, 10, []int{0, 5, 10, 15, 20}},
		// Half of 2,000 buys five times 200. The first is free, the second waits
		// until 600 are there: its own, the first, and one for the end.
		"waits":    {Schedule{Every: 1, Budget: 0.5}, 200, []int{0, 12, 16, 20}},
		"too dear": {Schedule{Every: 1, Budget: 0.1}, 1e6, []int{0, 20}},
		"a measurement that waits is made up for": {Schedule{At: []int{0, 1}, Budget: 0.5}, 200, []int{0, 12, 20}},
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
	p.Done(1)
	if p.Due(c, s) {
		t.Error("due again at once")
	}
}
