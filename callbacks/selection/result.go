package selection

// Selection is the result of Select: the ranked runs, and what to know about the
// ranking.
type Selection struct {
	By           []Measure     `json:"by"`
	MatchLoss    bool          `json:"match_loss"`
	Groups       []Group       `json:"groups"`
	Apart        []Apart       `json:"apart"`        // runs that are not ranked
	Associations []Association `json:"associations"` // over all groups, from pairs of runs of the same group; null unless evaluated
	Resamples    int           `json:"resamples"`    // number of resamples for the intervals of associations
	Seed         uint64        `json:"seed"`         // seed of the resamples
}

// Group is a set of runs that are ranked together, because they have the same data
// and loss function.
type Group struct {
	Data         string        `json:"data"`
	Fingerprint  string        `json:"fingerprint"` // fingerprint of the data
	Loss         string        `json:"loss"`        // name of the loss function
	TargetLoss   *float64      `json:"target_loss"` // training loss at which runs are compared; null if they are compared at their ends
	Runs         []Ranked      `json:"runs"`        // best first
	Warnings     []Warning     `json:"warnings"`
	TestSamples  int           `json:"test_samples"`
	Associations []Association `json:"associations"` // null unless evaluated
}

// Ranked is a ranked run.
type Ranked struct {
	Rank       int                 `json:"rank"`  // from 1; runs that nothing certain tells apart share a rank
	Front      int                 `json:"front"` // Pareto front, from 1
	Score      float64             `json:"score"` // orders a front: the mean logarithm of the ratio to the best value of each measure; 0 for a run that is best in all; the midpoint if a measure is an interval
	Run        string              `json:"run"`
	Epoch      int                 `json:"epoch"` // epoch at which it is compared
	Parameters int                 `json:"parameters"`
	TrainLoss  *float64            `json:"train_loss"` // training loss at that epoch; null if it was not recorded
	Mismatch   *float64            `json:"mismatch"`   // factor between TrainLoss and the target loss; null if there is no target
	Values     map[string]Interval `json:"values"`     // values of the measures
	Outcome    *Outcome            `json:"outcome"`    // outcome on the test split; null unless evaluated

	// Unknown are the measures whose interval overlaps with those of all other runs
	// of the group, so that it decides nothing.
	Unknown []string `json:"unknown"`

	candidate *Candidate
	reading   reading
	score     Interval // Score is its midpoint
}

// Apart is a run that cannot be ranked.
type Apart struct {
	Run    string `json:"run"`
	Reason string `json:"reason"`
}

// Outcome is how well a run generalized, at the epoch at which it is compared. A
// field is null if a split was not evaluated at that epoch.
type Outcome struct {
	TrainAccuracy *float64 `json:"train_accuracy"`
	TestAccuracy  *float64 `json:"test_accuracy"`
	TestLoss      *float64 `json:"test_loss"`
	AccuracyGap   *float64 `json:"accuracy_gap"` // train − test
	LossGap       *float64 `json:"loss_gap"`     // test − train
}

// Gap is a generalization gap.
type Gap string

// The gaps. Smaller is better.
const (
	AccuracyGap Gap = "accuracy" // train − test
	LossGap     Gap = "loss"     // test − train
)

// Association is Kendall's τ-b of a measure and a generalization gap over runs. It
// is near 1 if runs with the better value have the smaller gap, near 0 if the two
// are unrelated, and near −1 if runs with the better value have the larger gap. If
// a measure has no better direction, lower is taken as better.
type Association struct {
	Measure
	Gap         Gap      `json:"gap"`
	N           int      `json:"n"`            // number of runs that have the measure and the gap
	Pairs       int      `json:"pairs"`        // number of pairs of these runs within groups
	TiedMeasure int      `json:"tied_measure"` // number of pairs that are tied in the measure
	TiedGap     int      `json:"tied_gap"`
	Tau         *float64 `json:"tau"`  // null if all pairs are tied in one of the two
	Low         *float64 `json:"low"`  // lower end of the 95 % bootstrap interval over runs; null for fewer than MinBootstrap runs
	High        *float64 `json:"high"` // upper end of this interval; null likewise
}

// MinBootstrap is the smallest number of runs for which an interval is given. With
// fewer runs, the interval of the bootstrap is much too narrow.
const MinBootstrap = 8

// Warning says why runs that are ranked together may not be comparable.
type Warning struct {
	About string `json:"about"` // parameters, precision, loss, epsilon, interval, unknown, samples, or the key of a setting
	Text  string `json:"text"`  // explanation in one line
}
