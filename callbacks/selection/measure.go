package selection

import (
	"strings"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/trainer"
)

// Measure is a metric that ranks, or whose worth is tested.
type Measure struct {
	Metric string            `json:"metric"`
	Better trainer.Direction `json:"better"`
}

// compare is Interval.compare with the better value as the lower one.
func (m Measure) compare(a, b Interval) int {
	if m.Better == trainer.Higher {
		return b.compare(a)
	}
	return a.compare(b)
}

func ofTest(metric string) bool { return strings.HasPrefix(metric, datasets.Test+"/") }
