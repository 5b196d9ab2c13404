//go:build linux && amd64

package command

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"
)

var campaignSize = flag.Int("campaign", 0, "disturb trainings, sweeps and what is made of them: so many kills, and other disturbances in proportion")

// Work that is disturbed, and then repeated or resumed as a user would, ends as if it had
// never been disturbed.
func TestCampaign(t *testing.T) {
	n := *campaignSize
	if n == 0 {
		t.Skip("-campaign=N makes N kills, N/2 power cuts, N/10 full disks, N/5 meetings of processes and N flips of a bit")
	}
	c := newCampaign(t)
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\ttried\tsurvived\tof these refused first\tlost\tdifferent\tseconds\t\n")
	for _, part := range []struct {
		name  string
		count int
		try   func(c *campaign, n int) tally
	}{
		{"killed at a system call", (n + 1) / 2, killsAtCalls},
		{"killed at any moment", (n + 1) / 2, killsAtMoments},
		{"disk full", (n + 9) / 10, fullDisks},
		{"power cut", (n + 1) / 2, powerCuts},
		{"two to six processes", (n + 4) / 5, meetings},
		{"flipped bit", n, func(c *campaign, n int) (r tally) {
			r.tried, r.survived, r.lost, r.different = campaignFlips(c.t, n)
			return r
		}},
	} {
		t.Run(part.name, func(t *testing.T) {
			c.t = t
			began := time.Now()
			r := part.try(c, part.count)
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%.0f\t\n", part.name, r.tried, r.survived, r.refused, r.lost, r.different, time.Since(began).Seconds())
		})
	}
	w.Flush()
	calls := 0
	for _, w := range c.works {
		calls += w.calls
	}
	t.Logf("the work has %d system calls that change files\n%s", calls, table.String())
	for _, text := range slices.Sorted(maps.Keys(c.refusals)) {
		t.Logf("%d times refused, before it went on: %s", c.refusals[text], text)
	}
}

// tally counts how trials ended.
type tally struct {
	tried                              int // disturbances; a trial may have several
	survived, refused, lost, different int
}

// campaign makes trials.
type campaign struct {
	t        *testing.T
	program  string
	dir      string // of all trials, on a disk in memory if there is one
	works    []*work
	mu       sync.Mutex
	refusals map[string]int // what commands said that were refused in trials that survived
}

func newCampaign(t *testing.T) *campaign {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const memory = "/dev/shm"
	base := memory
	if info, err := os.Stat(memory); err != nil || !info.IsDir() {
		base = ""
	}
	dir, err := os.MkdirTemp(base, "campaign-")
	if err != nil {
		t.Fatal(err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what failed is in %s", dir)
		} else if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	c := &campaign{t: t, program: program, dir: dir, refusals: make(map[string]int)}
	c.skipUntraceable()
	c.works = c.prepare()
	return c
}

// skipUntraceable skips the test where processes must not be traced, as in some
// containers.
func (c *campaign) skipUntraceable() {
	c.t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := &trial{campaign: c, dir: c.dir}
	if _, err := r.traced("", func(*touch) verdict { return goOn }, nil, "version"); err != nil {
		c.t.Skip(err)
	}
}

// trial is a folder in which work is disturbed.
type trial struct {
	*campaign
	dir      string
	rng      *rand.Rand
	tried    int
	history  []string // command lines and how they ended
	refusals []string
}

// errDifferent is the error of a trial whose work ended, but with another result.
var errDifferent = errors.New("the result differs")

// each makes trials until n disturbances were tried, two at a time on two CPUs. Trial i of
// a part is always the same, but for times.
func (c *campaign) each(part string, n int, try func(r *trial, i int) error) tally {
	var all tally
	var next int
	take := func() (i int, more bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		next++
		return next - 1, all.tried < n && next <= 4*n // not forever if nothing can be tried
	}
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			runtime.LockOSThread() // as a tracer demands; the thread ends with the goroutine
			for i, more := take(); more; i, more = take() {
				c.one(&all, part, i, try)
			}
		})
	}
	workers.Wait()
	return all
}

