package memory

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Part is something that a process will need memory for, in addition to what it
// has. What is the key of a setting, or a word.
type Part struct {
	What  string
	Bytes float64
}

// Check returns an error if parts need more memory together than is available:
// so many GB of 1e9 bytes for the whole process or, if that is zero, what the computer
// has. It says what is needed for what, and ends with what would fit, which the function
// fits returns for the bytes that the process may take in addition, and with the setting
// that raises the limit.
func Check(parts []Part, gb float64, setting string, fits func(free float64) string) error {
	free, known := Available()
	if gb > 0 {
		free, known = math.Max(gb*1e9-Held(), 0), true
	}
	need := 0.0
	for _, p := range parts {
		need += p.Bytes
	}
	if !known || need <= free {
		return nil
	}
	parts = slices.DeleteFunc(slices.Clone(parts), func(p Part) bool { return p.Bytes < need/100 })
	slices.SortStableFunc(parts, func(a, b Part) int { return int(math.Copysign(1, b.Bytes-a.Bytes)) })
	var list []string
	for _, p := range parts {
		list = append(list, fmt.Sprintf("%s %s", p.What, text(p.Bytes)))
	}
	return fmt.Errorf("about %s of memory are needed, and %s are available. Needed for %s. %s fits; %s=%.3g goes on nevertheless",
		text(need), text(free), strings.Join(list, ", "), fits(free), setting, math.Ceil((need+Held())/1e8)/10)
}

func text(bytes float64) string { return fmt.Sprintf("%.3g GB", bytes/1e9) }
