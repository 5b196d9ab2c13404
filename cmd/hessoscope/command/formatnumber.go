package command

import (
	"fmt"
	"strconv"
)

// formatFloat writes all digits of a number.
func formatFloat(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// digits are all of a number, or nothing.
func digits(value *float64) string {
	if value == nil {
		return ""
	}
	return formatFloat(*value)
}

// optional formats a number, or nothing where there is none.
func optional(format string, value *float64) string {
	if value == nil {
		return "–"
	}
	return fmt.Sprintf(format, *value)
}
