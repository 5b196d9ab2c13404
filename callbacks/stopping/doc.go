// Package stopping has the rules by which training may be stopped, and replays
// them on recorded metrics.
//
// A Rule is a condition on the metrics of a run:
//
//	patience     a metric has not been better than at its best for N fresh measurements, or epochs
//	threshold    a metric is at least, or at most, a value, N fresh measurements in a row
//	trend        a metric has risen, or fallen, N fresh measurements in a row
//	all, any     of other rules
//
// A Watch follows a rule through a run, epoch by epoch. Only fresh values
// count: an epoch at which a metric was not measured leaves its condition as
// it is. A condition is never latched: whether it holds is decided by the
// newest values alone, so that one that held once and holds no more stops
// nothing, and all of several must hold at the same time.
//
// The hook callbacks.EarlyStopping and Replay are driven by the same Watch: a
// study of what a rule would have done with a finished run tells what it does
// with the next one.
package stopping
