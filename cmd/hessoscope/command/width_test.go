package command

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// screen is a terminal of some columns.
type screen struct {
	bytes.Buffer
	columns int
}

func (s *screen) Columns() int { return s.columns }

// What commands print for people fits terminals of every width, without what erases
// lines of progress. A single word, such as an address, may be longer.
func TestFits(t *testing.T) {
	skipShort(t)
	chdir(t)
	t.Setenv(asCommand, "1")
	t.Setenv("TERM", "dumb")
	write(t, "customers.csv", customers(300))
	write(t, "customers.yaml", customersExperiment)
	write(t, "widths.yaml", "name: widths\nexperiment: iris\nset: {training.epochs: 4, spectrum.schedule: {every: 2}}\n"+
		"grid: {model.hidden: [[4], [5]], training.rate.base: [0.05, 0.01]}\nseeds: [0, 1]\n")
	succeed(t, "train", "customers.yaml", "--no-progress", "--set", "training.epochs=2")
	succeed(t, "train", "iris", "--set", "training.epochs=4", "--set", "model.hidden=[8]", "--no-progress")
	if r := hessoscope("sweep", "widths.yaml"); r.status != 0 {
		t.Fatal(r.stderr)
	}
	commands := []string{
		"runs", "runs sweeps/widths", "select sweeps/widths --evaluate", "select sweeps/widths --match-loss --by directions", "sweep widths.yaml",
		"stop-study runs/iris", "stop-study sweeps/widths", "analyze runs/iris --margin --top 3 --bottom 2", "analyze runs/customers --split test --no-complexity",
		"predict runs/iris --split test --distances", "predict runs/customers --split test", "doctor runs/iris", "plot runs/iris --what loss,margin,boundary",
		"report runs/iris", "export runs/iris iris.safetensors", "datasets", "datasets describe iris", "datasets describe cifar10", "presets", "--version",
		"train runs/iris --resume", "train iris --name fits --no-progress --set training.epochs=3 --set model.hidden=[8]", "train nothing", "analyze runs/irs", "predict nothing", "plot runs/iris --what loss,nothing", "--help",
	}
	for _, c := range []string{
		"train", "analyze", "predict", "export", "plot", "select", "stop-study", "report", "doctor", "datasets", "datasets list", "datasets describe", "datasets fetch",
		"sweep", "runs", "serve", "reproduce", "presets", "presets list", "presets print", "version", "completion",
	} {
		commands = append(commands, c+" --help")
	}
	for _, columns := range []int{60, 80, 100, 200} {
		for _, c := range commands {
			stdout, stderr := &screen{columns: columns}, &screen{columns: columns}
			Main(strings.Fields(c), stdout, stderr)
			text := stdout.String() + stderr.String()
			if text == "" || strings.ContainsAny(text, "\r\x1b") {
				t.Errorf("%s: %q", c, text)
			}
			for line := range strings.Lines(text) {
				if line = strings.TrimRight(line, "\n"); utf8.RuneCountInString(line) > columns && strings.Contains(strings.TrimSpace(line), " ") {
					t.Error(fmt.Sprintf("%s in %d columns:\n", c, columns) + line)
				}
			}
		}
	}
}
