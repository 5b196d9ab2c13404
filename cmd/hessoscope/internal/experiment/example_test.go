package experiment_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
)

// A shortened preset is trained into a folder.
func Example() {
	out, err := os.MkdirTemp("", "runs")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(out)
	if err := train(filepath.Join(out, "short")); err != nil {
		fmt.Println(err)
	}
	// Output:
	// completed
	// checkpoints config.yaml metrics.csv metrics.jsonl run.json
}

func train(dir string) error {
	c, err := experiment.Load("gauss")
	if err != nil {
		return err
	}
	if err := c.Set("training.epochs=2", "model.hidden=[4]", "spectrum.off=true", "margin.off=true"); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return err
	}
	c.Resolve()
	t, err := c.Prepare(context.Background(), dir, experiment.Console{Log: io.Discard, Format: "text"})
	if err != nil {
		return err
	}
	lock, err := c.Create(dir)
	if err != nil {
		return err
	}
	stop, err := t.Run(context.Background())
	lock.Release()
	if err != nil {
		return err
	}
	fmt.Println(stop.Reason)
	files, err := os.ReadDir(dir)
	for i, f := range files {
		if i > 0 {
			fmt.Print(" ")
		}
		fmt.Print(f.Name())
	}
	return err
}
