package stopping

import (
	"fmt"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/trainer"
)

// Run is the record of a training run.
type Run struct {
	Name    string
	Metrics []trainer.Metric // declared metrics
	History []record.Entry   // in the order of epochs; at least one
}

// Verdict is the result of a rule in a run.
type Verdict string

// The verdicts.
const (
	Stopped     Verdict = "stopped"
	Never       Verdict = "never"        // it never held: the run continued to its end
	NotRecorded Verdict = "not_recorded" // unknown, because a metric that the rule monitors was not recorded
)

// Point is an epoch of a run, with the test accuracy and the test loss.
type Point struct {
	Epoch   int     `json:"epoch"`
	Share   float64 `json:"share"`   // Epoch as a share of all epochs of the run
	Seconds float64 `json:"seconds"` // time the run had taken, including all measurements
	// Evaluated is the epoch nearest to Epoch at which the test split was
	// evaluated, the earlier one of two. Accuracy and Loss belong to it. All are
	// nil if the test split was never evaluated.
	Evaluated *int     `json:"evaluated"`
	Accuracy  *float64 `json:"test_accuracy"`
	Loss      *float64 `json:"test_loss"`
	// Regret is the test accuracy of the oracle minus Accuracy.
	Regret *float64 `json:"regret"`
}

// Outcome says where a rule would have stopped a run.
type Outcome struct {
	Rule    string   `json:"rule"` // the rule in words
	Verdict Verdict  `json:"verdict"`
	Missing []string `json:"missing,omitempty"` // metrics that were never recorded
	Detail  string   `json:"detail,omitempty"`  // the values for which the rule held
	*Point           // where the rule stops the run, or the end of the run; nil if NotRecorded
}

// Replayed has the outcomes of several rules in one run.
type Replayed struct {
	Run    string    `json:"run"`
	Oracle *Point    `json:"oracle"` // the first epoch of the best test accuracy; nil if there is no test accuracy
	End    Point     `json:"end"`    // the last recorded epoch
	Rules  []Outcome `json:"rules"`
}

var (
	testAccuracy = trainer.AccuracyOf(datasets.Test)
	testLoss     = trainer.LossOf(datasets.Test)
)

// Replay returns where each rule would have stopped a run. For an invalid rule, it
// returns the error of NewWatch.
func Replay(run Run, rules []Rule) (Replayed, error) {
	replayed := Replayed{Run: run.Name, Oracle: run.oracle()}
	replayed.End = run.point(run.History[len(run.History)-1], replayed.Oracle)
	for _, r := range rules {
		outcome, err := run.outcome(r, replayed)
		if err != nil {
			return replayed, err
		}
		replayed.Rules = append(replayed.Rules, outcome)
	}
	return replayed, nil
}

func (run Run) outcome(r Rule, replayed Replayed) (Outcome, error) {
	o := Outcome{Rule: r.String()}
	for _, name := range r.Metrics() {
		if !run.recorded(name) {
			o.Missing = append(o.Missing, name)
		}
	}
	if o.Missing != nil {
		o.Verdict = NotRecorded
		return o, r.Validate()
	}
	watch, err := NewWatch(r, run.declared)
	if err != nil {
		return o, err
	}
	for _, entry := range run.History {
		firing, err := watch.Observe(entry.Epoch, entry.Fresh)
		if err != nil {
			return o, err
		}
		if firing != nil {
			point := run.point(entry, replayed.Oracle)
			o.Verdict, o.Detail, o.Point = Stopped, firing.Detail, &point
			return o, nil
		}
	}
	o.Verdict, o.Point = Never, &replayed.End
	return o, nil
}

// recorded reports whether a metric was recorded at any epoch.
func (run Run) recorded(metric string) bool {
	return slices.ContainsFunc(run.History, func(e record.Entry) bool { _, ok := e.Fresh(metric); return ok })
}

// declared returns the declaration of a metric. A metric that was recorded without
// a declaration has no better direction.
func (run Run) declared(name string) (trainer.Metric, error) {
	i := slices.IndexFunc(run.Metrics, func(m trainer.Metric) bool { return m.Name == name })
	if i < 0 {
		return trainer.Metric{Name: name}, nil
	}
	return run.Metrics[i], nil
}

// oracle returns the first epoch of the best test accuracy.
func (run Run) oracle() *Point {
	var best *record.Entry
	for i, e := range run.History {
		accuracy, ok := e.Fresh(testAccuracy)
		if ok && (best == nil || accuracy > best.Metrics[testAccuracy]) {
			best = &run.History[i]
		}
	}
	if best == nil {
		return nil
	}
	point := run.point(*best, nil)
	point.Regret = new(float64)
	return &point
}

// point returns the Point of an epoch. The regret is relative to the oracle, if
// there is one.
func (run Run) point(at record.Entry, oracle *Point) Point {
	p := Point{Epoch: at.Epoch, Seconds: at.Seconds, Share: 1}
	if last := run.History[len(run.History)-1].Epoch; last > 0 {
		p.Share = float64(at.Epoch) / float64(last)
	}
	evaluated, ok := run.nearest(at.Epoch)
	if !ok {
		return p
	}
	accuracy := evaluated.Metrics[testAccuracy]
	p.Evaluated, p.Accuracy = &evaluated.Epoch, &accuracy
	if loss, ok := evaluated.Fresh(testLoss); ok {
		p.Loss = &loss
	}
	if oracle != nil {
		regret := *oracle.Accuracy - accuracy
		p.Regret = &regret
	}
	return p
}

// nearest returns the entry nearest to an epoch that has a test accuracy, the
// earlier one of two.
func (run Run) nearest(epoch int) (nearest record.Entry, ok bool) {
	distance := func(e record.Entry) int { return max(e.Epoch-epoch, epoch-e.Epoch) }
	for _, e := range run.History {
		if _, has := e.Fresh(testAccuracy); has && (!ok || distance(e) < distance(nearest)) {
			nearest, ok = e, true
		}
	}
	return nearest, ok
}

// Declared returns a function for NewWatch that finds the declaration of a metric
// in any of the runs. If no run has declared the metric, the error of this function
// suggests the nearest name.
func Declared(runs []Run) func(name string) (trainer.Metric, error) {
	return func(name string) (trainer.Metric, error) {
		var known []string
		for _, run := range runs {
			for _, m := range run.Metrics {
				if m.Name == name {
					return m, nil
				}
				known = append(known, m.Name)
			}
		}
		return trainer.Metric{}, fmt.Errorf("no run has it%s", suggest.Nearest(name, known))
	}
}
