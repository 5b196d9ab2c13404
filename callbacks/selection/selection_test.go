package selection

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

const margin = "boundary/margin"

var declared = []trainer.Metric{
	{Name: trainLoss, Better: trainer.Lower},
	{Name: trainAccuracy, Better: trainer.Higher},
	{Name: "validation/loss", Better: trainer.Lower},
	{Name: testLoss, Better: trainer.Lower},
	{Name: testAccuracy, Better: trainer.Higher},
	{Name: "spectrum/lambda_max", Better: trainer.Lower},
	{Name: "spectrum/frobenius", Better: trainer.Lower, Detail: true},
	{Name: record.Complexity, Better: trainer.Lower},
	{Name: record.Epsilon, Detail: true},
	{Name: margin, Better: trainer.Higher},
	{Name: "own/phase"},
}

// run returns a run that finished at epoch 10 with these values.
func run(path string, values map[string]float64) Candidate {
	r := &record.Run{
		Status: record.StatusFinished, Epoch: 10, Epochs: 10, Loss: "cross_entropy", Metrics: declared,
		Model: record.RunModel{Parameters: 100, Precision: "float64"},
		Data:  record.RunData{Name: "gauss", Fingerprint: "abc", Samples: map[string]int{"test": 60}},
		Final: make(map[string]trainer.Reading),
	}
	for name, v := range values {
		r.Final[name] = trainer.Reading{Value: v, Epoch: 10}
	}
	return Candidate{Path: path, Run: r}
}

// simple returns values of loss, complexity and margin.
func simple(loss, g, m float64) map[string]float64 {
	return map[string]float64{trainLoss: loss, record.Complexity: g, margin: m}
}

// changed returns a run after a change.
func changed(c Candidate, change func(*Candidate)) Candidate {
	change(&c)
	return c
}

func choose(t *testing.T, candidates []Candidate, s Settings) *Selection {
	t.Helper()
	if s.By == nil {
		s.By = simpleAndWide
	}
	selection, err := Select(t.Context(), candidates, s)
	if err != nil {
		t.Fatal(err)
	}
	return selection
}

// places returns the rank, the front and the name of each run.
func places(g Group) []string {
	var all []string
	for _, r := range g.Runs {
		all = append(all, fmt.Sprintf("%d %d %s", r.Rank, r.Front, r.Run))
	}
	return all
}

func TestSelect(t *testing.T) {
	s := choose(t, []Candidate{
		run("dominated", simple(0.1, 0.2, 1)),
		run("narrow", simple(0.1, 0.1, 1)),
		run("wide", simple(0.1, 0.3, 4)),
		run("also", simple(0.1, 0.3, 4)),
	}, Settings{})
	want := []string{"1 1 also", "1 1 wide", "3 1 narrow", "4 2 dominated"} // 3 times the record.Complexity, but 4 times the margin
	if diff := cmp.Diff(want, places(s.Groups[0])); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
	if len(s.Groups) != 1 || len(s.Apart) != 0 || len(s.Groups[0].Warnings) != 0 || s.Groups[0].Runs[0].Epoch != 10 || *s.Groups[0].Runs[0].TrainLoss != 0.1 {
		t.Errorf("%+v", s)
	}
}

func TestSelectApart(t *testing.T) {
	good := run("good", simple(0.1, 0.1, 1))
	for _, test := range []struct {
		name string
		run  Candidate
		want string
	}{
		{"running", changed(run("bad", simple(0.1, 0.1, 1)), func(c *Candidate) { c.Run.Status = record.StatusRunning }), "not finished: running at epoch 10 of 10"},
		{"failed", changed(run("bad", nil), func(c *Candidate) { c.Run.Status, c.Run.Error = record.StatusFailed, "disk full" }), "failed at epoch 10 of 10: disk full"},
		{"never measured", run("bad", map[string]float64{trainLoss: 0.1, record.Complexity: 0.1}), margin + " was not measured"},
		{"stale", changed(run("bad", simple(0.1, 0.1, 1)), func(c *Candidate) { c.Run.Final[margin] = trainer.Reading{Value: 1, Epoch: 9} }), margin + " was measured last at epoch 9, not at the end, epoch 10"},
		{"half an interval", run("bad", map[string]float64{record.Low(record.Complexity): 1, margin: 1}), record.Complexity + " was not measured"},
		{"interval the wrong way round", run("bad", map[string]float64{record.Low(record.Complexity): 1, record.High(record.Complexity): 0.5, margin: 1}), record.Complexity + " was not measured"},
		{"not a number", run("bad", simple(0.1, 0.1, math.NaN())), margin + " was not measured"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := choose(t, []Candidate{test.run, good}, Settings{})
			if len(s.Apart) != 1 || s.Apart[0].Run != "bad" || !strings.HasSuffix(s.Apart[0].Reason, test.want) {
				t.Errorf("apart are %+v; want a reason %q", s.Apart, test.want)
			}
			if diff := cmp.Diff([]string{"1 1 good"}, places(s.Groups[0])); diff != "" {
				t.Errorf("(-want +have):\n%s", diff)
			}
			if _, err := Select(t.Context(), []Candidate{test.run}, Settings{By: simpleAndWide}); err == nil || !strings.Contains(err.Error(), "bad: ") {
				t.Errorf("alone: error %v; want one that names the run", err)
			}
		})
	}
}

