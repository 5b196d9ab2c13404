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
	By           []Measure     `json:"by"`          // what ranks: Selection.By, or with another measure in the place of a complexity that decides nothing
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
	TrainAccuracy    *float64 `json:"train_accuracy"`
	TestAccuracy     *float64 `json:"test_accuracy"`
	TestLoss         *float64 `json:"test_loss"`
	AccuracyGap      *float64 `json:"accuracy_gap"`       // train − test
	AccuracyGapError *float64 `json:"accuracy_gap_error"` // its standard error, from the binomial variances of both accuracies
	LossGap          *float64 `json:"loss_gap"`           // test − train
}

// Gap is a generalization gap.
type Gap string

// The gaps. Smaller is better.
const (
	AccuracyGap Gap = "accuracy" // train − test
	LossGap     Gap = "loss"     // test − train
)

// Association says how well a measure tells a generalization gap. If a measure has
// no better direction, lower is taken as better.
//
// Tau is near 1 if runs with the better value have the smaller gap, near 0 if the
// two are unrelated, and near −1 if runs with the better value have the larger gap.
// It cannot tell a measure that predicts the gap from one that only reflects a
// setting on which the gap depends; the other statistics can. Pairs of runs whose
// difference in the accuracy gap is below twice its standard error are left out of
// all statistics but the sign error, where they have small weights. None is left
// out for the loss gap, whose error is not known.
type Association struct {
	Measure
	Gap         Gap      `json:"gap"`
	N           int      `json:"n"`            // number of runs that have the measure and the gap
	Pairs       int      `json:"pairs"`        // number of pairs of these runs within groups, without those left out
	LeftOut     int      `json:"left_out"`     // number of pairs left out
	TiedMeasure int      `json:"tied_measure"` // number of pairs that are tied in the measure
	TiedGap     int      `json:"tied_gap"`
	Tau         *float64 `json:"tau"`      // Kendall's τ-b; null if all pairs are tied in one of the two
	Clusters    int      `json:"clusters"` // number of clusters of runs that depend on each other
	Low         *float64 `json:"low"`      // lower end of the 95 % bootstrap interval of Tau over clusters; null for fewer than MinBootstrap
	High        *float64 `json:"high"`     // upper end of this interval; null likewise

	Granulated   *float64  `json:"granulated"`     // Ψ, the mean of the granulated coefficients of all axes
	Information  *float64  `json:"information"`    // normalised conditional mutual information, 0 to 1
	Given        []string  `json:"given"`          // axes on which that is conditioned
	SignError90  *float64  `json:"sign_error_90"`  // 90th percentile, over environments, of the share of pairs in the wrong order
	SignErrorMax *float64  `json:"sign_error_max"` // maximum of it
	Environments int       `json:"environments"`   // number of environments
	Axes         []Stratum `json:"axes"`           // by axis along which pairs of runs differ in no other
}

// Stratum is the association over the pairs of runs that differ in one axis alone.
// For the axis seed, these are runs that were trained alike.
type Stratum struct {
	Axis       string   `json:"axis"`
	Pairs      int      `json:"pairs"`    // number of such pairs, without those left out
	LeftOut    int      `json:"left_out"` // number of such pairs left out
	Tau        *float64 `json:"tau"`      // τ-b over these pairs together
	Clusters   int      `json:"clusters"` // as in Association, of the runs in these pairs
	Low        *float64 `json:"low"`
	High       *float64 `json:"high"`
	Granulated *float64 `json:"granulated"` // ψ: the mean of τ-b over the settings of the other axes
	Slices     int      `json:"slices"`     // number of settings in this mean
}

// Warning says why runs that are ranked together may not be comparable.
type Warning struct {
	About string `json:"about"` // parameters, precision, loss, epsilon, interval, unknown, samples, or the key of a setting
	Text  string `json:"text"`  // explanation in one line
}
