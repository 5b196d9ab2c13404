package selection

import (
	"fmt"
	"math"
)

// LossFactor is by how much training losses may differ and still count as the
// same. Measured on a logarithmic schedule, an epoch within it is there as a
// rule; complexity and margin change by less over such a range than between
// runs that are worth telling apart.
const LossFactor = 1.5

// target is the largest of the final losses of runs, which every one of them has
// passed; none if that is not positive.
func target(runs []*Candidate) (float64, bool) {
	largest := 0.0
	for _, c := range runs {
		if loss, ok := c.final().number(trainLoss); ok {
			largest = max(largest, loss)
		}
	}
	return largest, largest > 0
}

// matched is the reading of the epoch at which all measures are fresh and the
// training loss is nearest to the target, on a logarithmic scale; of epochs
// that are equally near the last. The reason says why there is none.
func (c *Candidate) matched(by []Measure, target float64) (nearest reading, reason string) {
	distance, absent := math.Inf(1), ""
	for _, e := range c.History {
		r := reading{e.Epoch, e.Metrics}
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
		return nearest, fmt.Sprintf("at no epoch are %s and all measures there; %s is missing", trainLoss, absent)
	case math.IsInf(distance, 1):
		return nearest, fmt.Sprintf("its metrics.jsonl has no epoch with a positive %s", trainLoss)
	case distance > math.Log(LossFactor):
		return nearest, fmt.Sprintf("the nearest loss that was measured is %.4g, at epoch %d; %.4g is more than a factor of %g away",
			nearest.values[trainLoss], nearest.epoch, target, LossFactor)
	}
	return nearest, ""
}