// If the complexity at the end is an interval, an exact value of an earlier epoch is
// not used.
func TestSelectInterval(t *testing.T) {
	uncertain := changed(run("uncertain", map[string]float64{trainLoss: 0.1, record.Low(record.Complexity): 0.1, record.High(record.Complexity): 0.4, margin: 1}), func(c *Candidate) {
		c.Run.Final[record.Complexity] = trainer.Reading{Value: 0.01, Epoch: 5}
	})
	s := choose(t, []Candidate{run("exact", simple(0.1, 0.3, 2)), uncertain}, Settings{})
	// The score of the exact one is within the interval of the other's.
	if diff := cmp.Diff([]string{"1 1 exact", "1 1 uncertain"}, places(s.Groups[0])); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
	if have := s.Groups[0].Runs[1].Values[record.Complexity]; have != (Interval{0.1, 0.4}) {
		t.Errorf("complexity %v", have)
	}
	if w := s.Groups[0].Warnings; len(w) != 1 || w[0].About != "unknown" || !strings.Contains(w[0].Text, "uncertain is not known: needs more pairs; spectrum.resolved: true") {
		t.Errorf("warnings %v", w)
	}
	decided := choose(t, []Candidate{run("exact", simple(0.1, 0.2, 2)), run("far", simple(0.1, 0.8, 2)), uncertain}, Settings{})
	if w := decided.Groups[0].Warnings; len(w) != 1 || w[0].About != "interval" {
		t.Errorf("an interval that decides something: warnings %v", w)
	}
}

// Where no complexity decides anything, the number of directions ranks.
func TestSelectByDirections(t *testing.T) {
	of := func(name string, directions, participation, width float64) Candidate {
		return run(name, map[string]float64{
			trainLoss: 0.1, margin: 1, record.Low(record.Complexity): 0.1, record.High(record.Complexity): 0.9,
			record.Low(record.Directions): directions, record.High(record.Directions): directions + width, record.Participation: participation,
		})
	}
	for _, test := range []struct {
		by    string
		width float64
		want  []string
	}{{record.Directions, 1, []string{"1 1 b", "2 2 a"}}, {record.Participation, 9, []string{"1 1 a", "2 2 b"}}} {
		g := choose(t, []Candidate{of("a", 4, 2, test.width), of("b", 2, 4, test.width)}, Settings{}).Groups[0]
		if diff := cmp.Diff(test.want, places(g)); diff != "" || g.By[0].Metric != test.by {
			t.Errorf("by %v (-want +have):\n%s", g.By, diff)
		}
		if w := g.Warnings; len(w) == 0 || w[0].About != "unknown" || !strings.HasSuffix(w[0].Text, "spectrum.resolved: true computes all that matter; "+test.by+" ranks in its place") {
			t.Errorf("warnings %v", w)
		}
	}
	g := choose(t, []Candidate{of("a", 4, 2, 1), changed(of("b", 2, 4, 1), func(c *Candidate) {
		delete(c.Run.Final, record.Low(record.Directions))
		delete(c.Run.Final, record.Participation)
	})}, Settings{}).Groups[0]
	if g.By[0].Metric != record.Complexity {
		t.Errorf("by %v; want complexity, as nothing else is known of both", g.By)
	}
}

