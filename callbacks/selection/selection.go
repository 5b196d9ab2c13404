package selection

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
)

// Settings choose the measures by which runs are compared, and the epochs at which
// they are compared. By is required. By default, runs are compared at their ends.
type Settings struct {
	By []Measure // at least one
	// MatchLoss compares the runs at equal training loss: each at the epoch at
	// which its loss was nearest to a target. The target is Loss, or, if that is
	// zero, the largest final loss of the finished runs of the group.
	MatchLoss bool
	Loss      float64
	// Evaluate adds the results on the test split after the ranking.
	Evaluate  bool
	Resamples int    // number of resamples of the bootstrap; 2000 if zero
	Seed      uint64 // seed of the bootstrap
	// Progress, if not nil, is called with the progress of the evaluation.
	Progress func(done, total int)
}

// Select ranks the candidates. If none can be ranked, it returns an error.
func Select(ctx context.Context, candidates []Candidate, s Settings) (*Selection, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	selection := &Selection{By: s.By, MatchLoss: s.MatchLoss, Resamples: cmp.Or(s.Resamples, 2000), Seed: s.Seed, Apart: []Apart{}}
	for _, together := range grouped(candidates) {
		selection.add(together, s)
	}
	if len(selection.Groups) == 0 {
		if len(selection.Apart) == 0 {
			return nil, errors.New("selection: no runs")
		}
		first := selection.Apart[0]
		return nil, fmt.Errorf("selection: none of %d runs can be ranked; %s: %s", len(candidates), first.Run, first.Reason)
	}
	if s.Evaluate {
		return selection, selection.evaluate(ctx, s.Progress)
	}
	return selection, nil
}

func (s Settings) validate() error {
	switch {
	case len(s.By) == 0:
		return errors.New("selection: no metric to rank by")
	case slices.ContainsFunc(s.By, func(m Measure) bool { return ofTest(m.Metric) }):
		return errors.New("selection: metrics of the test split must not choose")
	case !(s.Loss >= 0) || math.IsInf(s.Loss, 0):
		return fmt.Errorf("selection: loss %g to match; want a positive number, or 0 for the largest final loss", s.Loss)
	case s.Resamples < 0:
		return fmt.Errorf("selection: %d resamples; want 0, for 2000, or more", s.Resamples)
	}
	return nil
}

// grouped returns the candidates in groups of the same data and loss function, in
// the order of the first candidate of each group.
func grouped(candidates []Candidate) [][]*Candidate {
	type kind struct {
		fingerprint string
		loss        string
	}
	at := make(map[kind]int)
	var groups [][]*Candidate
	for i := range candidates {
		c := &candidates[i]
		k := kind{c.Run.Data.Fingerprint, c.Run.Loss}
		n, known := at[k]
		if !known {
			n = len(groups)
			at[k] = n
			groups = append(groups, nil)
		}
		groups[n] = append(groups[n], c)
	}
	return groups
}

// add ranks the runs of a group, and sets those apart that cannot be ranked.
func (s *Selection) add(together []*Candidate, settings Settings) {
	finished := s.finished(together)
	if len(finished) == 0 {
		return
	}
	first := finished[0].Run
	g := Group{Data: first.Data.Name, Fingerprint: first.Data.Fingerprint, Loss: first.Loss, TestSamples: first.Data.Samples[datasets.Test]}
	if settings.MatchLoss {
		loss, ok := settings.Loss, true
		if loss == 0 {
			loss, ok = target(finished)
		}
		if !ok {
			s.setApart(finished, "no run of its data ends with a positive "+trainLoss+" to match; give a loss")
			return
		}
		g.TargetLoss = &loss
	}
	for _, c := range finished {
		if r, reason := g.read(c, s.By); reason != "" {
			s.setApart([]*Candidate{c}, reason)
		} else {
			g.Runs = append(g.Runs, r)
		}
	}
	if len(g.Runs) == 0 {
		return
	}
	g.findUnknown(s.By)
	g.By = g.deciding(s.By)
	rank(g.By, g.Runs)
	all := slices.Clone(s.By)
	for _, m := range g.By {
		if !slices.Contains(all, m) {
			all = append(all, m)
			g.findUnknown(all)
		}
	}
	g.Warnings = g.warnings(all)
	s.Groups = append(s.Groups, g)
}

// finished returns the finished runs that learned something, and sets the others
// apart, so that no run is matched to their loss or measured by their simple boundary.
func (s *Selection) finished(together []*Candidate) []*Candidate {
	var finished []*Candidate
	for _, c := range together {
		reason := unfinished(c.Run)
		if reason == "" {
			reason = c.unlearned()
		}
		if reason == "" {
			finished = append(finished, c)
		} else {
			s.setApart([]*Candidate{c}, reason)
		}
	}
	return finished
}

func (s *Selection) setApart(candidates []*Candidate, reason string) {
	for _, c := range candidates {
		s.Apart = append(s.Apart, Apart{c.Path, reason})
	}
}

func unfinished(r *record.Run) string {
	if r.Status == record.StatusFinished {
		return ""
	}
	reason := fmt.Sprintf("not finished: %s at epoch %d of %d", r.Status, r.Epoch, r.Epochs)
	if r.Error != "" {
		reason += ": " + r.Error
	}
	return reason
}

// read returns the run with its values at the epoch at which it is compared, or the
// reason why it cannot be ranked.
func (g *Group) read(c *Candidate, by []Measure) (Ranked, string) {
	at, reason := c.final(), ""
	if g.TargetLoss != nil {
		at, reason = c.matched(by, *g.TargetLoss)
	} else if metric, missing := at.missing(by); missing {
		reason = c.notAtEnd(metric)
	}
	if reason != "" {
		return Ranked{}, reason
	}
	r := Ranked{Run: c.Path, Epoch: at.epoch, Parameters: c.Run.Model.Parameters, Values: make(map[string]Interval), candidate: c, reading: at}
	for _, m := range by {
		r.Values[m.Metric], _ = at.measure(m.Metric)
	}
	if loss, ok := at.number(trainLoss); ok {
		r.TrainLoss = &loss
		if g.TargetLoss != nil {
			factor := math.Exp(math.Abs(math.Log(loss / *g.TargetLoss)))
			r.Mismatch = &factor
		}
	}
	return r, ""
}

// notAtEnd returns the message that a metric was not recorded at the end of a run.
func (c *Candidate) notAtEnd(metric string) string {
	if restored := c.Run.Restored; restored != nil {
		return fmt.Sprintf("%s was not measured at epoch %d, whose parameters were put back", metric, restored.Epoch)
	}
	if last, ok := c.Run.Final[metric]; ok && last.Epoch != c.Run.Epoch {
		return fmt.Sprintf("%s was measured last at epoch %d, not at the end, epoch %d", metric, last.Epoch, c.Run.Epoch)
	}
	return fmt.Sprintf("%s was not measured", metric)
}
