package command

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// long is a run of some seconds that constantly saves, measures and writes.
func long(args ...string) []string {
	return append([]string{
		"train", "iris", "--no-progress", "--set", "training.epochs=5000", "--set", "training.batch_size=40", "--set", "model.hidden=[12]",
		"--set", "training.optimizer={name: adam}", "--set", "training.rate.base=0.001", "--set", "checkpoint={seconds: 0.05, schedule: {every: 500}, best: test/loss}",
		"--set", "spectrum={method: lanczos, top: 3, bottom: 2, schedule: {every: 100}}",
	}, args...)
}

// process is a command that runs in a process of its own.
type process struct {
	*exec.Cmd
	stdout, stderr lockedBuffer
}

// lockedBuffer is a buffer that can be read while a process writes to it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var _ io.Writer = (*lockedBuffer)(nil)

// start starts a command line and keeps its output.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	return startOnto(t, nil, args...)
}

// startOnto starts a command line that writes its output to a file. If the file is
// nil, it keeps the output.
func startOnto(t *testing.T, stdout *os.File, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0], args...)}
	p.Env = append(os.Environ(), asCommand+"=1")
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	if stdout != nil {
		p.Stdout = stdout
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.ProcessState == nil {
			_ = p.Process.Kill()
			_ = p.Wait()
		}
	})
	return p
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}

// end waits for the process and returns its exit status, -1 if it was killed.
func (p *process) end(t *testing.T) int {
	t.Helper()
	var exit *exec.ExitError
	if err := p.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.ProcessState.ExitCode()
}

// until waits until a condition is true.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// A run that is killed repeatedly, at any moment, ends as if it had never been killed.
func TestKill(t *testing.T) {
	kills := 10
	if testing.Short() {
		kills = 3
	}
	chdir(t)
	began := time.Now()
	if p := start(t, long("--name", "whole")...); p.end(t) != 0 {
		t.Fatal(p.stderr.String())
	}
	whole := time.Since(began)

	p := start(t, long("--name", "killed")...)
	until(t, "config.yaml", func() bool { return exists("runs/killed/config.yaml") })
	p.signal(t, syscall.SIGKILL) // before the first checkpoint
	p.end(t)
	if exists("runs/killed/checkpoints/last.npz") {
		t.Log("the first checkpoint came before the first kill")
	}
	killed, rng := 1, rand.New(rand.NewPCG(1, 0))
	for range kills {
		p := start(t, "train", "iris", "--name", "killed", "--resume", "--no-progress")
		// Some of the times are shorter than the start of the process; their sum is not
		// longer than the run.
		time.Sleep(time.Duration(rng.Float64() * float64(whole) / 5))
		p.signal(t, syscall.SIGKILL)
		if p.end(t) == 0 {
			break
		}
		killed++
		t.Logf("killed after %d bytes of metrics", size("runs/killed/metrics.jsonl"))
	}
	if killed < 3 {
		t.Errorf("the run ended after %d kills; make it longer", killed)
	}
	succeed(t, "train", "iris", "--name", "killed", "--resume", "--no-progress")
	sameRun(t, "runs/whole", "runs/killed")
	sameCheckpoints(t, "runs/whole", "runs/killed")
	for path := range tree(t) {
		if strings.HasPrefix(path, "tmp/") || strings.Contains(path, "/.") {
			t.Errorf("%s was left behind", path)
		}
	}
}

// sameCheckpoints compares the checkpoints that are kept.
func sameCheckpoints(t *testing.T, want, have string) {
	t.Helper()
	for _, file := range []string{"best", "epoch-000000", "epoch-000500", "epoch-002500"} {
		a, b := checkpoint(t, want+"/checkpoints/"+file+".npz"), checkpoint(t, have+"/checkpoints/"+file+".npz")
		for i := range a.Arrays {
			for j, v := range a.Arrays[i].Data {
				if b.Arrays[i].Data[j] != v {
					t.Fatalf("%s.npz: %s[%d] is %v and %v", file, a.Arrays[i].Name, j, v, b.Arrays[i].Data[j])
				}
			}
		}
	}
}