// Where no margin decides anything, the median distance ranks, also by intervals that
// overlap: the least of some samples depends on their number.
func TestSelectByTheMedianDistance(t *testing.T) {
	of := func(name string, low, high float64) Candidate {
		return run(name, map[string]float64{
			trainLoss: 0.1, record.Complexity: 0.5, record.Low(margin): 0, record.High(margin): 1 / high,
			record.Low(record.MarginMedian): low, record.High(record.MarginMedian): high,
		})
	}
	apart := choose(t, []Candidate{of("a", 1, 2), of("b", 1.5, 3), of("c", 2.5, 4)}, Settings{}).Groups[0]
	if diff := cmp.Diff([]string{"1 1 c", "1 1 b", "3 2 a"}, places(apart)); diff != "" || apart.By[1].Metric != record.MarginMedian {
		t.Errorf("by %v (-want +have):\n%s", apart.By, diff)
	}
	overlapping := choose(t, []Candidate{of("a", 1, 3), of("b", 2, 4)}, Settings{}).Groups[0]
	if diff := cmp.Diff([]string{"1 1 b", "1 1 a"}, places(overlapping)); diff != "" || overlapping.By[1].Metric != record.MarginMedian {
		t.Errorf("by %v (-want +have):\n%s", overlapping.By, diff)
	}
	want := "needs the distances of more samples; a margin.schedule without a budget measures all; boundary/margin_median ranks in its place"
	if !slices.ContainsFunc(overlapping.Warnings, func(w Warning) bool { return w.About == "unknown" && strings.HasSuffix(w.Text, want) }) {
		t.Errorf("warnings %v; want one that ends in %q", overlapping.Warnings, want)
	}
}

// Any metric may be recorded as an interval.
func TestSelectAnyInterval(t *testing.T) {
	wide := func(name string, low, high float64) Candidate {
		return run(name, map[string]float64{trainLoss: 0.1, margin + "_low": low, margin + "_high": high})
	}
	s := choose(t, []Candidate{wide("a", 1, 2), wide("b", 3, 4), wide("c", 1.5, 5)}, Settings{By: simpleAndWide[1:]})
	if diff := cmp.Diff([]string{"1 1 b", "1 1 c", "3 2 a"}, places(s.Groups[0])); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
	if u := s.Groups[0].Runs[1].Unknown; len(u) != 1 || u[0] != margin {
		t.Errorf("unknown of c is %v; its interval overlaps with the others", u)
	}
	if u := choose(t, []Candidate{wide("a", 1, 2)}, Settings{By: simpleAndWide[1:]}).Groups[0].Runs[0].Unknown; len(u) != 0 {
		t.Errorf("unknown of a is %v; there is no other run that it cannot be told from", u)
	}
}

// A run that put back the parameters of an earlier epoch is compared at that epoch.
func TestSelectRestored(t *testing.T) {
	restored := func(path string, epoch int) Candidate {
		return changed(run(path, simple(0.1, 0.9, 1)), func(c *Candidate) {
			c.Run.Restored = &trainer.Restored{Metric: "validation/loss", Reading: trainer.Reading{Epoch: epoch}}
			c.History = []record.Entry{{Epoch: 4, Metrics: simple(0.3, 0.1, 2)}, {Epoch: 5, Metrics: map[string]float64{trainLoss: 0.2}}}
		})
	}
	s := choose(t, []Candidate{run("last", simple(0.3, 0.2, 2)), restored("back", 4), restored("unmeasured", 5), restored("unrecorded", 6)}, Settings{})
	if diff := cmp.Diff([]string{"1 1 back", "2 2 last"}, places(s.Groups[0])); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
	if s.Groups[0].Runs[0].Epoch != 4 {
		t.Errorf("epoch %d; want 4", s.Groups[0].Runs[0].Epoch)
	}
	want := []Apart{
		{"unmeasured", record.Complexity + " was not measured at epoch 5, whose parameters were put back"},
		{"unrecorded", record.Complexity + " was not measured at epoch 6, whose parameters were put back"},
	}
	if diff := cmp.Diff(want, s.Apart); diff != "" {
		t.Errorf("apart (-want +have):\n%s", diff)
	}
}

