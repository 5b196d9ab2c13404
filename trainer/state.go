package trainer

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/models"
)

// State is the part of a run that its hooks can read.
type State struct {
	Model models.Model
	Data  *datasets.Dataset
	Loss  models.Loss
	Seed  uint64

	Epoch        int     // epochs completed; 0 before training
	Epochs       int     // epochs planned; 0 if not known
	Step         int     // training steps completed
	Steps        int     // training steps an epoch; 0 if not known
	LearningRate float64 // of the current epoch; 0 if not known
	BatchLoss    float64 // mean loss of the last mini-batch, before its step

	hooks    []Hook
	notes    []string // see Notes
	data     string   // see DataFingerprint
	work     float64  // see Work
	planned  float64  // see PlannedWork
	second   float64  // see Second
	metrics  metrics
	start    *float64 // first training loss that was evaluated; nil before
	stop     *Stop
	ended    bool // whether the loop of a Session has ended, or has no turns
	restored *Restored
	started  time.Time     // of the present session; zero before it begins
	before   time.Duration // time spent before the run was resumed
	held     time.Duration // what Elapsed returns while it stands still; else 0
	snapshot func() (*Checkpoint, error)
}

// Hooks returns all hooks of the run, in the order in which they are called.
func (s *State) Hooks() []Hook { return slices.Clone(s.hooks) }

// DataFingerprint returns the fingerprint of Data. It is computed once, since data
// do not change during a run.
func (s *State) DataFingerprint() string {
	if s.data == "" {
		s.data = s.Data.Fingerprint()
	}
	return s.data
}

// Elapsed returns the time the run has taken so far, including the time before
// it was resumed. At the end of an epoch it stands still while hooks of the phase Record
// write, so that all of them write the same.
func (s *State) Elapsed() time.Duration {
	if s.held > 0 {
		return s.held
	}
	if s.started.IsZero() {
		return s.before
	}
	return s.before + time.Since(s.started)
}

// Work returns the cost of training and evaluation so far. The unit is one
// gradient of one sample; a forward pass costs about a third of it.
func (s *State) Work() float64 { return s.work }

// PlannedWork returns what Work will be when all planned epochs are done; 0 if
// their number is not known.
func (s *State) PlannedWork() float64 {
	if s.Epochs == 0 {
		return 0
	}
	return s.planned
}

// Second returns about what one core does in a second, in the unit of Work: gradients
// of one sample in batches, in float64. It follows from the size of the model, not from
// a clock, so that work that is limited by it is the same on any machine.
func (s *State) Second() float64 { return s.second }

// Times of the gradient of a sample. They were measured on dense networks of 800 to
// 240,000 operations, where they are up to twice too long, and convolutional ones of
// 700,000, which take three times as long.
const (
	sampleSeconds    = 1e-7
	operationSeconds = 1e-10
)

// plan determines PlannedWork. Evaluations that cannot be counted are left out.
func (s *State) plan(evaluate Schedule) {
	evaluations := s.Epochs + 1 // of all splits
	if evaluate.Every != 1 {
		n, _ := evaluate.Times(s, 0)
		evaluations = n + 1
	}
	for _, split := range s.Data.Splits {
		s.planned += float64(evaluations) * float64(split.Len()) / 3
	}
	if train, err := s.Data.Split(datasets.Train); err == nil {
		s.planned += float64(s.Epochs) * float64(train.Len())
	}
}

// Final reports whether the current epoch is the last one: because it is the
// last that was planned, because a stop was requested, or because the loop of a
// Session has ended.
func (s *State) Final() bool {
	return s.stop != nil || s.ended || s.Epochs > 0 && s.Epoch >= s.Epochs
}

// RequestStop asks for the run to end after this epoch. The first request
// counts.
func (s *State) RequestStop(stop Stop) {
	if s.stop == nil {
		s.stop = &stop
	}
}

// Stopped returns the stop that was requested, if one was.
func (s *State) Stopped() (Stop, bool) {
	if s.stop == nil {
		return Stop{}, false
	}
	return *s.stop, true
}

// Ended returns why a run ends that does so now, without an error: the stop that was
// requested, or Completed. The reason is Diverged if the training loss is far above
// the one at the start, and the parameters of no earlier epoch were put back.
func (s *State) Ended() Stop {
	stop, requested := s.Stopped()
	if !requested {
		stop.Reason = Completed
	}
	loss, ok := s.Last(LossOf(datasets.Train))
	if s.restored != nil || !ok || s.start == nil || !farAbove(loss.Value, *s.start, s.Data.Classes) {
		return stop
	}
	why := fmt.Sprintf("the training loss is %.4g, and was %.4g at the start; lower the learning rate", loss.Value, *s.start)
	if stop.Detail != "" {
		why += "; " + stop.Detail
	}
	stop.Reason, stop.Detail = Diverged, why
	return stop
}

// farAbove reports whether a loss is so far above that of the start as no training
// that works leads to. With classes it is twice as large, and above it by more than
// the cross-entropy of guessing, so that a start from weights that fit well counts as
// well. Without classes, where the scale of the loss is not known, it is ten times as
// large.
func farAbove(loss, start float64, classes []string) bool {
	if classes == nil {
		return start > 0 && loss > 10*start
	}
	return loss > start+max(math.Abs(start), math.Log(float64(len(classes))))
}

