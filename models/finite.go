package models

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrNotFinite is wrapped by errors about losses or derivatives that are NaN
// or infinite.
var ErrNotFinite = errors.New("not finite")

// finite returns an error that wraps ErrNotFinite unless all values are finite.
func finite(what string, values []float64) error {
	if allFinite(values) {
		return nil
	}
	i := slices.IndexFunc(values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
	return fmt.Errorf("models: entry %d of %s is %g: %w", i, what, values[i], ErrNotFinite)
}

// allFinite tells whether all values are finite: 0·v is 0 for those and NaN for
// others. It adds in four sums, because an addition has to wait for the one
// before it in the same sum.
func allFinite(values []float64) bool {
	var s0, s1, s2, s3 float64
	rest := values
	for ; len(rest) >= 4; rest = rest[4:] {
		s0 += 0 * rest[0]
		s1 += 0 * rest[1]
		s2 += 0 * rest[2]
		s3 += 0 * rest[3]
	}
	for _, v := range rest {
		s0 += 0 * v
	}
	return s0+s1+s2+s3 == 0
}
