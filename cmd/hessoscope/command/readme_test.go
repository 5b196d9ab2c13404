package command

import (
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Whoever types these commands of README.md, in its order, gets what it shows, times
// aside. Each takes seconds.
func TestReadme(t *testing.T) {
	skipShort(t)
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	chdir(t)
	quick := []string{
		"train iris", "train iris --set seed=1 --name iris-1", "train iris --set seed=2 --name iris-2",
		"select runs/iris runs/iris-1 runs/iris-2 --match-loss --evaluate", "analyze runs/iris --margin --margins distances.csv",
	}
	const program = "    go run ./cmd/hessoscope "
	took := regexp.MustCompile(` +[0-9.]+m?s$`)
	var ran []string
	printed, shown, began := "", 0, false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if command, ok := strings.CutPrefix(line, program); ok {
			command, _, _ = strings.Cut(command, "  ")
			if printed, began = "", false; slices.Contains(quick, command) {
				ran = append(ran, command)
				printed = typed(t, command)
			}
			continue
		}
		output, indented := strings.CutPrefix(line, "    ")
		switch {
		case strings.HasPrefix(line, "#") || strings.HasPrefix(line, "```"):
			printed = ""
		case !indented && line != "" && began: // the output has ended
			printed = ""
		case !indented || printed == "":
		default:
			began = true
			shown++
			want := strings.TrimSpace(took.ReplaceAllString(output, ""))
			if !slices.ContainsFunc(strings.Split(printed, "\n"), func(have string) bool {
				return alike(strings.Fields(took.ReplaceAllString(have, "")), strings.Fields(want))
			}) {
				t.Errorf("%s does not print %q, but:\n%s", ran[len(ran)-1], want, printed)
			}
		}
	}
	if !slices.Equal(ran, quick) || shown < 15 {
		t.Errorf("README.md has the commands %q and %d lines that they print; want %q and 15", ran, shown, quick)
	}
}

// typed runs a command of a page, and returns what it printed. It may tell its progress
// besides, which depends on the speed of the machine.
func typed(t *testing.T, command string) string {
	t.Helper()
	r := hessoscope(strings.Fields(command)...)
	if r.status != 0 {
		t.Fatalf("hessoscope %s: status %d, error %s", command, r.status, r.stderr)
	}
	return r.stdout
}

// alike tells whether words are the same but for the last digits of numbers, which depend
// on the instructions that a machine has.
func alike(have, want []string) bool {
	return slices.EqualFunc(have, want, func(a, b string) bool {
		x, err1 := strconv.ParseFloat(a, 64)
		y, err2 := strconv.ParseFloat(b, 64)
		return a == b || err1 == nil && err2 == nil && math.Abs(x-y) <= 1e-3*math.Abs(y)
	})
}
