package selection

import (
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/trainer"
)

// Measure is a metric by which runs are ranked, or whose association with
// generalization is evaluated.
type Measure struct {
	Metric string            `json:"metric"`
	Better trainer.Direction `json:"better"`
}

// compare is like Interval.compare, but treats the better value as the lower one.
func (m Measure) compare(a, b Interval) int {
	if m.Better == trainer.Higher {
		return b.compare(a)
	}
	return a.compare(b)
}

// ofTest reports whether a metric belongs to the test split.
func ofTest(metric string) bool { return trainer.IsOf(datasets.Test, metric) }