// After an interrupt, the command finishes the step, saves, and says how to resume.
func TestInterrupt(t *testing.T) {
	chdir(t)
	short := long("--set", "training.epochs=800", "--set", "checkpoint.seconds=1000")
	succeed(t, append(short, "--name", "whole")...)
	for _, test := range []struct {
		name   string
		signal os.Signal
	}{{"sigint", os.Interrupt}, {"sigterm", syscall.SIGTERM}, {"sighup", syscall.SIGHUP}} {
		t.Run(test.name, func(t *testing.T) {
			if signal.Ignored(syscall.SIGHUP) && test.name == "sighup" {
				t.Skip("nohup has it ignored")
			}
			dir := "runs/" + test.name
			p := start(t, append(short, "--name", test.name)...)
			until(t, "metrics", func() bool { return size(dir+"/metrics.jsonl") > 5000 })
			p.signal(t, test.signal)
			time.Sleep(time.Millisecond) // else the system may make one of both
			p.signal(t, test.signal)     // as timeout does
			sent := time.Now()
			if status := p.end(t); status != exitInterrupted {
				t.Errorf("status %d; want %d", status, exitInterrupted)
			}
			if took := time.Since(sent); took > 2*time.Second {
				t.Errorf("it took %v to end", took)
			}
			want := "hessoscope: interrupted; saved in " + dir + "; resume with: hessoscope train " + dir + " --resume"
			if !strings.Contains(p.stderr.String(), want) {
				t.Errorf("error %q; want it to say %q", p.stderr.String(), want)
			}
			if text := read(t, dir+"/run.json"); !strings.Contains(text, `"status": "interrupted"`) {
				t.Errorf("record %s; want it interrupted", text)
			}
			succeed(t, "train", dir, "--resume", "--no-progress")
			sameRun(t, "runs/whole", dir)
		})
	}
}

// The second interrupt ends the process even if it is blocked, here because nobody
// reads its log.
func TestSecondInterrupt(t *testing.T) {
	chdir(t)
	p := startOnto(t, fullPipe(t), long()...)
	until(t, "the start of the run", func() bool { return exists("runs/iris/config.yaml") })
	p.signal(t, os.Interrupt)
	until(t, "the first interrupt", func() bool { return strings.Contains(p.stderr.String(), "interrupt again") })
	time.Sleep(oneInterrupt + 100*time.Millisecond) // in which a run that does not wait would end
	if strings.Contains(p.stderr.String(), "interrupted; saved") {
		t.Errorf("the first interrupt did not wait: %s", p.stderr.String())
	}
	p.signal(t, os.Interrupt)
	sent := time.Now()
	if status := p.end(t); status != exitInterrupted {
		t.Errorf("status %d; want %d", status, exitInterrupted)
	}
	if took := time.Since(sent); took > 5*time.Second {
		t.Errorf("it took %v to end", took)
	}
}

// When the reader of its output has gone, a run is saved, and can be resumed.
func TestClosedOutput(t *testing.T) {
	chdir(t)
	short := long("--set", "training.epochs=800", "--set", "checkpoint.seconds=1000")
	succeed(t, append(short, "--name", "whole")...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := startOnto(t, w, append(short, "--name", "closed")...)
	w.Close()
	until(t, "metrics", func() bool { return size("runs/closed/metrics.jsonl") > 5000 })
	r.Close()
	if status := p.end(t); status != exitInterrupted {
		t.Errorf("status %d; want %d", status, exitInterrupted)
	}
	if want := "hessoscope: interrupted; saved in runs/closed; resume with: hessoscope train runs/closed --resume\n"; p.stderr.String() != want {
		t.Errorf("error %q; want %q", p.stderr.String(), want)
	}
	succeed(t, "train", "runs/closed", "--resume", "--no-progress")
	sameRun(t, "runs/whole", "runs/closed")

	p = startOnto(t, closedPipe(t), "presets")
	if status := p.end(t); status != exitPipe || p.stderr.String() != "" {
		t.Errorf("status %d, error %q; want %d and no error", status, p.stderr.String(), exitPipe)
	}
}

// closedPipe returns a pipe that nobody reads.
func closedPipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	t.Cleanup(func() { w.Close() })
	return w
}

// fullPipe returns a full pipe: writing to it blocks forever.
func fullPipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	for _, chunk := range []int{1 << 16, 1} { // large ones, then what is left
		for err = nil; err == nil; {
			if err := w.SetWriteDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			_, err = w.Write(make([]byte, chunk))
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
	}
	return w
}
