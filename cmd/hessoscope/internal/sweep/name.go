package sweep

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
)

// pointName names each value of a point: a word or a list by itself, others with
// the last part of their key.
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

// valueName is a value as part of the name of a folder: 20x20 of [20, 20].
func valueName(value any) string {
	text := fmt.Sprint(value)
	if _, isList := value.([]any); isList {
		text = strings.ReplaceAll(strings.Trim(text, "[]"), " ", "x")
	}
	return cmp.Or(strings.Trim(unsafeRunes.ReplaceAllString(text, "_"), "._"), "none")
}
