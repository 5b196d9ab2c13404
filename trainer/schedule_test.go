package trainer_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hessoscope/hessoscope/trainer"
)

// due returns the epochs of a run that a schedule selects.
func due(c trainer.Schedule, epochs int) []int {
	var found []int
	for e := 0; e <= epochs; e++ {
		if c.Due(&trainer.State{Epoch: e, Epochs: epochs}) {
			found = append(found, e)
		}
	}
	return found
}

func TestSchedules(t *testing.T) {
	for _, test := range []struct {
		name     string
		schedule trainer.Schedule
		epochs   int
		want     []int
	}{
		{"none", trainer.Schedule{}, 7, []int{7}},
		{"every", trainer.Schedule{Every: 3}, 7, []int{0, 3, 6, 7}},
		{"at", trainer.Schedule{At: []int{0, 5, 90}}, 7, []int{0, 5, 7}},
		{"log", trainer.Schedule{Log: 3}, 100, []int{0, 1, 10, 100}},
		{"log falls together", trainer.Schedule{Log: 9}, 10, []int{0, 1, 2, 3, 4, 6, 7, 10}},
		{"log of one", trainer.Schedule{Log: 1}, 10, []int{0, 1, 10}},
		{"log of one epoch", trainer.Schedule{Log: 4}, 1, []int{0, 1}},
		{"every and at", trainer.Schedule{Every: 4, At: []int{3}}, 7, []int{0, 3, 4, 7}},
		{"skip final", trainer.Schedule{Every: 3, SkipFinal: true}, 7, []int{0, 3, 6}},
		{"skip final that a rule hits", trainer.Schedule{Every: 3, SkipFinal: true}, 6, []int{0, 3}},
		{"log, skip final", trainer.Schedule{Log: 3, SkipFinal: true}, 100, []int{0, 1, 10}},
		{"no epochs", trainer.Schedule{}, 0, nil}, // 0 means that the number of epochs is not known
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := due(test.schedule, test.epochs); !slices.Equal(got, test.want) {
				t.Errorf("due at %v, want %v", got, test.want)
			}
		})
	}
}

func TestLogScheduleOfUnknownLength(t *testing.T) {
	var found []int
	for e := range 41 {
		if (trainer.Schedule{Log: 20}).Due(&trainer.State{Epoch: e}) {
			found = append(found, e)
		}
	}
	if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 16, 19, 23, 27, 32, 38}; !slices.Equal(found, want) {
		t.Errorf("due at %v, want %v", found, want)
	}
}

func TestStopMakesAnEpochTheLast(t *testing.T) {
	s := &trainer.State{Epoch: 4, Epochs: 10}
	if (trainer.Schedule{}).Due(s) {
		t.Error("due before the last epoch")
	}
	s.RequestStop(trainer.Stop{Reason: trainer.Requested, By: "a"})
	s.RequestStop(trainer.Stop{Reason: trainer.Requested, By: "b"})
	if !(trainer.Schedule{}).Due(s) {
		t.Error("not due when a stop was requested")
	}
	if stop, ok := s.Stopped(); !ok || stop.By != "a" {
		t.Errorf("stopped by %q, want the first to ask, a", stop.By)
	}
}

// A log schedule selects exactly the rounded powers.
func TestLogScheduleProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		epochs := rapid.IntRange(1, 2000).Draw(t, "epochs")
		n := rapid.IntRange(2, 60).Draw(t, "log")
		got := due(trainer.Schedule{Log: n}, epochs)

		want := []int{0}
		for i := range n {
			e := int(math.Round(math.Pow(float64(epochs), float64(i)/float64(n-1))))
			if e != want[len(want)-1] {
				want = append(want, e)
			}
		}
		if len(got) > n+1 {
			t.Fatalf("%d epochs are due, more than %d", len(got), n+1)
		}
		if got[0] != 0 || got[1] != 1 || got[len(got)-1] != epochs {
			t.Fatalf("due at %v; want 0, 1 and the last", got)
		}
		// A power that is a half up to rounding errors may be rounded either way.
		if !slices.Equal(got, want) && !nearHalf(epochs, n) {
			t.Fatalf("due at %v, want %v", got, want)
		}
	})
}

