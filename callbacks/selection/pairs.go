package selection

import "math"

// pair is a comparison of two runs of a group: the signs of their differences in
// a measure and in a gap.
type pair struct {
	i, j  int // the runs, by their places in the cohort
	x, y  int // sign of the difference in the measure, where the better value is the lower one, and in the gap
	along int // number of the only axis in which the runs differ, −1 if they do not differ in exactly one
	// sure is how sure the sign of the difference in the gap is, from 0 to 1: the
	// probability of this sign minus that of the other one.
	sure float64
	// leftOut is set if the difference in the gap is below twice its standard error.
	leftOut bool
}

// compareGaps returns the sign of the difference of two gaps, how sure it is by the
// normal distribution, and whether the difference is below twice its standard error.
// If two networks were tested on the same samples, as usual, the error that takes
// them for independent is an upper bound unless they tend to err on different ones.
func compareGaps(difference, standardError float64) (sign int, sure float64, leftOut bool) {
	switch {
	case difference < 0:
		sign = -1
	case difference > 0:
		sign = 1
	}
	switch {
	case standardError > 0:
		sure = math.Erf(math.Abs(difference) / standardError / math.Sqrt2)
	case sign != 0:
		sure = 1
	}
	return sign, sure, math.Abs(difference) < 2*standardError
}
