package selection

import (
	"fmt"
	"math"
)

// LossFactor is the largest factor between training losses that count as equal. A
// run that is measured on a logarithmic schedule usually has an epoch within this
// factor of the target. Within it, complexity and margin change less than they
// differ between runs that are worth distinguishing.
const LossFactor = 1.5

// target returns the largest final loss of the runs, which every run has passed.
// There is none if it is not positive.
func target(runs []*Candidate) (float64, bool) {
	largest := 0.0
	for _, c := range runs {
		if loss, ok := c.final().number(trainLoss); ok {
			largest = max(largest, loss)
		}
	}
	return largest, largest > 0
}

// matched returns the reading at the epoch whose training loss is nearest to the
// target, on a logarithmic scale, among the epochs at which all measures were
// recorded. If several epochs are equally near, it is the last. If there is no such
// epoch, the reason says why.
func (c *Candidate) matched(by []Measure, target float64) (nearest reading, reason string) {
	distance, absent := math.Inf(1), ""
	for _, e := range c.History {
		r := c.at(e)
		loss, ok := r.number(trainLoss)
		if !ok || !(loss > 0) {
			continue
		}
		if metric, missing := r.missing(by); missing {
			absent = metric
			continue
		}
		if d := math.Abs(math.Log(loss / target)); d <= distance {
			nearest, distance = r, d
		}
	}
	switch {
	case math.IsInf(distance, 1) && absent != "":
		return nearest, fmt.Sprintf("at no epoch were %s and all measures recorded; %s is missing", trainLoss, absent)
	case math.IsInf(distance, 1):
		return nearest, fmt.Sprintf("its metrics.jsonl has no epoch with a positive %s", trainLoss)
	case distance > math.Log(LossFactor):
		return nearest, fmt.Sprintf("the nearest loss that was measured is %.4g, at epoch %d; %.4g is more than a factor of %g away",
			nearest.values[trainLoss], nearest.epoch, target, LossFactor)
	}
	return nearest, ""
}
