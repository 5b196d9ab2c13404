package command

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// wantRefused runs a command line that must be refused, because a process trains into a
// folder.
func wantRefused(t *testing.T, dir string, process int, args ...string) {
	t.Helper()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	r := hessoscope(args...)
	if want := fmt.Sprintf("hessoscope: %s is being trained by process %d on %s since 2", dir, process, host); r.status != exitFault || !strings.HasPrefix(r.stderr, want) {
		t.Errorf("%q: status %d, error %q; want %q", args, r.status, r.stderr, want)
	}
}

// A run that is being trained is not resumed by a second process, and is read as ever.
// When its process is killed, it can be resumed at once.
func TestSecondProcess(t *testing.T) {
	chdir(t)
	p := start(t, long()...)
	saved := func() bool {
		return exists("runs/iris/checkpoints/last.npz") && size("runs/iris/metrics.jsonl") > 5000
	}
	until(t, "a checkpoint and some metrics", saved)
	wantRefused(t, "runs/iris", p.Process.Pid, "train", "runs/iris", "--resume", "--no-progress")
	wantRefused(t, "runs/iris", p.Process.Pid, "train", "iris", "--resume", "--no-progress")
	for _, args := range [][]string{{"runs", "runs"}, {"analyze", "runs/iris"}, {"report", "runs/iris", "--out", "page.html"}} {
		if r := hessoscope(args...); r.status != 0 {
			t.Errorf("%q: status %d, error %q", args, r.status, r.stderr)
		}
	}
	if p.signal(t, syscall.SIGKILL); p.end(t) != -1 {
		t.Fatal("the run ended before it was killed; make it longer")
	}
	before := size("runs/iris/metrics.jsonl")
	p = start(t, "train", "runs/iris", "--resume", "--no-progress")
	until(t, "the resumed run", func() bool { return size("runs/iris/metrics.jsonl") > before+5000 })
	p.signal(t, os.Interrupt)
	if status := p.end(t); status != exitInterrupted {
		t.Errorf("status %d: %s", status, p.stderr.String())
	}
	if exists("runs/iris/.lock") {
		t.Error("the lock was left behind")
	}
}

// Processes that start runs of one name at the same time get a run each. One takes over
// the folder of a process that was killed before it wrote anything.
func TestStartsOfOneName(t *testing.T) {
	chdir(t)
	args := long("--set", "training.epochs=20", "--set", "spectrum.schedule={at: [0]}", "--set", "checkpoint={}")
	succeed(t, append(args, "--out", "whole")...)
	write(t, "runs/iris/.lock", "")
	var all []*process
	for range 6 {
		all = append(all, start(t, args...))
	}
	for _, p := range all {
		if status := p.end(t); status != 0 {
			t.Errorf("status %d: %s", status, p.stderr.String())
		}
	}
	for _, dir := range []string{"iris", "iris-2", "iris-3", "iris-4", "iris-5", "iris-6"} {
		sameRun(t, "whole/iris", "runs/"+dir)
	}
	if entries, err := os.ReadDir("runs"); err != nil || len(entries) != 6 {
		t.Errorf("%d runs, error %v", len(entries), err)
	}
}

// A sweep that is being trained is not trained by a second process, nor are its runs.
func TestSecondSweep(t *testing.T) {
	asProcess(t)
	write(t, "quick.yaml", quick)
	write(t, "slow.yaml", slow)
	p := start(t, "sweep", "slow.yaml", "--jobs", "2")
	until(t, "the runs", func() bool {
		return exists("sweeps/slow/a-seed_0/checkpoints/last.npz") && exists("sweeps/slow/a-seed_1/checkpoints/last.npz")
	})
	wantRefused(t, "sweeps/slow", p.Process.Pid, "sweep", "slow.yaml", "--jobs", "2")
	r := hessoscope("train", "sweeps/slow/a-seed_0", "--resume", "--no-progress")
	if want := "hessoscope: sweeps/slow/a-seed_0 is being trained by process "; r.status != exitFault || !strings.HasPrefix(r.stderr, want) {
		t.Errorf("status %d, error %q; want %q", r.status, r.stderr, want)
	}
	p.signal(t, os.Interrupt)
	if status := p.end(t); status != exitInterrupted {
		t.Errorf("status %d: %s", status, p.stderr.String())
	}
	for path := range tree(t) {
		if strings.HasSuffix(path, "/.lock") {
			t.Errorf("%s was left behind", path)
		}
	}
}
