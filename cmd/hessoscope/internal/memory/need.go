package memory

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/machine"
)

// programBytes is the approximate memory that the Go runtime does not report, mostly
// the code of the program.
const programBytes = 16e6

// Held returns the bytes that the process uses now. A process that measures needs about
// as much in addition to the measurement.
func Held() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return programBytes + float64(m.HeapAlloc) + float64(m.Sys-m.HeapSys)
}

// A Part is something that a process will need memory for, in addition to what it
// has. What is the key of a setting, or a word.
type Part struct {
	What  string
	Bytes float64
}

// Left returns how many bytes parts leave of the memory that is available: of so many GB
// of 1e9 bytes for the whole process or, if that is zero, of what the computer has left.
// It is +Inf where that is not known, and negative if parts need more.
func Left(parts []Part, gb float64) float64 { return free(gb) - sum(parts) }

func free(gb float64) float64 {
	if gb > 0 {
		return math.Max(gb*1e9-Held(), 0)
	}
	free, _ := machine.Available()
	return free
}

func sum(parts []Part) float64 {
	need := 0.0
	for _, p := range parts {
		need += p.Bytes
	}
	return need
}

// Check returns what Left does. If parts need more, the error says what is needed for
// what, and ends with what would fit, which the function fits returns for the bytes that
// the process may take in addition, and with the setting that raises the limit.
func Check(parts []Part, gb float64, setting string, fits func(free float64) string) (left float64, err error) {
	free, need := free(gb), sum(parts)
	if need <= free {
		return free - need, nil
	}
	parts = slices.DeleteFunc(slices.Clone(parts), func(p Part) bool { return p.Bytes < need/100 })
	slices.SortStableFunc(parts, func(a, b Part) int { return int(math.Copysign(1, b.Bytes-a.Bytes)) })
	var list []string
	for _, p := range parts {
		list = append(list, fmt.Sprintf("%s %s", p.What, text(p.Bytes)))
	}
	return 0, fmt.Errorf("about %s of memory are needed, and %s are available. Needed for %s. %s fits; %s=%.3g goes on nevertheless",
		text(need), text(free), strings.Join(list, ", "), fits(free), setting, math.Ceil((need+Held())/1e8)/10)
}

func text(bytes float64) string { return fmt.Sprintf("%.3g GB", bytes/1e9) }

// Kept returns how many bytes the passes may take that products share: those of a
// setting or, if it is zero, a share of so many GB or, if that is zero too, of the
// machine's memory; but no more than what is left.
func Kept(setting int64, gb, left float64) int64 {
	if setting == 0 {
		setting = models.KeptShare(machine.Memory())
		if gb > 0 {
			setting = models.KeptShare(int64(gb * 1e9))
		}
	}
	return int64(math.Max(1, math.Min(float64(setting), left))) // 0 is the default
}
