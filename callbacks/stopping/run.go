package stopping

import (
	"fmt"
	"math"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/trainer"
)

var (
	testAccuracy = trainer.AccuracyOf(datasets.Test)
	testLoss     = trainer.LossOf(datasets.Test)
)

// Run is the record of a training run.
type Run struct {
	Name    string
	Metrics []trainer.Metric // declared metrics
	History []record.Entry   // in the order of epochs; at least one
	// Cluster numbers, from 1, the sets of runs that are not independent of each
	// other; 0 for a run that is independent of all others.
	Cluster int
	// TestSamples is the number of samples of the test split, for the standard
	// error of the regret; 0 if it is not known.
	TestSamples int
}

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
	// RegretError is an upper bound of the standard error of Regret, unless the two
	// networks tend to err on different samples: √(p₁(1−p₁)/n + p₂(1−p₂)/n) for their
	// accuracies on n samples. It is 0 for the network of the oracle itself, and nil
	// if n is not known.
	RegretError *float64 `json:"regret_error"`
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
	point.RegretError = run.regretError(point, point)
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
		p.Regret = new(*oracle.Accuracy - accuracy)
		p.RegretError = run.regretError(*oracle, p)
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

// regretError returns the RegretError of a point.
func (run Run) regretError(oracle, p Point) *float64 {
	switch {
	case run.TestSamples == 0:
		return nil
	case *oracle.Evaluated == *p.Evaluated:
		return new(float64)
	}
	variance := 0.0
	for _, accuracy := range []float64{*oracle.Accuracy, *p.Accuracy} {
		variance += max(accuracy*(1-accuracy), 0) / float64(run.TestSamples)
	}
	return new(math.Sqrt(variance))
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
