package stopping

import (
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/hessoscope/hessoscope/callbacks/quantile"
)

// Summary summarizes the outcomes of a rule over several runs.
type Summary struct {
	Rule string `json:"rule"`
	// Runs is the number of runs in which the rule could hold. All means are taken
	// over these runs.
	Runs    int `json:"runs"`
	TooFew  int `json:"too_few"` // number of runs that recorded too few values for the rule to hold; they are not among Runs
	Stopped int `json:"stopped"` // number of runs that it would have stopped
	// MeanRegret and MedianRegret are taken over those of Runs that have a test
	// accuracy; nil if there are none. A run in which the rule never held counts
	// with the regret at its end.
	MeanRegret   *float64 `json:"mean_regret"`
	MedianRegret *float64 `json:"median_regret"`
	// MeanRegretError is the standard error of MeanRegret by clusters of runs that
	// are not independent; nil for fewer than two clusters.
	MeanRegretError *float64 `json:"mean_regret_error"`
	// MeanRestoredRegret is the mean regret of the parameters that would be put
	// back, see Outcome.Restored; nil if there are none.
	MeanRestoredRegret      *float64 `json:"mean_restored_regret"`
	MeanRestoredRegretError *float64 `json:"mean_restored_regret_error"`
	MeanShare               *float64 `json:"mean_share"` // mean share of the epochs at which Runs stopped or ended; nil if there are none
}

// ToTheEnd stands in a Summary for a rule that never stops a run.
const ToTheEnd = "to the end"

// Summarize returns a Summary of each rule over runs that were replayed with the
// same rules. The first Summary is that of ToTheEnd.
func Summarize(runs []Replayed) []Summary {
	outcomes, clusters := make([]Outcome, len(runs)), make([]int, len(runs))
	for i := range runs {
		outcomes[i] = Outcome{Rule: ToTheEnd, Verdict: Never, Point: &runs[i].End}
		if clusters[i] = runs[i].Cluster; clusters[i] == 0 {
			clusters[i] = -i - 1 // its own
		}
	}
	all := []Summary{summarize(ToTheEnd, outcomes, clusters)}
	if len(runs) == 0 {
		return all
	}
	for r := range runs[0].Rules {
		for i := range runs {
			outcomes[i] = runs[i].Rules[r]
		}
		all = append(all, summarize(runs[0].Rules[r].Rule, outcomes, clusters))
	}
	return all
}

func summarize(rule string, outcomes []Outcome, clusters []int) Summary {
	s := Summary{Rule: rule}
	var shares, regrets, restored clustered
	for i, o := range outcomes {
		switch o.Verdict {
		case TooFew:
			s.TooFew++
		case Stopped:
			s.Stopped++
		}
		if o.Point == nil {
			continue
		}
		s.Runs++
		shares.add(o.Share, clusters[i])
		if o.Regret != nil {
			regrets.add(*o.Regret, clusters[i])
		}
		if o.Restored != nil && o.Restored.Regret != nil {
			restored.add(*o.Restored.Regret, clusters[i])
		}
	}
	s.MeanShare, _ = shares.mean()
	s.MeanRegret, s.MeanRegretError = regrets.mean()
	s.MeanRestoredRegret, s.MeanRestoredRegretError = restored.mean()
	if len(regrets.values) > 0 {
		s.MedianRegret = new(quantile.Median(regrets.values))
	}
	return s
}

// clustered are values, of which those of the same cluster may depend on each other.
type clustered struct {
	values   []float64
	clusters []int
}

func (c *clustered) add(value float64, cluster int) {
	c.values = append(c.values, value)
	c.clusters = append(c.clusters, cluster)
}

// mean returns the mean of n values in k clusters, and its standard error
//
//	√(k/(k−1)·Σ_c (Σ_{i∈c} (xᵢ − x̄))²)/n
//
// (Liang & Zeger 1986), which is s/√n if every value is a cluster of its own. The mean
// is nil if there are no values, and the error if there are fewer than two clusters.
func (c *clustered) mean() (mean, standardError *float64) {
	n := float64(len(c.values))
	if n == 0 {
		return nil, nil
	}
	mean = new(stat.Mean(c.values, nil))
	sums := make(map[int]float64)
	for i, value := range c.values {
		sums[c.clusters[i]] += value - *mean
	}
	if len(sums) < 2 {
		return mean, nil
	}
	squares := 0.0
	for _, cluster := range slices.Sorted(maps.Keys(sums)) { // in an order, for the same rounding
		squares += sums[cluster] * sums[cluster]
	}
	k := float64(len(sums))
	return mean, new(math.Sqrt(k/(k-1)*squares) / n)
}
