package command

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/plot"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/terminal"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/datasets/suggest"
)

type plotCmd struct {
	Runs   []string `arg:"" complete:"runs" help:"Folders of runs, or folders that contain such folders; several are drawn into the same figures, at most ${mostruns}." placeholder:"RUN_DIR"`
	What   []string `help:"Draw these of the figures above only. The animation is drawn only if it is named." placeholder:"NAME"`
	Out    string   `help:"Folder of the pictures; RUN_DIR/plots if empty, and of several runs plots beside the first." placeholder:"DIR"`
	Format string   `help:"Format of the pictures: ${enum}." enum:"png,svg" default:"png"`
}

// animation is the figure that is not still: it has a format of its own.
const animation = "animation"

// figureNames are the names that --what takes.
func figureNames() []string {
	var names []string
	for _, k := range plot.Kinds() {
		names = append(names, k.Name)
	}
	return append(names, animation)
}

// Help returns the text that plot --help adds.
func (plotCmd) Help() string {
	var figures strings.Builder
	for _, k := range append(plot.Kinds(), plot.Kind{Name: animation, Shows: "the boundary over the epochs, as an animated GIF"}) {
		fmt.Fprintf(&figures, "  %-11s  %s\n", k.Name, k.Shows)
	}
	return `
Draws what runs recorded: a picture for each figure that they have enough for. What a run has not
recorded is left out, and the table says why.

  hessoscope plot runs/gauss
  hessoscope plot runs/gauss --what loss,boundary --format svg --out pictures
  hessoscope plot runs/simple runs/winding --what eigenvalues,margin,alignment

` + figures.String() + `
Curves of several runs are drawn into the same axes, each run in its colour; maps stand in rows.
An interval is drawn as a band, a lower bound as a triangle that points up. Maps need inputs of two
values, and show the last epoch at which all eigenvalues were measured. With the default budget that
may be the last epoch alone: train with --set 'spectrum.schedule={log: 40}' to see them evolve, and
with --set plane.side=64 in detail.`
}

func (c plotCmd) Run(ctx context.Context, out *output) error {
	for _, name := range c.What {
		if names := figureNames(); !slices.Contains(names, name) {
			return fmt.Errorf("--what: %.60q%s", name, suggest.Nearest(name, names))
		}
	}
	folders, err := record.Runs(c.Runs)
	if err != nil {
		return err
	}
	if len(folders) > plot.Classes {
		return fmt.Errorf("%d runs; at most %d can be told apart in one figure", len(folders), plot.Classes)
	}
	t := &terminal.Table{Columns: []terminal.Column{{Heading: "FIGURE"}, {Heading: "FILE"}, {Heading: "WHAT IT SHOWS", Text: true}}}
	var runs []*plot.Run
	for _, folder := range folders {
		run, err := plot.Read(folder)
		if err != nil {
			return err
		}
		if run.Samples, err = planeSamples(ctx, folder, run.Record); err != nil {
			say(out.stderr, fmt.Sprintf("%s: drawn without its samples: %s", folder, firstLine(err.Error())))
		}
		runs = append(runs, run)
	}
	dir := c.Out
	if dir == "" {
		dir = filepath.Join(string(folders[0]), "plots")
		if len(folders) > 1 {
			dir = filepath.Join(filepath.Dir(string(folders[0])), "plots")
		}
	}
	if c.Out != "" {
		err = durable.MkdirAll(dir)
	} else {
		err = durable.MkdirInside(filepath.Split(dir))
	}
	if err != nil {
		return err
	}
	written := 0
	for _, kind := range plot.Kinds() {
		if len(c.What) > 0 && !slices.Contains(c.What, kind.Name) {
			continue
		}
		path := filepath.Join(dir, kind.Name+"."+c.Format)
		figure, err := kind.Draw(runs)
		if err == nil {
			err = figure.Write(path)
		}
		if err := tell(t, kind.Name, path, kind.Shows, err, &written); err != nil {
			return err
		}
	}
	if slices.Contains(c.What, animation) {
		for _, run := range runs {
			name := animation
			if len(runs) > 1 {
				name += "-" + run.Name
			}
			path := filepath.Join(dir, name+".gif")
			var b bytes.Buffer
			err := plot.Animate(&b, run)
			if err == nil {
				err = durable.WriteFile(path, b.Bytes())
			}
			if err := tell(t, name, path, "the boundary over the epochs", err, &written); err != nil {
				return err
			}
		}
	}
	if err := t.Write(out.stdout); err != nil {
		return err
	}
	if written == 0 {
		return fmt.Errorf("nothing was drawn: %s recorded none of what was asked for", strings.Join(c.Runs, ", "))
	}
	return nil
}

// tell adds the row of a figure: its file and what it shows, or why it is left out.
// It returns other errors than that something is missing.
func tell(t *terminal.Table, name, path, shows string, err error, written *int) error {
	switch {
	case plot.IsMissing(err):
		t.Rows = append(t.Rows, []string{name, "–", "left out: " + err.Error()})
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	default:
		*written++
		t.Rows = append(t.Rows, []string{name, path, shows})
	}
	return nil
}

// planeSamples returns the training samples of a run, nil unless they have two values
// and a class.
func planeSamples(ctx context.Context, folder record.Folder, run *record.Run) (*plot.Samples, error) {
	if !slices.Equal(run.Model.InputShape, []int{2}) {
		return nil, nil
	}
	config, err := experiment.ReadRun(string(folder))
	if err != nil {
		return nil, err
	}
	data, err := config.LoadData(ctx)
	if err != nil {
		return nil, err
	}
	split, err := data.Split(datasets.Train)
	if err != nil || split.Labels == nil {
		return nil, err
	}
	return &plot.Samples{X: split.Values(), Labels: split.Labels}, nil
}
