package command

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// formatFloat formats a number with all digits.
func formatFloat(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// digits formats a number with all digits. It returns "" for nil.
func digits(value *float64) string {
	if value == nil {
		return ""
	}
	return formatFloat(*value)
}

// optional formats a number as cell does. It returns a dash for nil.
func optional(format string, value *float64) string {
	if value == nil {
		return "–"
	}
	return cell(format, *value)
}

// withExponent turns the verbs of numbers with a point into those with an exponent.
var withExponent = strings.NewReplacer(".0f", ".2e", ".2f", ".2e", ".3f", ".2e", ".4f", ".2e")

// cell formats a number for a table. One of a million or more has an exponent, so that
// the column stays narrow.
func cell(format string, v float64) string {
	if math.Abs(v) >= 1e6 {
		format = withExponent.Replace(format)
	}
	return fmt.Sprintf(format, v)
}
