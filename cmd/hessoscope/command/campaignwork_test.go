//go:build linux && amd64

package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// work is something that a user does with one command, and repeats or goes on with if it
// was disturbed.
type work struct {
	name   string
	begin  string // folder that the work begins with
	first  []string
	trains bool                      // and so tidies the folder of the run
	next   func(dir string) []string // the command that goes on
	want   content                   // in the end, if nothing disturbs it
	took   time.Duration
	calls  int // system calls by which it changes files
}

// watched is an experiment of a moment with all hooks, which saves constantly.
const watched = `name: job
data: {set: iris}
model: {hidden: [3]}
training: {epochs: 12, batch_size: 40, rate: {base: 0.02, warmup: 2}, optimizer: {name: adam}}
spectrum: {schedule: {every: 4}}
margin: {schedule: {every: 6}, samples: 20}
effective_rank: {schedule: {every: 3}}
critical_sharpness: {schedule: {every: 3}, along: update}
sharpness: {fisher: true, perturbations: 3, schedule: {every: 6}}
export: {tensorboard: true, openmetrics: true}
checkpoint: {seconds: 0.004, schedule: {every: 4}, best: test/loss}
`

// stopped is one that stops early, goes back to its best epoch, and has a plane.
const stopped = `name: job
data: {set: gauss, samples: 60, noise: 0.5, random_labels: true}
model: {hidden: [4], activation: tanh}
training: {epochs: 40, batch_size: 13, rate: {base: 0.3, schedule: cosine}, optimizer: {momentum: 0.9}, class_weights: balanced}
spectrum: {schedule: {every: 10}, method: lanczos, top: 3}
plane: {side: 8}
margin: {schedule: {log: 3}, samples: 10}
stop: {when: {monitor: validation/loss, patience: 4}, restore_best: validation/loss}
checkpoint: {seconds: 0.004, schedule: {every: 5}}
`

// swept is a sweep of runs that start from each other.
const swept = `name: job
experiment: small.yaml
variants:
  first: {auxiliary: true}
  then: {set: {model.weights: "@first"}}
seeds: 2
`

const sweptRun = `name: small
data: {set: gauss}
model: {hidden: [3]}
training: {epochs: 3, batch_size: 20, rate: {base: 0.1}}
spectrum: {schedule: {every: 3}}
margin: {off: true}
plane: {side: 6}
checkpoint: {seconds: 0.004}
`

// prepare does all work undisturbed, to know what it is to end with.
func (c *campaign) prepare() []*work {
	begin := func(name string, files map[string]string) string {
		dir := filepath.Join(c.dir, "begin", name)
		for file, text := range files {
			write(c.t, filepath.Join(dir, file), text)
		}
		return dir
	}
	experiments := map[string]string{"watched.yaml": watched, "stopped.yaml": stopped, "small.yaml": sweptRun, "swept.yaml": swept}
	trained := begin("trained", experiments)
	train := func(file string) *work {
		first := []string{"train", file, "--no-progress"}
		return &work{name: file, begin: trained, first: first, trains: true, next: func(dir string) []string {
			if begun, _ := filepath.Glob(filepath.Join(dir, "runs/job*/config.yaml")); len(begun) == 0 {
				return first
			}
			return append(first, "--resume")
		}}
	}
	again := func(begin string, args ...string) *work {
		return &work{name: args[0], begin: begin, first: args, next: func(string) []string { return args }}
	}
	works := []*work{train("watched.yaml"), train("stopped.yaml"), again(trained, "sweep", "swept.yaml", "--jobs", "2")}
	finished := begin("finished", experiments)
	for _, args := range [][]string{works[0].first, works[2].first} {
		r := &trial{campaign: c, dir: finished}
		if end, err := r.run(args...); err != nil || end.status != 0 {
			c.t.Fatal(err, r.history)
		}
	}
	for _, args := range [][]string{
		{"report", "runs/job"},
		{"report", "sweeps/job", "--out", "page.html"},
		{"export", "runs/job", "job.safetensors"},
		{"predict", "runs/job", "--out", "predicted.npz", "--distances"},
		{"predict", "runs/job", "--out", "predicted.csv"},
		{"analyze", "runs/job", "--json", "analysis.json", "--vectors", "vectors.npz"},
		{"select", "sweeps/job", "--by", "directions", "--json", "selected.json", "--csv", "selected.csv"},
		{"stop-study", "sweeps/job", "--json", "study.json", "--csv", "study.csv"},
		{"plot", "runs/job"},
		{"runs", "--json", "runs.json"},
	} {
		works = append(works, again(finished, args...))
	}
	for i, w := range works {
		if c.each(fmt.Sprint("reference ", i), 1, func(r *trial, _ int) error { return r.reference(w) }); c.t.Failed() {
			c.t.FailNow()
		}
	}
	return works
}

// reference does work undisturbed, twice: to know how long it takes, and to know its
// system calls.
func (r *trial) reference(w *work) error {
	r.tried++
	if err := r.prepared(w); err != nil {
		return err
	}
	began := time.Now()
	end, err := r.run(w.first...)
	w.took = time.Since(began)
	if err != nil || end.status != 0 {
		return fmt.Errorf("undisturbed: %w", errors.Join(err, sound(end)))
	}
	if w.want, err = contentOf(r.dir, w.trains); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(r.dir), r.prepared(w)); err != nil {
		return err
	}
	end, err = r.traced("", func(*touch) verdict { w.calls++; return goOn }, nil, w.first...)
	if err != nil || end.status != 0 {
		return fmt.Errorf("traced: %w", errors.Join(err, sound(end)))
	}
	return r.compare(w)
}

// prepared puts what the work begins with into the folder of the trial.
func (r *trial) prepared(w *work) error { return os.CopyFS(r.dir, os.DirFS(w.begin)) }

// spread returns the work and the system call of it that disturbance i of n is to hit.
// It spreads them evenly over all system calls of all work.
func (c *campaign) spread(i, n int) (w *work, call int) {
	all := 0
	for _, w := range c.works {
		all += w.calls
	}
	if n < all { // from the middle of its share
		i = (2*i + 1) * all / (2 * n)
	}
	i %= all
	for _, w = range c.works {
		if i < w.calls {
			break
		}
		i -= w.calls
	}
	return w, i
}
