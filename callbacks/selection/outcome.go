package selection

import (
	"math"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
)

// outcome returns the Outcome of a run at the epoch of r.
func (r reading) outcome(data record.RunData) *Outcome {
	optional := func(metric string) *float64 {
		if v, ok := r.number(metric); ok {
			return &v
		}
		return nil
	}
	o := &Outcome{TrainAccuracy: optional(trainAccuracy), TestAccuracy: optional(testAccuracy), TestLoss: optional(testLoss)}
	o.AccuracyGap = difference(o.TrainAccuracy, o.TestAccuracy)
	o.LossGap = difference(o.TestLoss, optional(trainLoss))
	train, test := data.Samples[datasets.Train], data.Samples[datasets.Test]
	if o.AccuracyGap != nil && train > 0 && test > 0 {
		e := math.Sqrt(binomial(*o.TrainAccuracy, train) + binomial(*o.TestAccuracy, test))
		o.AccuracyGapError = &e
	}
	return o
}

// difference returns a − b, or nil if one of them is nil.
func difference(a, b *float64) *float64 {
	if a == nil || b == nil {
		return nil
	}
	d := *a - *b
	return &d
}

// binomial returns the variance p(1 − p)/n of a share p of n samples.
func binomial(p float64, n int) float64 { return max(p*(1-p), 0) / float64(n) }

// gap returns a generalization gap and its standard error. The error is 0 if it is
// not known: the losses of single samples are not recorded, so that the loss gap
// has none.
func (o *Outcome) gap(g Gap) (gap, standardError float64, ok bool) {
	switch {
	case g == LossGap && o.LossGap != nil:
		return *o.LossGap, 0, true
	case g == AccuracyGap && o.AccuracyGap != nil:
		if o.AccuracyGapError != nil {
			standardError = *o.AccuracyGapError
		}
		return *o.AccuracyGap, standardError, true
	}
	return 0, 0, false
}