// SetRestored tells the other hooks that the parameters are now those of an
// earlier epoch. A hook calls it when training ends and it has put these
// parameters back; hooks must not change parameters at any other time.
func (s *State) SetRestored(r Restored) { s.restored = &r }

// Restored reports whether the parameters were put back to those of an epoch
// before Epoch, and to which.
func (s *State) Restored() (Restored, bool) {
	if s.restored == nil {
		return Restored{}, false
	}
	return *s.restored, true
}

// Checkpoint captures everything that is needed to resume the run from here.
func (s *State) Checkpoint() (*Checkpoint, error) { return s.snapshot() }

// A Scheduled hook is a Meter that knows how often it records its metrics.
type Scheduled interface {
	// Times returns an upper bound on how often the hook records a metric from
	// the epoch from to the one before the last, if that is known. It is called
	// when training begins.
	Times(s *State, metric string, from int) (most int, known bool)
}

// metrics holds the declared metrics and their last readings.
type metrics struct {
	declared []Metric
	last     map[string]Reading
	recorded int                  // number of readings so far
	schedule map[string]Scheduled // hooks that know how often a metric is recorded, by metric name
}

func (m *metrics) declare(declared ...Metric) error {
	for _, d := range declared {
		if slices.ContainsFunc(m.declared, func(o Metric) bool { return o.Name == d.Name }) {
			return fmt.Errorf("trainer: metric %q is declared twice", d.Name)
		}
		m.declared = append(m.declared, d)
	}
	return nil
}

// declareScheduled declares metrics and the schedule that they are recorded by.
// The schedule is nil if it is not known.
func (m *metrics) declareScheduled(schedule Scheduled, declared ...Metric) error {
	if schedule != nil {
		for _, d := range declared {
			m.schedule[d.Name] = schedule
		}
	}
	return m.declare(declared...)
}

// Metrics returns the declared metrics, in the order of declaration.
func (s *State) Metrics() []Metric { return s.metrics.declared }

// Metric returns the declaration of a metric. If no metric of this name was
// declared, the error suggests the nearest name, also for names as val_loss.
func (s *State) Metric(name string) (Metric, error) {
	var names, shown []string
	for _, d := range s.metrics.declared {
		if d.Name == name {
			return d, nil
		}
		names = append(names, d.Name)
		if !d.Detail {
			shown = append(shown, d.Name)
		}
	}
	split, what, _ := strings.Cut(strings.Replace(name, "_", "/", 1), "/")
	if strings.HasPrefix(datasets.Validation, split) && len(split) >= len("val") {
		split = datasets.Validation
	}
	ofSplit := what == "loss" || strings.HasPrefix("accuracy", what) && len(what) >= len("acc")
	if what != "loss" {
		what = "accuracy"
	}
	meant := split + "/" + what
	switch {
	case ofSplit && slices.Contains(names, meant):
		return Metric{}, fmt.Errorf("trainer: no metric %q; did you mean %q?", name, meant)
	case ofSplit && slices.Contains([]string{datasets.Train, datasets.Validation, datasets.Test}, split):
		return Metric{}, fmt.Errorf("trainer: no metric %q, since the data have no split %q; theirs are %s", name, split, strings.Join(s.splits(), ", "))
	}
	near := suggest.Nearest(name, names)
	if strings.HasPrefix(near, "; want") && len(shown) > 0 {
		near = suggest.Nearest(name, shown) // the others are details
	}
	return Metric{}, fmt.Errorf("trainer: no metric %q%s", name, near)
}

// splits returns the names of the splits of the data.
func (s *State) splits() []string {
	var names []string
	for i := range s.Data.Splits {
		names = append(names, s.Data.Splits[i].Name)
	}
	return names
}

// Times returns an upper bound on how often a metric is recorded from the epoch
// from to the one before the last, if that is known.
func (s *State) Times(name string, from int) (most int, known bool) {
	schedule, ok := s.metrics.schedule[name]
	if !ok {
		return 0, false
	}
	return schedule.Times(s, name, from)
}

// Record sets the value of a declared metric for the current epoch. If the value
// is NaN or infinite, the error wraps models.ErrNotFinite.
func (s *State) Record(name string, value float64) error {
	if !slices.ContainsFunc(s.metrics.declared, func(d Metric) bool { return d.Name == name }) {
		return fmt.Errorf("trainer: metric %q was not declared", name)
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return fmt.Errorf("trainer: metric %q is %g: %w", name, value, models.ErrNotFinite)
	}
	s.metrics.recorded++
	s.metrics.last[name] = Reading{Value: value, Epoch: s.Epoch, Step: s.Step}
	return nil
}

// Last returns the latest reading of a metric, from whichever epoch.
func (s *State) Last(name string) (Reading, bool) {
	r, ok := s.metrics.last[name]
	return r, ok
}

// Fresh returns the value of a metric if it was recorded at the current epoch.
func (s *State) Fresh(name string) (float64, bool) {
	r, ok := s.metrics.last[name]
	return r.Value, ok && r.Epoch == s.Epoch
}