// one makes trial i, and adds it to the tally.
func (c *campaign) one(all *tally, part string, i int, try func(r *trial, i int) error) {
	r := &trial{campaign: c, dir: filepath.Join(c.dir, fmt.Sprintf("%s-%d", strings.ReplaceAll(part, " ", "-"), i)), rng: rand.New(rand.NewPCG(uint64(i), uint64(len(part))))}
	err := os.Mkdir(r.dir, 0o755)
	if err == nil {
		err = try(r, i)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	all.tried += r.tried
	switch {
	case errors.Is(err, errDifferent):
		all.different++
		all.survived += max(0, r.tried-1)
	case err != nil:
		all.lost++
		all.survived += max(0, r.tried-1)
	default:
		all.survived += r.tried
		if len(r.refusals) > 0 {
			all.refused++
		}
		for _, text := range r.refusals {
			c.refusals[text]++
		}
		if err = os.RemoveAll(r.dir); err == nil {
			return
		}
	}
	c.t.Errorf("%s, trial %d: %v\n%s", part, i, err, strings.Join(r.history, "\n"))
}

// environment of the processes. They share a cache, and keep temporary files in the
// folder of the trial.
func (r *trial) environment() []string {
	return append(os.Environ(), asCommand+"=1", "XDG_CACHE_HOME="+filepath.Join(r.campaign.dir, "cache"), "TMPDIR="+r.campaign.dir)
}

// start starts a command line in the folder of the trial.
func (r *trial) start(args ...string) (*process, error) {
	p := &process{Cmd: exec.Command(r.program, args...)}
	p.Dir, p.Env, p.Stdout, p.Stderr = r.dir, r.environment(), &p.stdout, &p.stderr
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.WaitDelay = time.Second // for the output of processes that it left behind
	return p, p.Start()
}

// ended waits for a process. One that takes more than a minute is killed.
func (r *trial) ended(p *process, how string) result {
	timer := time.AfterFunc(time.Minute, func() { _ = syscall.Kill(-p.Process.Pid, syscall.SIGKILL) })
	defer timer.Stop()
	_ = p.Wait()
	return r.remember(result{p.ProcessState.ExitCode(), p.stdout.String(), p.stderr.String()}, how, p.Args[1:])
}

// remember adds a command to the history.
func (r *trial) remember(end result, how string, args []string) result {
	r.history = append(r.history, fmt.Sprintf("hessoscope %s%s: status %d %s", strings.Join(args, " "), how, end.status, strings.TrimSpace(end.stderr)))
	return end
}

// run runs a command line to its end.
func (r *trial) run(args ...string) (result, error) {
	p, err := r.start(args...)
	if err != nil {
		return result{}, err
	}
	return r.ended(p, ""), nil
}

// traced runs a command line, and traces what it does to files in the folder of the
// trial.
func (r *trial) traced(how string, before func(*touch) verdict, after func(*touch), args ...string) (result, error) {
	var files [2]*os.File
	for i := range files {
		f, err := os.CreateTemp(r.campaign.dir, "output-")
		if err != nil {
			return result{}, err
		}
		defer os.Remove(f.Name())
		defer f.Close()
		files[i] = f
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return result{}, err
	}
	defer null.Close()
	t := &tracer{dir: r.dir, before: before, after: after}
	end, err := t.run(&syscall.ProcAttr{Dir: r.dir, Env: r.environment(), Files: []uintptr{null.Fd(), files[0].Fd(), files[1].Fd()}}, append([]string{r.program}, args...)...)
	if err != nil {
		return result{}, fmt.Errorf("tracing hessoscope %q: %w", args, err)
	}
	var said [2]string
	for i, f := range files {
		text, err := os.ReadFile(f.Name())
		if err != nil {
			return result{}, err
		}
		said[i] = string(text)
	}
	return r.remember(result{end.ExitStatus(), said[0], said[1]}, how, args), nil
}

// sound returns an error unless a command ended as it should, if it was not killed: well,
// or with a status of 2 and a last line that says why.
func sound(end result) error {
	lines := strings.Split(strings.TrimSpace(end.stderr), "\n")
	last := lines[len(lines)-1]
	switch {
	case end.status == 0:
		return nil
	case end.status != exitFault || !strings.HasPrefix(last, "hessoscope: "):
		return fmt.Errorf("status %d, error %q; want one clear line", end.status, end.stderr)
	case len(lines) > 1 && !strings.HasPrefix(lines[0], "sweep ") && !strings.HasPrefix(lines[0], "hessoscope: the run has no report"):
		return fmt.Errorf("error %q; want one line", end.stderr)
	}
	return nil
}

var processNumbers = regexp.MustCompile(`process \d+ on \S+ since \S+`)

// refusal returns why a command was refused, without the numbers of processes.
func refusal(stderr string) string {
	var why []string
	for line := range strings.Lines(stderr) {
		if strings.HasPrefix(line, "hessoscope: ") || strings.Contains(line, "failed") {
			why = append(why, squeeze(processNumbers.ReplaceAllString(line, "process …")))
		}
	}
	return strings.Join(why, "; ")
}

// finish repeats or resumes the work until it is done, and compares the result.
func (r *trial) finish(w *work) error {
	for range 4 {
		end, err := r.run(w.next(r.dir)...)
		if err != nil {
			return err
		}
		if err := sound(end); err != nil {
			return err
		}
		if end.status == 0 {
			return r.compare(w)
		}
		r.refusals = append(r.refusals, refusal(end.stderr))
	}
	return errors.New("four repetitions were refused")
}

// compare returns an error unless everything in the folder is as if nothing had
// happened.
func (r *trial) compare(w *work) error {
	have, err := contentOf(r.dir, w.trains)
	if err != nil {
		return fmt.Errorf("%w: %w", errDifferent, err)
	}
	if text := differences(w.want, have); text != "" {
		return fmt.Errorf("%w: %s", errDifferent, text)
	}
	return nil
}
