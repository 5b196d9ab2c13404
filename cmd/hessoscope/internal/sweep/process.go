package sweep

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets/durable"
)

// train starts or resumes a run in a process that may use a number of processors. If
// the run fails, train returns the last line that the process wrote, or another
// explanation. It does not change r, because other goroutines may read it.
func (r *run) train(ctx context.Context, executable, logs string, processors int) (problem string) {
	args, err := r.arguments()
	if err != nil {
		return err.Error()
	}
	log, err := durable.OpenInside(logs, r.name+".log", os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return err.Error()
	}
	defer log.Close()
	before, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err.Error()
	}
	return lastLine(log, before, attach(ctx, executable, args, processors, log))
}

// arguments returns the command line that starts or resumes the run.
func (r *run) arguments() ([]string, error) {
	flags := []string{"--no-progress", "--attached"}
	_, err := os.Stat(record.Folder(r.dir).Config())
	if err == nil {
		return append([]string{"train", r.dir, "--resume"}, flags...), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	args := append([]string{"train", r.experiment, "--name=" + r.name, "--out=" + filepath.Dir(r.dir)}, flags...)
	for _, assignment := range r.set {
		args = append(args, "--set="+assignment)
	}
	return args, nil
}
