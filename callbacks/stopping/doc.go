// Package stopping defines rules that stop training, and replays them on recorded
// metrics.
//
// A Rule is a condition on the metrics of a run:
//
//	patience     a metric has not improved on its best value for N fresh measurements, or N epochs
//	threshold    a metric is at least, or at most, a value, for N fresh measurements in a row
//	trend        a metric rises, or falls, for N fresh measurements in a row
//	all, any     all, or at least one, of several rules hold
//
// A Watch applies a rule to a run, epoch by epoch. Only fresh values count: at an
// epoch at which a metric was not measured, its condition does not change. A
// condition is not latched: the newest values alone decide whether it holds. Hence
// the rules of an All must hold at the same time. A metric that is known only as an
// interval is recorded under other names, NAME_low and NAME_high. It is not fresh as
// NAME, so that a rule sees only values that are certain.
//
// The hook callbacks.EarlyStopping and Replay use the same Watch. A study of a rule
// on finished runs therefore shows what the rule does in a new run. The regret of a
// rule is how much the test accuracy falls behind the best epoch. A rule on the test
// split itself is refused in training, since the result would be no test result.
package stopping