// What was measured of the parameters that were put back counts, also where the epoch
// was not recorded, and for matching.
func TestSelectRestoredAndMeasured(t *testing.T) {
	restored := func(path string, epoch int) Candidate {
		return changed(run(path, simple(0.1, 0.9, 1)), func(c *Candidate) {
			c.Run.Restored = &trainer.Restored{Metric: "validation/loss", Reading: trainer.Reading{Epoch: epoch}, Metrics: simple(0.2, 0.1, 2)}
			c.History = []record.Entry{{Epoch: 5, Metrics: map[string]float64{trainLoss: 0.2, record.Epsilon: 0.3}}}
		})
	}
	candidates := []Candidate{restored("back", 5), restored("unrecorded", 6), run("last", simple(0.2, 0.2, 1))}
	s := choose(t, candidates, Settings{})
	if diff := cmp.Diff([]string{"1 1 back", "1 1 unrecorded", "3 2 last"}, places(s.Groups[0])); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
	if epsilon, _ := s.Groups[0].Runs[0].reading.number(record.Epsilon); epsilon != 0.3 {
		t.Errorf("ε %v; want what the history has of the epoch besides", epsilon)
	}
	candidates[2].History = []record.Entry{{Epoch: 10, Metrics: simple(0.2, 0.2, 1)}}
	matched := choose(t, []Candidate{candidates[0], candidates[2]}, Settings{MatchLoss: true})
	if diff := cmp.Diff([]string{"1 1 back", "2 2 last"}, places(matched.Groups[0])); diff != "" || *matched.Groups[0].TargetLoss != 0.2 {
		t.Errorf("matched (-want +have):\n%s", diff)
	}
}

// A network that guesses has the simplest boundary and the largest loss. It must
// neither come first nor be what others are matched to.
func TestUnlearned(t *testing.T) {
	trained := func(path string, loss, accuracy, g float64) Candidate {
		return changed(run(path, simple(loss, g, 1)), func(c *Candidate) {
			c.Run.Data.Samples = map[string]int{"train": 1000}
			c.Run.Data.ClassSamples = []int{700, 200, 100}
			c.Run.Final[trainAccuracy] = trainer.Reading{Value: accuracy, Epoch: 10}
			c.History = []record.Entry{{Epoch: 10, Metrics: simple(loss, g, 1)}}
		})
	}
	stop := func(c *Candidate) {
		c.Run.Stop = &trainer.Stop{Reason: trainer.Diverged, Detail: "the training loss is 50, and was 1.1 at the start"}
	}
	const guessing = "has not learned: its training accuracy is 0.7, and 0.7 of the samples are of the most frequent class"
	for _, test := range []struct {
		name string
		run  Candidate
		want string
	}{
		{"guesses", trained("a", 0.8, 0.7, 0.001), guessing},
		{"guesses, and few more by chance", trained("a", 0.8, 0.71, 0.001), strings.Replace(guessing, "is 0.7,", "is 0.71,", 1)},
		{"diverged", changed(trained("a", 50, 0.75, 0.001), stop), "diverged: the training loss is 50, and was 1.1 at the start"},
		{"learned little", trained("a", 0.3, 0.8, 0.001), ""},
		{"learned the rare classes", trained("a", 0.3, 0.65, 0.001), ""},
		{"squared error", changed(trained("a", 0.3, 0.7, 0.001), func(c *Candidate) { c.Run.Loss = "squared_error" }), guessing},
		{"of an older version", changed(trained("a", 1.1, 0.33, 0.001), func(c *Candidate) { c.Run.Data.ClassSamples, c.Run.Model.Classes = nil, 3 }), "has not learned: its training accuracy is 0.33, and 0.3333 of the samples are of the most frequent class"},
		{"one class", changed(trained("a", 0.1, 1, 0.001), func(c *Candidate) { c.Run.Data.ClassSamples = []int{1000} }), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			others := []Candidate{trained("b", 0.1, 1, 0.1), trained("c", 0.1, 1, 0.2)}
			s := choose(t, append(others, test.run), Settings{MatchLoss: test.want != ""})
			switch {
			case test.want == "" && len(s.Apart) == 0:
			case len(s.Apart) != 1 || s.Apart[0].Reason != test.want:
				t.Errorf("apart %+v; want the reason %q", s.Apart, test.want)
			case *s.Groups[0].TargetLoss != 0.1 || len(s.Groups[0].Runs) != 2:
				t.Errorf("%d runs are matched to %v; want 2 to 0.1", len(s.Groups[0].Runs), *s.Groups[0].TargetLoss)
			}
		})
	}
}

