package stopping

import (
	"math"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

// restored returns the first epoch, up to the one at which the run stops, of the best
// value of the metric of the first patience condition. MinDelta and StartEpoch do not
// count, as for EarlyStopping.RestoreBest. It is nil if there is no such condition.
func (run Run) restored(watch *Watch, stop int, oracle *Point) *Point {
	i := slices.IndexFunc(watch.leaves, func(n *node) bool { return n.rule.Kind() == Patience })
	if i < 0 {
		return nil
	}
	monitor, better := watch.leaves[i].rule.Monitor, watch.leaves[i].better
	var best *record.Entry
	for k, e := range run.History {
		value, ok := e.Fresh(monitor)
		if !ok || e.Epoch > stop || math.IsNaN(value) || math.IsInf(value, 0) {
			continue
		}
		if best == nil || better == trainer.Lower && value < best.Metrics[monitor] || better == trainer.Higher && value > best.Metrics[monitor] {
			best = &run.History[k]
		}
	}
	if best == nil {
		return nil
	}
	return new(run.point(*best, oracle))
}
