package stopping

import (
	"math"

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
	// MeanRegretError is the standard error of MeanRegret, s/√n for the standard
	// deviation s of n runs that are independent; nil for fewer than two.
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
	outcomes := make([]Outcome, len(runs))
	for i := range runs {
		outcomes[i] = Outcome{Rule: ToTheEnd, Verdict: Never, Point: &runs[i].End}
	}
	all := []Summary{summarize(ToTheEnd, outcomes)}
	if len(runs) == 0 {
		return all
	}
	for r := range runs[0].Rules {
		for i := range runs {
			outcomes[i] = runs[i].Rules[r]
		}
		all = append(all, summarize(runs[0].Rules[r].Rule, outcomes))
	}
	return all
}

func summarize(rule string, outcomes []Outcome) Summary {
	s := Summary{Rule: rule}
	var shares, regrets, restored []float64
	for _, o := range outcomes {
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
		shares = append(shares, o.Share)
		if o.Regret != nil {
			regrets = append(regrets, *o.Regret)
		}
		if o.Restored != nil && o.Restored.Regret != nil {
			restored = append(restored, *o.Restored.Regret)
		}
	}
	s.MeanShare, _ = mean(shares)
	s.MeanRegret, s.MeanRegretError = mean(regrets)
	s.MeanRestoredRegret, s.MeanRestoredRegretError = mean(restored)
	if len(regrets) > 0 {
		s.MedianRegret = new(quantile.Median(regrets))
	}
	return s
}

// mean returns the mean of independent values and its standard error. The mean is
// nil if there are no values, and the error if there are fewer than two.
func mean(values []float64) (mean, standardError *float64) {
	n := len(values)
	if n == 0 {
		return nil, nil
	}
	mean = new(stat.Mean(values, nil))
	if n >= 2 {
		standardError = new(stat.StdDev(values, nil) / math.Sqrt(float64(n)))
	}
	return mean, standardError
}
