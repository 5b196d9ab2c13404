package stopping_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// declared knows the metrics loss, accuracy and rate.
func declared(name string) (trainer.Metric, error) {
	switch name {
	case "loss":
		return trainer.Metric{Name: name, Better: trainer.Lower}, nil
	case "accuracy":
		return trainer.Metric{Name: name, Better: trainer.Higher}, nil
	case "rate":
		return trainer.Metric{Name: name}, nil
	default:
		return trainer.Metric{}, errors.New("no metric " + name)
	}
}

func newWatch(t testing.TB, r stopping.Rule) *stopping.Watch {
	t.Helper()
	w, err := stopping.NewWatch(r, declared)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// absent marks an epoch at which a metric is not fresh.
var absent = math.Inf(1)

// held returns the epochs at which a rule holds, if the run is not stopped.
func held(t testing.TB, w *stopping.Watch, series map[string][]float64, from, to int) []int {
	t.Helper()
	var epochs []int
	for epoch := from; epoch < to; epoch++ {
		firing, err := w.Observe(epoch, func(metric string) (float64, bool) {
			if epoch >= len(series[metric]) {
				return 0, false
			}
			value := series[metric][epoch]
			return value, value != absent
		})
		if err != nil {
			t.Fatal(err)
		}
		if firing != nil {
			epochs = append(epochs, epoch)
		}
	}
	return epochs
}

func TestWatch(t *testing.T) {
	falling := []stopping.Rule{{Monitor: "loss", Rises: 2}, {Monitor: "accuracy", Patience: 2}}
	for _, test := range []struct {
		name           string
		rule           stopping.Rule
		loss, accuracy []float64
		want           []int // epochs at which the rule holds
	}{
		// Patience.
		{"patience", stopping.Rule{Monitor: "loss", Patience: 2}, []float64{3, 2, 2, 2, 2}, nil, []int{3, 4}},
		{"the first value is an improvement", stopping.Rule{Monitor: "loss", Patience: 1}, []float64{1, 2}, nil, []int{1}},
		{"an improvement at the last moment", stopping.Rule{Monitor: "loss", Patience: 3}, []float64{3, 4, 4, 2, 4, 4, 4}, nil, []int{6}},
		{"not latched", stopping.Rule{Monitor: "loss", Patience: 2}, []float64{3, 4, 4, 2, 4}, nil, []int{2}},
		{"the best counts, not the one before", stopping.Rule{Monitor: "loss", Patience: 3}, []float64{1, 4, 3, 2}, nil, []int{3}},
		{"mode of the declaration", stopping.Rule{Monitor: "accuracy", Patience: 2}, nil, []float64{1, 2, 3, 2, 2}, []int{4}},
		{"mode that is given", stopping.Rule{Monitor: "accuracy", Patience: 2, Mode: trainer.Lower}, nil, []float64{1, 2, 3}, []int{2}},
		{"only fresh values count", stopping.Rule{Monitor: "loss", Patience: 2}, []float64{3, absent, absent, 3, absent, 3, absent}, nil, []int{5, 6}},
		{"never measured", stopping.Rule{Monitor: "loss", Patience: 1}, []float64{absent, absent, absent}, nil, nil},
		{"start epoch", stopping.Rule{Monitor: "loss", Patience: 1, StartEpoch: 3}, []float64{1, 2, 2, 2, 2}, nil, []int{4}},

		// Patience in epochs.
		{"epochs", stopping.Rule{Monitor: "loss", PatienceEpochs: 3}, []float64{3, 2, 2, 2, 2}, nil, []int{4}},
		{"epochs, at a fresh value only", stopping.Rule{Monitor: "loss", PatienceEpochs: 3}, []float64{3, 2, absent, absent, absent, 2}, nil, []int{5}},
		{"epochs, not latched", stopping.Rule{Monitor: "loss", PatienceEpochs: 2}, []float64{3, 3, 3, 1, 3, 3}, nil, []int{2, 5}},
		{"epochs, from the first value on", stopping.Rule{Monitor: "loss", PatienceEpochs: 2, StartEpoch: 1, Baseline: new(0.0)}, []float64{3, 2, 1, 0.5}, nil, []int{3}},

		// What an improvement is.
		{"absolute delta", stopping.Rule{Monitor: "loss", Patience: 2, MinDelta: 0.5}, []float64{3, 2.75, 2.5, 2.25, 2}, nil, []int{2}},
		{"absolute delta, reached in small steps", stopping.Rule{Monitor: "loss", Patience: 3, MinDelta: 0.5}, []float64{3, 2.75, 2.5, 2.25, 2, 1.75, 1.7}, nil, nil},
		{"absolute delta, higher", stopping.Rule{Monitor: "accuracy", Patience: 1, MinDelta: 0.25}, nil, []float64{0, 0.5, 0.75}, []int{2}},
		{"relative delta", stopping.Rule{Monitor: "loss", Patience: 1, MinDeltaRelative: 0.5}, []float64{8, 3, 1, 0.5}, nil, []int{3}},
		{"relative delta of a negative value", stopping.Rule{Monitor: "loss", Patience: 1, MinDeltaRelative: 0.5}, []float64{-2, -4, -5}, nil, []int{2}},
		{"baseline never beaten", stopping.Rule{Monitor: "loss", Patience: 3, Baseline: new(1.0)}, []float64{4, 3, 2, 1.5}, nil, []int{2, 3}},
		{"baseline beaten in time", stopping.Rule{Monitor: "loss", Patience: 3, Baseline: new(1.0)}, []float64{4, 3, 0.5, 0.6, 0.6, 0.6}, nil, []int{5}},
		{"baseline of 0", stopping.Rule{Monitor: "accuracy", Patience: 2, Baseline: new(0.0)}, nil, []float64{0, 0}, []int{1}},

		// Thresholds.
		{"full accuracy", stopping.Rule{Monitor: "accuracy", AtLeast: new(1.0)}, nil, []float64{0.9, 1, 0.9}, []int{1}},
		{"loss threshold", stopping.Rule{Monitor: "loss", AtMost: new(0.1)}, []float64{0.2, 0.1, 0.05}, nil, []int{1, 2}},
		{"threshold of 0", stopping.Rule{Monitor: "loss", AtMost: new(0.0)}, []float64{1, 0}, nil, []int{1}},
		{"in a row", stopping.Rule{Monitor: "accuracy", AtLeast: new(1.0), For: 2}, nil, []float64{1, 0, 1, absent, 1, 0, 1}, []int{4}},
		{"threshold from an epoch on", stopping.Rule{Monitor: "loss", AtMost: new(1.0), StartEpoch: 2}, []float64{1, 1, 1}, nil, []int{2}},

		// Trends.
		{"rises", stopping.Rule{Monitor: "loss", Rises: 2}, []float64{1, 2, 3, 4, 4, 5}, nil, []int{2, 3}},
		{"falls", stopping.Rule{Monitor: "loss", Falls: 2}, []float64{3, 2, absent, 1, 2}, nil, []int{3}},
		{"rises by more than a delta", stopping.Rule{Monitor: "loss", Rises: 2, MinDelta: 0.5}, []float64{0, 1, 1.5, 2.5, 3.5}, nil, []int{4}},
		{"direction of the declaration does not matter", stopping.Rule{Monitor: "accuracy", Rises: 1}, nil, []float64{1, 2}, []int{1}},

		// Several rules.
		{"all", stopping.Rule{All: falling}, []float64{1, 2, 3, 4}, []float64{1, 1, 1, 1}, []int{2, 3}},
		{"all, but at different times", stopping.Rule{All: falling}, []float64{1, 2, 3, 2, 2}, []float64{1, 2, 3, 3, 3}, nil},
		{"all, one of them rarely measured", stopping.Rule{All: falling}, []float64{1, absent, 2, absent, 3, absent}, []float64{1, 1, 1, 2, 2, 2}, []int{5}},
		{"any", stopping.Rule{Any: falling}, []float64{1, 2, 3, 2, 2, 2}, []float64{1, 2, 3, 3, 3, 4}, []int{2, 4}},
		{"within each other", stopping.Rule{All: []stopping.Rule{{Any: falling}, {Monitor: "loss", AtMost: new(2.0)}}}, []float64{1, 2, 3, 2, 2, 2}, []float64{1, 2, 3, 3, 3, 4}, []int{4}},
	} {
		t.Run(test.name, func(t *testing.T) {
			series := map[string][]float64{"loss": test.loss, "accuracy": test.accuracy}
			epochs := max(len(test.loss), len(test.accuracy))
			if diff := cmp.Diff(test.want, held(t, newWatch(t, test.rule), series, 0, epochs)); diff != "" {
				t.Errorf("%s holds at epochs (-want +have):\n%s", test.rule, diff)
			}
			// The result is the same wherever the run is interrupted and resumed.
			for at := range epochs {
				first, second := newWatch(t, test.rule), newWatch(t, test.rule)
				before := held(t, first, series, 0, at)
				if err := second.Restore(first.Memories()); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, append(before, held(t, second, series, at, epochs)...)); diff != "" {
					t.Errorf("resumed at epoch %d (-want +have):\n%s", at, diff)
				}
			}
		})
	}
}

