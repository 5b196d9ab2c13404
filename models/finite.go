package models

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/hessoscope/hessoscope/models/symbolic/vec"
)

// ErrNotFinite is wrapped by errors about losses or derivatives that are NaN
// or infinite.
var ErrNotFinite = errors.New("not finite")

// finite returns an error that wraps ErrNotFinite unless all values are finite.
func finite(what string, values []float64) error { return finiteFrom(0, what, values) }

// finiteFrom is finite for the values of what from entry first on.
func finiteFrom(first int, what string, values []float64) error {
	if isFinite(vec.Float64.Sum(values)) { // so are they
		return nil
	}
	i := slices.IndexFunc(values, func(v float64) bool { return !isFinite(v) })
	if i < 0 { // the sum is too large
		return nil
	}
	return fmt.Errorf("models: entry %d of %s is %g: %w", first+i, what, values[i], ErrNotFinite)
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
