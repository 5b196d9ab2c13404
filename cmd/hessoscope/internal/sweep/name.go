package sweep

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
)

// pointName returns a name for each value of a point. The name of a word or a list is
// the value itself; other names begin with the last part of the key.
func pointName(point []assignment) []string {
	var parts []string
	for _, a := range point {
		text := valueName(a.value)
		switch a.value.(type) {
		case string, []any:
		default:
			text = a.key[strings.LastIndexByte(a.key, '.')+1:] + "_" + text
		}
		parts = append(parts, text)
	}
	return parts
}

var unsafeRunes = regexp.MustCompile(`[^A-Za-z0-9._+-]+`)

// valueName formats a value for the name of a folder: [20, 20] becomes 20x20.
func valueName(value any) string {
	text := fmt.Sprint(value)
	if _, isList := value.([]any); isList {
		text = strings.ReplaceAll(strings.Trim(text, "[]"), " ", "x")
	}
	return cmp.Or(strings.Trim(unsafeRunes.ReplaceAllString(text, "_"), "._"), "none")
}
