package command

import (
	"bytes"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/alecthomas/kong"
)

// full is a file on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// Where standard output is full, every command says so, ends with another status than 0, and
// loses nothing that it writes elsewhere.
func TestFullOutput(t *testing.T) {
	skipShort(t)
	asProcess(t)
	write(t, "quick.yaml", quick)
	write(t, "g.csv", "x0,x1\n0.5,1\n")
	write(t, "s.yaml", "name: s\nexperiment: quick.yaml\nseeds: [0]\n")
	train := brief("--name", "whole")
	succeed(t, train...)
	lines := [][]string{
		brief("--name", "r"),
		{"train", "runs/r", "--resume", "--no-progress"},
		{"analyze", "runs/whole", "--json", "-"},
		{"analyze", "runs/whole", "--json", "a.json"},
		{"predict", "runs/whole", "--data", "g.csv"},
		{"predict", "runs/whole", "--data", "g.csv", "--out", "p.csv"},
		{"export", "runs/whole", "w.safetensors"},
		{"plot", "runs/whole", "--what", "loss"},
		{"select", "runs/whole"},
		{"stop-study", "runs/whole", "--csv", "s.csv"},
		{"report", "runs/whole", "--out", "page.html"},
		{"doctor", "quick.yaml"},
		{"datasets", "list"},
		{"datasets", "describe", "iris"},
		{"sweep", "s.yaml"},
		{"runs"},
		{"runs", "whole", "--follow"},
		{"fsck", "runs/whole"},
		{"presets", "list"},
		{"presets", "print", "iris"},
		{"version"},
		{"completion", "bash"},
		{"serve"},
		{"help", "train"},
	}
	for _, args := range lines {
		var stderr bytes.Buffer
		status := Main(args, full{}, &stderr)
		if want := "hessoscope: standard output: no space left on device\n"; status == 0 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%q: status %d, error %q; want %q", args, status, stderr.String(), want)
		}
	}
	for _, file := range []string{"a.json", "p.csv", "w.safetensors", "runs/whole/plots/loss.png", "s.csv", "page.html", "sweeps/s/sweep.csv"} {
		if size(file) == 0 {
			t.Errorf("%s was not written", file)
		}
	}
	succeed(t, "train", "runs/r", "--resume", "--no-progress")
	sameRun(t, "runs/whole", "runs/r")

	parser, err := kong.New(new(cli), kong.Vars{"mostruns": "1"})
	if err != nil {
		t.Fatal(err)
	}
	untried := []string{"datasets", "datasets fetch", "presets", "reproduce"} // print as their parts do, or take minutes
	for _, c := range leaves(parser.Model.Node) {
		tried := slices.ContainsFunc(lines, func(args []string) bool { return strings.HasPrefix(strings.Join(args, " ")+" ", c.path+" ") })
		if !tried && !slices.Contains(untried, c.path) {
			t.Errorf("%s is not tried", c.path)
		}
	}
}
