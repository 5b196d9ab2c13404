package command

import (
	"context"
	"fmt"
	"os"

	"github.com/hessoscope/hessoscope/callbacks/serve"
)

type serveCmd struct {
	Runs []string `arg:"" complete:"runs" optional:"" help:"Folders of runs, or folders that contain such folders. If none is given: runs." placeholder:"RUN|DIR"`
	Port int      `help:"Port to listen on; a free one if not given." placeholder:"PORT"`
}

// Help returns the text that serve --help adds.
func (serveCmd) Help() string {
	return `
Shows runs in a browser while they train, until Ctrl-C: a list, and for each run the page that report
writes, which follows the run. Prints the address.

  hessoscope serve
  hessoscope serve sweeps/regimes --port 8800
  hessoscope train gauss --serve

Only programs on this computer can connect, and nothing can be changed through it. /metrics has the last values of
all runs for Prometheus.`
}

func (c serveCmd) Run(ctx context.Context, out *output) error {
	paths := c.Runs
	if len(paths) == 0 {
		paths = []string{"runs"}
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil {
			return err
		} else if !info.IsDir() {
			return fmt.Errorf("%s is a file; want the folder of a run, or of runs", path)
		}
	}
	l, err := serve.Listen(c.Port)
	if err != nil {
		return fmt.Errorf("--port: %w", err)
	}
	fmt.Fprintln(out.stdout, "serving", serve.URL(l))
	s := &serve.Server{Paths: paths, Collect: collectRun}
	return s.Serve(ctx, l)
}

// serveBeside serves the runs in a folder until stop is called. It prints the address of
// one of them.
func serveBeside(runs, name string, out *output) (stop func(), err error) {
	l, err := serve.Listen(0)
	if err != nil {
		return nil, fmt.Errorf("--serve: %w", err)
	}
	fmt.Fprintln(out.stderr, "serving", serve.RunURL(l, name))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	s := &serve.Server{Paths: []string{runs}, Collect: collectRun}
	go func() { ended <- s.Serve(ctx, l) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			say(out.stderr, "the page has ended: "+err.Error())
		}
	}, nil
}
