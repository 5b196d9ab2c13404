package suggest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest returns the end of an error about an unknown name: "; did you mean …?"
// with the known name that contains it or differs by a few letters, "; want one
// of …" if none is near, or nothing if no name is known.
func Nearest(name string, known []string) string {
	if len(known) == 0 {
		return ""
	}
	word := strings.TrimSuffix(strings.ToLower(name), "s")
	distance := func(k string) int {
		k = strings.ToLower(k)
		if len(word) >= 3 && strings.Contains(k, word) {
			return 0
		}
		return levenshtein.ComputeDistance(word, strings.TrimSuffix(k, "s"))
	}
	best := slices.MinFunc(known, func(a, b string) int { return distance(a) - distance(b) })
	if distance(best) <= max(2, len(best)/3) && name != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return "; want one of " + strings.Join(slices.Compact(slices.Sorted(slices.Values(known))), ", ")
}
