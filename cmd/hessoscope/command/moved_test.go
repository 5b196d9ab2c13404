package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// startSweep writes a project with a sweep whose variants start from another, and
// interrupts the sweep when the first has ended and the second has begun. It returns
// the command that goes on.
func startSweep(t *testing.T, project string) []string {
	t.Helper()
	mkdir(t, project)
	t.Chdir(project)
	table := "x,y,label\n"
	for i := range 40 {
		table += fmt.Sprintf("%d,%d,%c\n", i%7, i%5, 'a'+i%7/3%2)
	}
	write(t, "points.csv", table)
	write(t, "quick.yaml", strings.ReplaceAll(quick, "{set: gauss}", "{csv: points.csv}"))
	write(t, "s.yaml", `
name: s
experiment: quick.yaml
set: {checkpoint.seconds: 0.05, spectrum: {schedule: {at: [0]}}}
variants:
  first: {auxiliary: true, set: {training.epochs: 3}}
  other: {set: {model.norm_of: "@first", training.epochs: 5}}
  long: {set: {model.weights: "@other", training.epochs: 8000}}
`)
	args := []string{"sweep", "s.yaml", "--jobs", "1", "--out", "runs"}
	p := start(t, args...)
	until(t, "a checkpoint of the last run", func() bool { return exists("runs/s/long/checkpoints/last.npz") })
	p.signal(t, os.Interrupt)
	if status := p.end(t); status != exitInterrupted {
		t.Fatalf("status %d: %s", status, p.stderr.String())
	}
	if strings.Contains(read(t, "runs/s/long/run.json"), `"finished"`) {
		t.Fatal("the run ended before it was interrupted; make it longer")
	}
	return args
}

// A sweep goes on after its project, or the folder of its runs alone, has been moved,
// and through a symbolic link; and all that reads runs reads them there.
func TestMoved(t *testing.T) {
	skipShort(t)
	asProcess(t)
	top, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	args := startSweep(t, "whole")
	if r := hessoscope(args...); r.status != 0 {
		t.Fatal(r.stderr)
	}
	config := read(t, "runs/s/long/config.yaml")
	for _, want := range []string{"weights: ../other/checkpoints/last.npz\n", "csv: ../../../points.csv\n", "folder: " + top + "/whole/runs/s/long\n"} {
		if !strings.Contains(config, want) {
			t.Errorf("no %q in\n%s", want, config)
		}
	}
	if config := read(t, "runs/s/other/config.yaml"); !strings.Contains(config, "norm_of: ../auxiliary/first/checkpoints/last.npz\n") {
		t.Errorf("no relative start in\n%s", config)
	}
	for _, test := range []struct {
		name, out string
		move      func() error
	}{
		{"project", "runs", func() error { t.Chdir(top); return os.Rename("project", "moved") }},
		{"runs", top + "/elsewhere/deep/runs", func() error {
			mkdir(t, top+"/elsewhere/deep")
			return os.Rename("runs", top+"/elsewhere/deep/runs")
		}},
		{"linked", "runs", func() error {
			t.Chdir(top)
			return os.Symlink("linked", "moved-link")
		}},
		{"absolute", "link", func() error { // as older versions wrote it
			for _, run := range []string{"long", "other"} {
				config := strings.ReplaceAll(read(t, "runs/s/"+run+"/config.yaml"), "csv: ../../..", "csv: "+top+"/absolute")
				config = strings.ReplaceAll(config, ": ../", ": "+top+"/absolute/runs/s/")
				config, _, _ = strings.Cut(config, "folder: ")
				write(t, "runs/s/"+run+"/config.yaml", config)
			}
			return os.Symlink("runs", "link")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(top)
			args := startSweep(t, test.name)
			if err := test.move(); err != nil {
				t.Fatal(err)
			}
			switch test.name {
			case "project":
				t.Chdir("moved")
			case "linked":
				t.Chdir("moved-link")
			}
			args[len(args)-1] = test.out
			if r := hessoscope(args...); r.status != 0 || !strings.Contains(r.stderr, "3 runs, 1 of them auxiliary, 2 finished already") {
				t.Fatalf("status %d: %s", r.status, r.stderr)
			}
			sameRun(t, filepath.Join(top, "whole/runs/s/long"), test.out+"/s/long")
			if test.name == "project" || test.name == "absolute" {
				readsEverywhere(t, test.out+"/s")
			}
		})
	}
}

// readsEverywhere runs what reads the runs of a sweep of startSweep.
func readsEverywhere(t *testing.T, dir string) {
	t.Helper()
	for _, args := range [][]string{
		{"runs", dir},
		{"select", dir, "--by", "loss"},
		{"stop-study", dir},
		{"plot", dir},
		{"report", dir},
		{"report", dir + "/long"},
		{"analyze", dir + "/long"},
		{"predict", dir + "/long", "--split", "train"},
		{"train", dir + "/long", "--resume"},
		{"export", dir + "/long", "m.safetensors"},
	} {
		if r := hessoscope(args...); r.status != 0 || strings.Contains(r.stderr, "drawn without") {
			t.Errorf("%q: status %d, error %q", args, r.status, r.stderr)
		}
	}
}

// A run that is moved alone, away from what it started from, is resumed, and so is one
// whose data have another name.
func TestMovedAlone(t *testing.T) {
	asProcess(t)
	startSweep(t, "project")
	mkdir(t, "kept")
	if err := os.Rename("runs/s/long", "kept/mine"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename("points.csv", "renamed.csv"); err != nil {
		t.Fatal(err)
	}
	refused(t, hessoscope("train", "kept/mine", "--resume", "--no-progress"), "points.csv: no such file")
	if r := hessoscope("train", "kept/mine", "--resume", "--no-progress", "--data", "renamed.csv"); r.status != 0 {
		t.Fatal(r.stderr)
	}
	if config := read(t, "kept/mine/config.yaml"); !strings.Contains(config, "weights: ../../runs/s/other/checkpoints/last.npz\n") || !strings.Contains(config, "csv: ../../renamed.csv\n") {
		t.Errorf("the resumed run does not tell where it came from:\n%s", config)
	}
}
