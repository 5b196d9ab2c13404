package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/hessoscope/hessoscope/callbacks"
)

// phase is how far a run of a sweep is.
type phase int

const (
	waiting phase = iota
	training
	finished
	interrupted
	failed
)

func (p phase) String() string {
	return [...]string{"waiting", "training", "finished", "interrupted", "failed"}[p]
}

// fail ends a run with a problem.
func (r *sweepRun) fail(problem string) { r.phase, r.problem = failed, problem }

// refresh reads the record of a run. One that is not finished waits.
func (r *sweepRun) refresh() {
	record, err := callbacks.ReadRun(filepath.Join(r.dir, runFile))
	if err != nil { // not begun; if it is broken, the process that resumes it tells so
		return
	}
	r.record = record
	if record.Status == callbacks.StatusFinished {
		r.phase = finished
	}
}

// saveTime is how long an interrupted process may take to save before it is
// killed; it can be resumed then, too.
const saveTime = time.Minute

// train trains a run in a process, begun anew or resumed, and returns the last
// line that it wrote or what else may be wrong. It changes nothing in r: other
// runs may look at it meanwhile.
func (r *sweepRun) train(ctx context.Context, executable string, s *sweep) (problem string) {
	args, err := r.arguments()
	if err != nil {
		return err.Error()
	}
	log, err := os.OpenFile(filepath.Join(s.dir, logsDir, r.name+".log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return err.Error()
	}
	defer log.Close()
	before, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err.Error()
	}
	return lastLine(log, before, attach(ctx, executable, args, max(1, s.processors/s.jobs), log))
}

// ended takes over what has become of a run whose process has ended.
func (r *sweepRun) ended(ctx context.Context, problem string) {
	r.refresh()
	switch {
	case r.phase == finished:
	case ctx.Err() != nil:
		r.phase = interrupted
	default:
		r.fail(problem)
	}
}

// arguments are the command line that begins or resumes the run.
func (r *sweepRun) arguments() ([]string, error) {
	flags := []string{"--no-progress", "--attached"}
	_, err := os.Stat(filepath.Join(r.dir, configFile))
	if err == nil {
		return append([]string{"train", r.dir, "--resume"}, flags...), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := r.clear(); err != nil {
		return nil, err
	}
	args := append([]string{"train", r.experiment, "--name=" + r.name, "--out=" + filepath.Dir(r.dir)}, flags...)
	for _, assignment := range r.set {
		args = append(args, "--set="+assignment)
	}
	return args, nil
}

// clear removes the folder that a process killed before it wrote its settings
// has left.
func (r *sweepRun) clear() error {
	if err := tidy(r.dir); err != nil {
		return err
	}
	if err := os.Remove(r.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// attach runs a process that ends when this one does. Its standard input is a
// pipe: a byte asks it to save and end, as an interrupt would, but for one that
// a terminal sends to both processes it does not count as the second; and the
// pipe closes however this process ends. See obey.
func attach(ctx context.Context, executable string, args []string, processors int, log *os.File) error {
	cmd := exec.CommandContext(ctx, executable, args...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", processors))
	cmd.Stdout, cmd.Stderr = log, log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	cmd.Cancel = func() error {
		_, err := stdin.Write([]byte{'\n'})
		return err
	}
	cmd.WaitDelay = saveTime
	return cmd.Run()
}

// obey is the other end of attach, in the process. A run that ends at once can
// be resumed as one that was killed.
func obey(stdin io.Reader, interrupt func()) {
	for {
		n, err := stdin.Read(make([]byte, 1))
		if n > 0 {
			interrupt()
		}
		if err != nil {
			os.Exit(exitInterrupted)
		}
	}
}

// lastLine is what a process has written last, from an offset on; how it ended
// where it has written nothing.
func lastLine(log *os.File, from int64, end error) string {
	text, err := io.ReadAll(io.NewSectionReader(log, from, 1<<62))
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	last := strings.TrimPrefix(string(lines[len(lines)-1]), "hessoscope: ")
	var exit *exec.ExitError
	switch {
	case errors.As(end, &exit) && exit.ExitCode() == exitFault && last != "" && err == nil:
		return last
	case end != nil:
		return end.Error()
	default:
		return "it ended without finishing its run"
	}
}
