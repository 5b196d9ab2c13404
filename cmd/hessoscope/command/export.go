package command

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/terminal"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/models"
)

type exportCmd struct {
	Folder string `arg:"" complete:"runs" name:"run" help:"Folder of a run." placeholder:"RUN_DIR"`
	File   string `arg:"" name:"file" help:"File to write, MODEL.safetensors." placeholder:"MODEL.safetensors"`
	Epoch  int    `help:"Epoch of the run whose checkpoint was kept; the last if not given." default:"-1" placeholder:"N"`
}

// Help returns the text that export --help adds.
func (exportCmd) Help() string {
	return `
Writes one file with the weights, as PyTorch lays them out, and in its metadata the layers, the scaling
of the inputs, the names of the features and of the classes in the order of the outputs, the fingerprint
of the data, and the metrics of the epoch.

  hessoscope export runs/iris iris.safetensors
  hessoscope predict iris.safetensors --data new.csv
  hessoscope analyze --weights iris.safetensors --data iris

docs/your-own-data.md reads it in Python.`
}

func (e exportCmd) Run(ctx context.Context, out *output) error {
	if !strings.EqualFold(filepath.Ext(e.File), ".safetensors") {
		return fmt.Errorf("%s: want a name that ends in .safetensors", e.File)
	}
	if err := writable(e.File); err != nil {
		return err
	}
	trained, err := experiment.ReadTrained(ctx, e.Folder, e.Epoch)
	if err != nil {
		return err
	}
	if err := trained.Write(e.File); err != nil {
		return err
	}
	return terminal.Wrap(out.stdout, fmt.Sprintf("%s: %s, %d parameters, epoch %d of %s\n", e.File, models.Describe(trained.Model), models.Size(trained.Model), trained.Epoch, e.Folder))
}
