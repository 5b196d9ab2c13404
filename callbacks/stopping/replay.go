package stopping

import (
	"fmt"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/trainer"
)

// Run is what is recorded of a training run.
type Run struct {
	Name    string
	Metrics []trainer.Metric // that were declared
	History []record.Entry   // in the order of epochs; at least one
}

// Verdict is what becomes of a rule in a run.
type Verdict string

// The verdicts.
const (
	Stopped     Verdict = "stopped"
	Never       Verdict = "never"        // it never held: the run went on to its end
	NotRecorded Verdict = "not_recorded" // a metric that the rule monitors is missing: nobody knows
)

// Point is a moment of a run, and how well the network did then on the test
// split.
type Point struct {
	Epoch   int     `json:"epoch"`
	Share   float64 `json:"share"`   // of the epochs of the run
	Seconds float64 `json:"seconds"` // that the run had taken, with all that was measured
	// Evaluated is the epoch nearest to Epoch at which the test split was
	// evaluated, the earlier of two; Accuracy and Loss are of that. They are nil
	// if the test split never was.
	Evaluated *int     `json:"evaluated"`
	Accuracy  *float64 `json:"test_accuracy"`
	Loss      *float64 `json:"test_loss"`
	// Regret is the oracle's test accuracy less that of here.
	Regret *float64 `json:"regret"`
}

// Outcome is where a rule would have stopped a run.
type Outcome struct {
	Rule    string   `json:"rule"` // in words
	Verdict Verdict  `json:"verdict"`
	Missing []string `json:"missing,omitempty"` // metrics that were never recorded
	Detail  string   `json:"detail,omitempty"`  // the values by which it stopped
	*Point           // where it stops, or the end of the run; nil if NotRecorded
}

// Replayed is a run, seen by many rules.
type Replayed struct {
	Run    string    `json:"run"`
	Oracle *Point    `json:"oracle"` // the best test accuracy, the earliest of equals; nil if there is none
	End    Point     `json:"end"`    // the last epoch that is recorded
	Rules  []Outcome `json:"rules"`
}

var (
	testAccuracy = trainer.AccuracyOf(datasets.Test)
	testLoss     = trainer.LossOf(datasets.Test)
)

// Replay tells where each rule would have stopped a run. The error of a rule
// is as of NewWatch.
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

// recorded tells whether a metric was fresh at any epoch.
func (run Run) recorded(metric string) bool {
	return slices.ContainsFunc(run.History, func(e record.Entry) bool { _, ok := e.Fresh(metric); return ok })
}

// declared is the declaration of a metric. One that is recorded without it is
// better neither way.
func (run Run) declared(name string) (trainer.Metric, error) {
	i := slices.IndexFunc(run.Metrics, func(m trainer.Metric) bool { return m.Name == name })
	if i < 0 {
		return trainer.Metric{Name: name}, nil
	}
	return run.Metrics[i], nil
}

// oracle is the epoch of the best test accuracy, the earliest of equals.
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

// point describes the end of an epoch. Its regret is against the oracle, if
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

// nearest is the entry nearest to an epoch that has the accuracy of the test
// split, the earlier of two.
func (run Run) nearest(epoch int) (nearest record.Entry, ok bool) {
	distance := func(e record.Entry) int { return max(e.Epoch-epoch, epoch-e.Epoch) }
	for _, e := range run.History {
		if _, has := e.Fresh(testAccuracy); has && (!ok || distance(e) < distance(nearest)) {
			nearest, ok = e, true
		}
	}
	return nearest, ok
}

// Declared returns a function that finds the declaration of a metric in some of
// the runs, for NewWatch. The error of a name that none has declared suggests
// the nearest.
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