// Observe returns which rule holds; for an Any rule, the member that holds.
func TestFiring(t *testing.T) {
	patience := stopping.Rule{Monitor: "loss", Patience: 1}
	full := stopping.Rule{Monitor: "accuracy", AtLeast: new(1.0)}
	for _, test := range []struct {
		rule stopping.Rule
		want stopping.Firing
	}{
		{patience, stopping.Firing{Kind: stopping.Patience, Metric: "loss", Detail: "loss not better for 1 measurement: 2 now, 1 at best"}},
		{full, stopping.Firing{Kind: stopping.Threshold, Metric: "accuracy", Detail: "accuracy ≥ 1: 1 now"}},
		{stopping.Rule{Monitor: "loss", Rises: 1}, stopping.Firing{Kind: stopping.Trend, Metric: "loss", Detail: "loss rising for 1 measurement: 2 now"}},
		{stopping.Rule{All: []stopping.Rule{patience, full}}, stopping.Firing{Kind: stopping.All, Detail: "loss not better for 1 measurement and accuracy ≥ 1"}},
		{
			stopping.Rule{Any: []stopping.Rule{{Monitor: "loss", AtMost: new(0.0)}, full}},
			stopping.Firing{Kind: stopping.Threshold, Metric: "accuracy", Detail: "accuracy ≥ 1: 1 now"},
		},
	} {
		w := newWatch(t, test.rule)
		var firing *stopping.Firing
		for epoch, value := range []float64{1, 2} {
			var err error
			firing, err = w.Observe(epoch, func(metric string) (float64, bool) {
				if metric == "accuracy" {
					return 1, true
				}
				return value, true
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(&test.want, firing); diff != "" {
			t.Errorf("%s (-want +have):\n%s", test.rule, diff)
		}
	}
}

// An epoch that is repeated because the run was resumed in it changes nothing.
func TestObserveAgain(t *testing.T) {
	w := newWatch(t, stopping.Rule{Monitor: "loss", Rises: 2})
	series := map[string][]float64{"loss": {1, 2, 3}}
	held(t, w, series, 0, 2)
	if have := held(t, w, series, 1, 3); !slices.Equal(have, []int{2}) {
		t.Errorf("holds at %v, want at epoch 2 only", have)
	}
	if have := held(t, w, series, 2, 3); !slices.Equal(have, []int{2}) {
		t.Errorf("holds at %v when epoch 2 comes again, want so still", have)
	}
}

func TestObserveRefuses(t *testing.T) {
	for _, value := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		w := newWatch(t, stopping.Rule{Monitor: "loss", Patience: 2})
		_, err := w.Observe(7, func(string) (float64, bool) { return value, true })
		if !errors.Is(err, models.ErrNotFinite) || !strings.Contains(err.Error(), `"loss"`) || !strings.Contains(err.Error(), "epoch 7") {
			t.Errorf("error %v of %g, want one that names metric and epoch", err, value)
		}
	}
}

func TestWatchRefusesState(t *testing.T) {
	w := newWatch(t, stopping.Rule{Monitor: "loss", Patience: 2})
	for _, conditions := range []int{0, 2} {
		if err := w.Restore(make([]stopping.Memory, conditions)); err == nil {
			t.Errorf("the state of %d conditions is taken for a rule with one", conditions)
		}
	}
}

func TestShortages(t *testing.T) {
	for _, test := range []struct {
		rule  stopping.Rule
		needs int
	}{
		{stopping.Rule{Monitor: "loss", Patience: 3}, 4},
		{stopping.Rule{Monitor: "loss", Patience: 3, Baseline: new(1.0)}, 3},
		{stopping.Rule{Monitor: "loss", PatienceEpochs: 30}, 2},
		{stopping.Rule{Monitor: "loss", AtMost: new(1.0)}, 1},
		{stopping.Rule{Monitor: "loss", AtMost: new(1.0), For: 5}, 5},
		{stopping.Rule{Monitor: "loss", Rises: 3}, 4},
	} {
		times := func(n int) func(string, int) (int, bool) {
			return func(string, int) (int, bool) { return n, true }
		}
		w := newWatch(t, test.rule)
		if short := w.Shortages(times(test.needs)); short != nil {
			t.Errorf("%s: %+v with %d values, which are enough", test.rule, short, test.needs)
		}
		want := []stopping.Shortage{{Rule: test.rule.String(), Metric: "loss", Has: test.needs - 1, Needs: test.needs}}
		if diff := cmp.Diff(want, w.Shortages(times(test.needs-1))); diff != "" {
			t.Errorf("%s (-want +have):\n%s", test.rule, diff)
		}
		if short := w.Shortages(func(string, int) (int, bool) { return 0, false }); short != nil {
			t.Errorf("%s: %+v, though nothing is known", test.rule, short)
		}
	}
}

// The number of values that Shortages says a rule needs is exact: some series makes
// the rule hold after so many values, and no series makes it hold earlier.
func TestNeeds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "n")
		r := rapid.SampledFrom([]stopping.Rule{
			{Monitor: "loss", Patience: n},
			{Monitor: "loss", Patience: n, Baseline: new(0.0)},
			{Monitor: "loss", AtMost: new(0.0), For: n},
			{Monitor: "loss", Rises: n},
			{Monitor: "loss", Falls: n},
		}).Draw(t, "rule")
		w, err := stopping.NewWatch(r, declared)
		if err != nil {
			t.Fatal(err)
		}
		needs := w.Shortages(func(string, int) (int, bool) { return 0, true })[0].Needs
		for epoch := range needs - 1 {
			value := rapid.Float64Range(-2, 2).Draw(t, "value")
			firing, err := w.Observe(epoch, func(string) (float64, bool) { return value, true })
			if err != nil || firing != nil {
				t.Fatalf("firing %v, error %v at value %d of %d", firing, err, epoch+1, needs)
			}
		}
	})
}
