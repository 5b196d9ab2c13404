//go:build linux && amd64

package command

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// meetings lets two to six processes work on the same run, name or sweep, that is new or
// was killed. All do the same, or all but one read.
func meetings(c *campaign, n int) tally {
	return c.each("meeting", n, func(r *trial, i int) error {
		w := c.works[i%3]
		if err := r.prepared(w); err != nil {
			return err
		}
		args := w.first
		if i%2 == 0 {
			if err := r.killedAt(w, r.rng.IntN(w.calls)); err != nil {
				return err
			}
			args = w.next(r.dir)
		}
		out := r.dir + "-out"
		if err := os.Mkdir(out, 0o755); err != nil {
			return err
		}
		defer os.RemoveAll(out)
		same := i/6%2 == 0
		r.tried++
		var all []*process
		for k := range 2 + r.rng.IntN(5) {
			command := args
			if k > 0 && !same {
				command = r.reader(w, out)
				time.Sleep(time.Duration(r.rng.Float64() * float64(w.took) / 3))
			}
			p, err := r.start(command...)
			if err != nil {
				return err
			}
			all = append(all, p)
		}
		var wrong error
		for _, p := range all {
			if p.Args[1] == "serve" {
				r.request(p)
			}
			if err := sound(r.ended(p, " meanwhile")); err != nil && wrong == nil {
				wrong = err
			}
		}
		if wrong != nil {
			return wrong
		}
		return r.finish(w)
	})
}

// killedAt does work and kills it before one of its system calls.
func (r *trial) killedAt(w *work, call int) error {
	_, err := r.traced(fmt.Sprintf(" killed at call %d", call), func(*touch) verdict {
		if call--; call == -1 {
			return killAll
		}
		return goOn
	}, nil, w.first...)
	return err
}

// reader returns a command that reads what the work writes, and writes into the folder
// out.
func (r *trial) reader(w *work, out string) []string {
	runs, run := "runs", "runs/job"
	if w.first[0] == "sweep" {
		runs, run = "sweeps/job", "sweeps/job/then-seed_0"
	}
	to := func(name string) string { return filepath.Join(out, name) }
	all := [][]string{
		{"runs", runs},
		{"fsck", runs},
		{"report", runs, "--out", to("all.html")},
		{"report", run, "--out", to("one.html")},
		{"select", runs, "--by", "directions", "--json", to("selected.json")},
		{"stop-study", runs, "--csv", to("study.csv")},
		{"analyze", run, "--json", to("analysis.json")},
		{"export", run, to("job.safetensors")},
		{"predict", run, "--out", to("predicted.npz")},
		{"plot", run, "--out", to("plots")},
		{"serve", runs},
	}
	return all[r.rng.IntN(len(all))]
}

var servedAt = regexp.MustCompile(`(?m)^serving (http://\S+/)$`)

// request requests what a server has of all runs, and interrupts it.
func (r *trial) request(p *process) {
	for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if at := servedAt.FindStringSubmatch(p.stdout.String()); at != nil {
			for _, path := range []string{"data.json", "runs/job/data.json", "metrics"} {
				get(at[1] + path)
			}
		}
	}
	_ = syscall.Kill(p.Process.Pid, syscall.SIGINT)
}
