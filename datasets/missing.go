package datasets

import (
	"fmt"
	"slices"
	"strings"
)

// Missing says what is done about the gaps of a table. A gap is a cell that is empty, ?, NA, N/A, NaN, null or none, in
// upper or lower case.
type Missing string

// What can be done about gaps.
const (
	MissingError  Missing = "error"         // a gap is an error
	MissingMedian Missing = "median"        // numbers: the median of the column; words: as MissingMostFrequent
	MissingMode   Missing = "most_frequent" // the value that the column has most often, the smallest of equals
	MissingDrop   Missing = "drop"          // rows with a gap are left out, as are those without a label
)

// Validate returns an error unless m is one of the constants or empty. It completes a sentence whose subject is the
// setting.
func (m Missing) Validate() error {
	if slices.Contains([]Missing{"", MissingError, MissingMedian, MissingMode, MissingDrop}, m) {
		return nil
	}
	return fmt.Errorf("is %q; want error, median, most_frequent or drop", string(m))
}

// orError returns m, or the default.
func (m Missing) orError() Missing {
	if m == "" {
		return MissingError
	}
	return m
}

func (m Missing) fills() bool { return m == MissingMedian || m == MissingMode }

// isGap reports whether the text of a cell, without spaces around it, stands for no value.
func isGap(text string) bool {
	switch len(text) {
	case 0:
		return true
	case 1:
		return text == "?"
	case 2, 3, 4:
		return slices.ContainsFunc([]string{"na", "n/a", "nan", "null", "none"}, func(gap string) bool { return strings.EqualFold(text, gap) })
	}
	return false
}