func nearHalf(epochs, n int) bool {
	for i := range n {
		_, f := math.Modf(math.Pow(float64(epochs), float64(i)/float64(n-1)))
		if math.Abs(f-0.5) < 1e-9 {
			return true
		}
	}
	return false
}

func TestScheduleErrors(t *testing.T) {
	for _, test := range []struct {
		schedule trainer.Schedule
		want     string
	}{
		{trainer.Schedule{Every: -1}, "Every is -1; want a number of epochs"},
		{trainer.Schedule{Log: -1}, "Log is -1; want a number of epochs"},
		{trainer.Schedule{At: []int{3, -2}}, "At has epoch -2; epochs count from 0, the untrained network"},
	} {
		wantError(t, test.schedule.Validate(), test.want)
	}
	if err := (trainer.Schedule{Every: 2, At: []int{0}, Log: 5, SkipFinal: true}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestScheduleIsZero(t *testing.T) {
	if !(trainer.Schedule{}).IsZero() {
		t.Error("the zero schedule is not zero")
	}
	for _, c := range []trainer.Schedule{{Every: 1}, {At: []int{0}}, {Log: 1}, {SkipFinal: true}} {
		if c.IsZero() {
			t.Errorf("%+v is zero", c)
		}
	}
}

func TestStreams(t *testing.T) {
	draw := func(seed uint64, name string, number int) [4]uint64 {
		rng := trainer.Stream(seed, name, number)
		return [4]uint64{rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64()}
	}
	seen := make(map[[4]uint64]string)
	for seed := range uint64(5) {
		for _, name := range []string{"init", "shuffle", "probe", ""} {
			for number := range 50 {
				first := draw(seed, name, number)
				if first != draw(seed, name, number) {
					t.Fatalf("stream %d %q %d does not repeat", seed, name, number)
				}
				if other, ok := seen[first]; ok {
					t.Fatalf("stream %d %q %d is that of %s", seed, name, number, other)
				}
				seen[first] = name
			}
		}
	}
}

// Neighbouring streams must not be correlated: the mean product of their
// uniform numbers is 0 with a deviation of 1/(12√n).
func TestStreamsAreIndependent(t *testing.T) {
	const n = 100_000
	for _, pair := range [][2][2]any{
		{{"shuffle", 1}, {"shuffle", 2}},
		{{"shuffle", 0}, {"init", 0}},
	} {
		a := trainer.Stream(1, pair[0][0].(string), pair[0][1].(int))
		b := trainer.Stream(1, pair[1][0].(string), pair[1][1].(int))
		sum := 0.0
		for range n {
			sum += (a.Float64() - 0.5) * (b.Float64() - 0.5)
		}
		if deviations := sum / n * 12 * math.Sqrt(n); math.Abs(deviations) > 4 {
			t.Errorf("%v: correlated by %.1f standard deviations", pair, deviations)
		}
	}
}

func TestScheduleTimes(t *testing.T) {
	for _, test := range []struct {
		schedule trainer.Schedule
		from     int
		want     int // −1 if it is not known
	}{
		{trainer.Schedule{Every: 1}, 0, 10}, // epochs 0 to 9: the last, 10, is not counted
		{trainer.Schedule{Every: 3}, 0, 4},
		{trainer.Schedule{Every: 3}, 4, 2},
		{trainer.Schedule{At: []int{2, 5, 10, 12}}, 0, 2},
		{trainer.Schedule{Log: 2}, 0, 2}, // 0 and 1, and then the last
		{trainer.Schedule{}, 0, 0},
		{trainer.Schedule{Every: 3, Budget: 0.1}, 4, 4}, // what was due before may be done later
		{trainer.Schedule{Seconds: 1}, 0, -1},
	} {
		most, known := test.schedule.Times(&trainer.State{Epochs: 10}, test.from)
		if known != (test.want >= 0) || known && most != test.want {
			t.Errorf("%+v from epoch %d: %d, known: %t; want %d", test.schedule, test.from, most, known, test.want)
		}
	}
	for _, epochs := range []int{0, math.MaxInt} { // 0 is not known
		if _, known := (trainer.Schedule{Every: 1}).Times(&trainer.State{Epochs: epochs}, 0); known {
			t.Errorf("known of a run of %d epochs", epochs)
		}
	}
}
