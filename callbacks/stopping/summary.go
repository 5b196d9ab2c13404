package stopping

import (
	"gonum.org/v1/gonum/stat"

	"github.com/hessoscope/hessoscope/callbacks/quantile"
)

// Summary summarizes the outcomes of a rule over several runs.
type Summary struct {
	Rule    string `json:"rule"`
	Runs    int    `json:"runs"`    // number of runs that record the metrics it monitors
	Stopped int    `json:"stopped"` // number of runs that it would have stopped
	// MeanRegret and MedianRegret are taken over those of Runs that have a test
	// accuracy; nil if there are none. A run in which the rule never held counts
	// with the regret at its end.
	MeanRegret   *float64 `json:"mean_regret"`
	MedianRegret *float64 `json:"median_regret"`
	MeanShare    *float64 `json:"mean_share"` // mean share of the epochs at which Runs stopped or ended; nil if there are none
}

// ToTheEnd stands in a Summary for a rule that never stops a run.
const ToTheEnd = "to the end"

// Summarize returns a Summary of each rule over runs that were replayed with the
// same rules. The first Summary is that of ToTheEnd.
func Summarize(runs []Replayed) []Summary {
	points := make([]*Point, len(runs))
	for i := range runs {
		points[i] = &runs[i].End
	}
	all := []Summary{summarize(ToTheEnd, points)}
	if len(runs) == 0 {
		return all
	}
	for r := range runs[0].Rules {
		stopped := 0
		for i := range runs {
			points[i] = runs[i].Rules[r].Point
			if runs[i].Rules[r].Verdict == Stopped {
				stopped++
			}
		}
		s := summarize(runs[0].Rules[r].Rule, points)
		s.Stopped = stopped
		all = append(all, s)
	}
	return all
}

func summarize(rule string, points []*Point) Summary {
	s := Summary{Rule: rule}
	var shares, regrets []float64
	for _, p := range points {
		if p == nil {
			continue
		}
		s.Runs++
		shares = append(shares, p.Share)
		if p.Regret != nil {
			regrets = append(regrets, *p.Regret)
		}
	}
	if len(shares) > 0 {
		mean := stat.Mean(shares, nil)
		s.MeanShare = &mean
	}
	if len(regrets) > 0 {
		mean, median := stat.Mean(regrets, nil), quantile.Median(regrets)
		s.MeanRegret, s.MedianRegret = &mean, &median
	}
	return s
}
