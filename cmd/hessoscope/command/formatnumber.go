package command

import (
	"fmt"
	"strconv"
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

// optional formats a number. It returns a dash for nil.
func optional(format string, value *float64) string {
	if value == nil {
		return "–"
	}
	return fmt.Sprintf(format, *value)
}
