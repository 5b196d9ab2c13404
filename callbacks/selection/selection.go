package selection

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/datasets"
)

// Settings choose what runs are compared by, and at which of their epochs. The
// zero value but for By compares what they ended with.
type Settings struct {
	By []Measure // at least one
	// MatchLoss compares each run at the epoch at which its training loss was
	// nearest to the same target: Loss, or, if that is zero, the largest final
	// loss of the finished runs of the same data.
	MatchLoss bool
	Loss      float64
	// Evaluate adds, when all is ranked, what the test split says.
	Evaluate  bool
	Resamples int    // of the bootstrap; 2000 if zero
	Seed      uint64 // of the bootstrap
	// Progress is told how far the evaluation is, if it is not nil.
	Progress func(done, total int)
}

// Selection is an order of runs, and what is to be known about it.
type Selection struct {
	By           []Measure     `json:"by"`
	MatchLoss    bool          `json:"match_loss"`
	Groups       []Group       `json:"groups"`
	Apart        []Apart       `json:"apart"`        // runs that are not ranked
	Associations []Association `json:"associations"` // over all groups, by pairs of runs of the same group; null unless evaluated
	Resamples    int           `json:"resamples"`    // that the intervals of associations rest on
	Seed         uint64        `json:"seed"`         // of them
}

// Group is runs that are ranked together: of the same data and loss function.
type Group struct {
	Data         string        `json:"data"`
	Fingerprint  string        `json:"fingerprint"` // of the data
	Loss         string        `json:"loss"`
	TargetLoss   *float64      `json:"target_loss"` // that runs are compared at; null for the end of each
	Runs         []Ranked      `json:"runs"`        // best first
	Warnings     []Warning     `json:"warnings"`
	TestSamples  int           `json:"test_samples"`
	Associations []Association `json:"associations"` // null unless evaluated
}

// Ranked is a run in its place.
type Ranked struct {
	Rank       int                 `json:"rank"`  // from 1; runs that nothing tells apart share one
	Front      int                 `json:"front"` // Pareto front, from 1
	Score      float64             `json:"score"` // that orders a front, 0 for the best in all: the mean logarithm of the ratio to the best value of each measure
	Run        string              `json:"run"`
	Epoch      int                 `json:"epoch"` // that it was measured at
	Parameters int                 `json:"parameters"`
	TrainLoss  *float64            `json:"train_loss"` // there; null if it was not recorded
	Mismatch   *float64            `json:"mismatch"`   // factor between that and the target loss; null without one
	Values     map[string]Interval `json:"values"`     // of the measures
	Outcome    *Outcome            `json:"outcome"`    // on the test split; null unless evaluated

	candidate *Candidate
	reading   reading
}

// Apart is a run that cannot be ranked.
type Apart struct {
	Run    string `json:"run"`
	Reason string `json:"reason"`
}

// Select ranks the candidates. It is an error if none can be ranked.
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

// grouped are the candidates that measure the same, in the order in which the
// first of each group comes.
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

// add ranks those of a group that can be, and sets the others apart.
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
	rank(s.By, g.Runs)
	g.Warnings = g.warnings(s.By)
	s.Groups = append(s.Groups, g)
}

// finished sets the other runs apart.
func (s *Selection) finished(together []*Candidate) []*Candidate {
	var finished []*Candidate
	for _, c := range together {
		if c.Run.Status == callbacks.StatusFinished {
			finished = append(finished, c)
		} else {
			s.setApart([]*Candidate{c}, unfinished(c.Run))
		}
	}
	return finished
}

func (s *Selection) setApart(candidates []*Candidate, reason string) {
	for _, c := range candidates {
		s.Apart = append(s.Apart, Apart{c.Path, reason})
	}
}

func unfinished(r *callbacks.Run) string {
	reason := fmt.Sprintf("not finished: %s at epoch %d of %d", r.Status, r.Epoch, r.Epochs)
	if r.Error != "" {
		reason += ": " + r.Error
	}
	return reason
}

// read takes a run at the epoch at which it is compared, or says why it cannot.
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

// notAtEnd says that a metric is missing where a run ended.
func (c *Candidate) notAtEnd(metric string) string {
	if restored := c.Run.Restored; restored != nil {
		return fmt.Sprintf("%s was not measured at epoch %d, whose parameters were put back", metric, restored.Epoch)
	}
	if last, ok := c.Run.Final[metric]; ok && last.Epoch != c.Run.Epoch {
		return fmt.Sprintf("%s was measured last at epoch %d, not at the end, epoch %d", metric, last.Epoch, c.Run.Epoch)
	}
	return fmt.Sprintf("%s was not measured", metric)
}