// Runs of other data or another loss function are ranked in other groups.
func TestGroups(t *testing.T) {
	values := simple(0.1, 0.1, 1)
	s := choose(t, []Candidate{
		run("a", values),
		changed(run("other data", values), func(c *Candidate) { c.Run.Data.Fingerprint = "def" }),
		changed(run("other loss", values), func(c *Candidate) { c.Run.Loss = "squared_error" }),
		run("b", simple(0.1, 0.2, 1)),
	}, Settings{})
	var have [][]string
	for _, g := range s.Groups {
		have = append(have, places(g))
	}
	if diff := cmp.Diff([][]string{{"1 1 a", "2 2 b"}, {"1 1 other data"}, {"1 1 other loss"}}, have); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}

func TestMatchLoss(t *testing.T) {
	entry := func(epoch int, values map[string]float64) record.Entry {
		return record.Entry{Epoch: epoch, Metrics: values}
	}
	slow := changed(run("slow", simple(0.2, 0.3, 1)), func(c *Candidate) {
		c.History = []record.Entry{entry(0, simple(1, 0.9, 1)), entry(10, simple(0.2, 0.3, 1))}
	})
	fast := changed(run("fast", simple(0.01, 0.05, 1)), func(c *Candidate) {
		c.History = []record.Entry{
			entry(1, simple(0.8, 0.5, 1)),
			entry(3, simple(0.21, 0.4, 1)),
			entry(4, map[string]float64{trainLoss: 0.2}), // nearer, but nothing was measured
			entry(5, simple(0.15, 0.2, 1)),
			entry(7, simple(0, 0.1, 1)),
			entry(10, simple(0.01, 0.05, 1)),
		}
	})
	coarse := changed(run("coarse", simple(0.01, 0.05, 1)), func(c *Candidate) {
		c.History = []record.Entry{entry(0, simple(1, 0.9, 1)), entry(10, simple(0.01, 0.05, 1))}
	})
	bare := changed(run("bare", simple(0.01, 0.05, 1)), func(c *Candidate) { c.History = []record.Entry{entry(2, map[string]float64{trainLoss: 0.2})} })
	empty := run("empty", simple(0.01, 0.05, 1))

	s := choose(t, []Candidate{slow, fast, coarse, bare, empty}, Settings{MatchLoss: true})
	g := s.Groups[0]
	if diff := cmp.Diff([]string{"1 1 slow", "2 2 fast"}, places(g)); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
	if r := g.Runs[1]; *g.TargetLoss != 0.2 || r.Epoch != 3 || *r.TrainLoss != 0.21 || math.Abs(*r.Mismatch-1.05) > 1e-15 || *g.Runs[0].Mismatch != 1 {
		t.Errorf("target %v, run %+v", *g.TargetLoss, r)
	}
	want := []Apart{
		{"coarse", "the nearest loss that was measured is 1, at epoch 0; 0.2 is more than a factor of 1.5 away"},
		{"bare", "at no epoch were train/loss and all measures recorded; boundary/complexity is missing"},
		{"empty", "its metrics.jsonl has no epoch with a positive train/loss"},
	}
	if diff := cmp.Diff(want, s.Apart); diff != "" {
		t.Errorf("apart (-want +have):\n%s", diff)
	}
	if len(g.Warnings) != 0 {
		t.Errorf("warnings %v", g.Warnings)
	}

	given := choose(t, []Candidate{slow, fast, coarse}, Settings{MatchLoss: true, Loss: 0.9}).Groups[0]
	if diff := cmp.Diff([]string{"1 1 fast", "2 2 coarse", "2 2 slow"}, places(given)); diff != "" {
		t.Errorf("at 0.9 (-want +have):\n%s", diff)
	}
	zero := run("zero", simple(0, 0.1, 1))
	if _, err := Select(t.Context(), []Candidate{zero}, Settings{By: simpleAndWide, MatchLoss: true}); err == nil || !strings.Contains(err.Error(), "give a loss") {
		t.Errorf("error %v", err)
	}
}

func TestSettings(t *testing.T) {
	for _, test := range []struct {
		settings Settings
		want     string
	}{
		{Settings{}, "no metric to rank by"},
		{Settings{By: []Measure{{testLoss, trainer.Lower}}}, "must not choose"},
		{Settings{By: simpleAndWide, Loss: math.NaN()}, "loss NaN"},
		{Settings{By: simpleAndWide, Loss: -1}, "loss -1"},
		{Settings{By: simpleAndWide, Resamples: -1}, "-1 resamples"},
		{Settings{By: simpleAndWide}, "no runs"},
	} {
		if _, err := Select(t.Context(), nil, test.settings); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: error %v; want %q", test.settings, err, test.want)
		}
	}
}
