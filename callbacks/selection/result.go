package selection

// Selection is an order of runs, and what is to be known about it.
type Selection struct {
	By           []Measure     `json:"by"`
	MatchLoss    bool          `json:"match_loss"`
	Groups       []Group       `json:"groups"`
	Apart        []Apart       `json:"apart"`        // runs that are not ranked
	Associations []Association `json:"associations"` // over all groups, by pairs of runs of the same group; null unless evaluated
	Resamples    int           `json:"resamples"`    // that the intervals of associations rest on
	Seed         uint64        `json:"seed"`         // of them
}

// Group is runs that are ranked together: of the same data and loss function.
type Group struct {
	Data         string        `json:"data"`
	Fingerprint  string        `json:"fingerprint"` // of the data
	Loss         string        `json:"loss"`        // name of the function
	TargetLoss   *float64      `json:"target_loss"` // that runs are compared at; null for the end of each
	Runs         []Ranked      `json:"runs"`        // best first
	Warnings     []Warning     `json:"warnings"`
	TestSamples  int           `json:"test_samples"`
	Associations []Association `json:"associations"` // null unless evaluated
}

// Ranked is a run in its place.
type Ranked struct {
	Rank       int                 `json:"rank"`  // from 1; runs that nothing tells apart share one
	Front      int                 `json:"front"` // Pareto front, from 1
	Score      float64             `json:"score"` // that orders a front, 0 for the best in all: the mean logarithm of the ratio to the best value of each measure
	Run        string              `json:"run"`
	Epoch      int                 `json:"epoch"` // that it was measured at
	Parameters int                 `json:"parameters"`
	TrainLoss  *float64            `json:"train_loss"` // there; null if it was not recorded
	Mismatch   *float64            `json:"mismatch"`   // factor between that and the target loss; null without one
	Values     map[string]Interval `json:"values"`     // of the measures
	Outcome    *Outcome            `json:"outcome"`    // on the test split; null unless evaluated

	candidate *Candidate
	reading   reading
}

// Apart is a run that cannot be ranked.
type Apart struct {
	Run    string `json:"run"`
	Reason string `json:"reason"`
}

// Outcome is how a run generalized, at the epoch at which it was compared. A
// field is null where a split was not evaluated there.
type Outcome struct {
	TrainAccuracy *float64 `json:"train_accuracy"`
	TestAccuracy  *float64 `json:"test_accuracy"`
	TestLoss      *float64 `json:"test_loss"`
	AccuracyGap   *float64 `json:"accuracy_gap"` // train − test
	LossGap       *float64 `json:"loss_gap"`     // test − train
}

// Gap is a generalization gap.
type Gap string

// The gaps, of which a smaller one is better.
const (
	AccuracyGap Gap = "accuracy" // train − test
	LossGap     Gap = "loss"     // test − train
)

// Association is Kendall's τ-b of a measure and a generalization gap over runs:
// near 1, if runs with the better value have the smaller gap; near 0, if it
// tells nothing; near −1, if it misleads. A measure without a better direction
// is taken as one of which lower is better.
type Association struct {
	Measure
	Gap         Gap      `json:"gap"`
	N           int      `json:"n"`            // runs that have both
	Pairs       int      `json:"pairs"`        // of those, within groups
	TiedMeasure int      `json:"tied_measure"` // pairs that the measure does not tell apart
	TiedGap     int      `json:"tied_gap"`
	Tau         *float64 `json:"tau"`  // null if all pairs are tied in one of the two
	Low         *float64 `json:"low"`  // 95 % bootstrap interval over runs;
	High        *float64 `json:"high"` // null where there are fewer than MinBootstrap
}

// MinBootstrap is the least number of runs for which an interval is given: of a
// handful of them the percentiles of the bootstrap are much too near.
const MinBootstrap = 8

// Warning says why runs that are ranked together may not be comparable.
type Warning struct {
	About string `json:"about"` // parameters, precision, loss, epsilon, interval, samples, or the key of a setting
	Text  string `json:"text"`  // one line
}
