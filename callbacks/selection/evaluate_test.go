package selection

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

// eight returns eight runs whose complexity orders the gaps, except for one tied pair.
func outcomes(t *testing.T) []Candidate {
	t.Helper()
	var candidates []Candidate
	for i := range 8 {
		x := float64(i)
		values := simple(0.1, 0.01*(x+1), 8-x)
		values[trainAccuracy], values[testAccuracy], values[testLoss] = 1, 1-0.01*max(x, 1), 0.2+0.1*x
		values["spectrum/frobenius"], values["own/phase"] = x, -float64([]int{7, 1, 2, 3, 4, 5, 6, 0}[i])
		if i > 2 {
			values["spectrum/lambda_max"] = 1
		}
		if i > 4 {
			values["validation/loss"] = -x
		}
		c := run(string(rune('a'+i)), values)
		c.Run.Seed = uint64(i)
		c.Run.Data.Samples = map[string]int{"train": 1000, "test": 1e6}
		candidates = append(candidates, c)
	}
	return candidates
}

func TestEvaluate(t *testing.T) {
	s := choose(t, outcomes(t), Settings{Evaluate: true})
	number := func(v float64) *float64 { return &v }
	want := []struct {
		metric    string
		gap       Gap
		n, ties   int // of 28 pairs of all runs one has the same accuracy gap, and is left out
		tau       *float64
		intervals bool
	}{
		{"spectrum/lambda_max", AccuracyGap, 5, 10, nil, false},
		{"spectrum/lambda_max", LossGap, 5, 10, nil, false},
		{record.Complexity, AccuracyGap, 8, 0, number(1), true},
		{record.Complexity, LossGap, 8, 0, number(1), true},
		{margin, AccuracyGap, 8, 0, number(1), true},
		{margin, LossGap, 8, 0, number(1), true},
		{"validation/loss", AccuracyGap, 3, 0, number(-1), false},
		{"validation/loss", LossGap, 3, 0, number(-1), false},
		{trainLoss, AccuracyGap, 8, 27, nil, false},
		{trainLoss, LossGap, 8, 28, nil, false},
		{trainAccuracy, AccuracyGap, 8, 27, nil, false},
		{trainAccuracy, LossGap, 8, 28, nil, false},
		{"own/phase", AccuracyGap, 8, 0, number(-3.0 / 27), true},
		{"own/phase", LossGap, 8, 0, number(-2.0 / 28), true},
	}
	if len(s.Associations) != len(want) {
		t.Fatalf("associations %+v", s.Associations)
	}
	for i, a := range s.Associations {
		w := want[i]
		leftOut := 0
		if w.n == 8 && w.gap == AccuracyGap {
			leftOut = 1
		}
		if a.Metric != w.metric || a.Gap != w.gap || a.N != w.n || a.LeftOut != leftOut || a.Pairs != w.n*(w.n-1)/2-leftOut || a.Clusters != w.n ||
			a.TiedMeasure != w.ties || a.TiedGap != 0 ||
			!cmp.Equal(a.Tau, w.tau, cmpopts.EquateApprox(0, 1e-15)) || (a.Low != nil) != w.intervals {
			t.Errorf("have %+v, τ %v; want %+v, τ %v", a, optional(a.Tau), w, optional(w.tau))
		}
	}
	if o := s.Groups[0].Runs[2].Outcome; *o.AccuracyGap != *o.TrainAccuracy-*o.TestAccuracy || *o.TestAccuracy != 0.98 || *o.LossGap != *o.TestLoss-0.1 {
		t.Errorf("outcome %+v", o)
	}
	again := choose(t, outcomes(t), Settings{Evaluate: true})
	if diff := cmp.Diff(s, again, cmpopts.IgnoreUnexported(Ranked{})); diff != "" {
		t.Errorf("again (-before +after):\n%s", diff)
	}
	if other := choose(t, outcomes(t), Settings{Evaluate: true, Seed: 1, Resamples: 99}); cmp.Equal(other.Associations, s.Associations) {
		t.Error("the seed and the number of resamples change nothing")
	}
}

func optional(v *float64) any {
	if v == nil {
		return nil
	}
	return *v
}

// Over several groups, only pairs of the same group count.
func TestEvaluateGroups(t *testing.T) {
	candidates := outcomes(t)
	for i := range candidates[4:] {
		candidates[4+i].Run.Data.Fingerprint = "def"
	}
	s := choose(t, candidates, Settings{Evaluate: true})
	i := slices.IndexFunc(s.Associations, func(a Association) bool { return a.Metric == record.Complexity && a.Gap == LossGap })
	if a := s.Associations[i]; a.N != 8 || a.Pairs != 6+6 || *a.Tau != 1 || len(s.Groups) != 2 || s.Groups[0].Associations[i].N != 4 {
		t.Errorf("%+v", a)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Select(ctx, candidates, Settings{By: simpleAndWide, Evaluate: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}

// The ranking, with its warnings, is the same, bit for bit, whatever the metrics of
// the test split are, and also without a test split.
func TestTestSplitDoesNotRank(t *testing.T) {
	before := choose(t, outcomes(t), Settings{Evaluate: true})
	for name, change := range map[string]func(r *record.Run, i int){
		"changed": func(r *record.Run, i int) {
			r.Final[testAccuracy] = trainer.Reading{Value: math.Sin(float64(i)), Epoch: 10}
			r.Final[testLoss] = trainer.Reading{Value: math.NaN(), Epoch: 10}
		},
		"removed": func(r *record.Run, _ int) {
			delete(r.Final, testAccuracy)
			delete(r.Final, testLoss)
			r.Metrics = slices.DeleteFunc(slices.Clone(r.Metrics), func(m trainer.Metric) bool { return ofTest(m.Name) })
		},
	} {
		candidates := outcomes(t)
		for i := range candidates {
			change(candidates[i].Run, i)
		}
		after := choose(t, candidates, Settings{Evaluate: true})
		ignored := cmp.Options{cmpopts.IgnoreUnexported(Ranked{}), cmpopts.IgnoreFields(Ranked{}, "Outcome"), cmpopts.IgnoreFields(Group{}, "Associations")}
		if diff := cmp.Diff(before.Groups, after.Groups, ignored); diff != "" {
			t.Errorf("%s (-before +after):\n%s", name, diff)
		}
	}
}
