package stopping

import "github.com/hessoscope/hessoscope/callbacks/record"

// Verdict is the result of a rule in a run.
type Verdict string

// The verdicts.
const (
	Stopped     Verdict = "stopped"
	Never       Verdict = "never"        // it never held: the run continued to its end
	NotRecorded Verdict = "not_recorded" // unknown, because a metric that the rule monitors was not recorded
	TooFew      Verdict = "too_few"      // it could not hold, because what it monitors was measured too rarely
)

// Outcome says where a rule would have stopped a run.
type Outcome struct {
	Rule    string   `json:"rule"` // the rule in words
	Verdict Verdict  `json:"verdict"`
	Missing []string `json:"missing,omitempty"` // metrics that were never recorded
	Detail  string   `json:"detail,omitempty"`  // the values for which the rule held, or why it could not
	*Point           // where the rule stops the run, or the end of the run; nil if NotRecorded or TooFew
	// Restored is the epoch whose parameters are put back if EarlyStopping.RestoreBest
	// is the metric of the rule's first patience condition: the best one up to Point.
	// It is nil if there is no such condition.
	Restored *Point `json:"restored,omitempty"`
}

// Replayed has the outcomes of several rules in one run.
type Replayed struct {
	Run     string    `json:"run"`
	Cluster int       `json:"cluster"` // see Run.Cluster
	Oracle  *Point    `json:"oracle"`  // the first epoch of the best test accuracy; nil if there is no test accuracy
	End     Point     `json:"end"`     // the last recorded epoch
	Rules   []Outcome `json:"rules"`
}

// Replay returns where each rule would have stopped a run. For an invalid rule, it
// returns the error of NewWatch.
func Replay(run Run, rules []Rule) (Replayed, error) {
	replayed := Replayed{Run: run.Name, Cluster: run.Cluster, Oracle: run.oracle()}
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
			if run.recorded(record.Low(name)) {
				o.Detail = name + " is known as an interval only, which decides nothing"
			}
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
	o.Verdict, o.Point = Never, &replayed.End
	for _, entry := range run.History {
		firing, err := watch.Observe(entry.Epoch, entry.Fresh)
		if err != nil {
			return o, err
		}
		if firing != nil {
			point := run.point(entry, replayed.Oracle)
			o.Verdict, o.Detail, o.Point = Stopped, firing.Detail, &point
			break
		}
	}
	if short := run.shortage(r); o.Verdict == Never && short != "" {
		o.Verdict, o.Detail, o.Point = TooFew, short, nil
		return o, nil
	}
	o.Restored = run.restored(watch, o.Epoch, replayed.Oracle)
	return o, nil
}
