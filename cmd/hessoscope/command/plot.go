package command

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/hessoscope/hessoscope/callbacks/plot"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/datasets/suggest"
)

type plotCmd struct {
	Runs   []string `arg:"" help:"Folders of runs, or folders that contain such folders; several are drawn into the same figures, at most ${mostruns}." placeholder:"RUN_DIR"`
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
	t := tabwriter.NewWriter(&figures, 0, 0, 2, ' ', 0)
	for _, k := range plot.Kinds() {
		fmt.Fprintf(t, "  %s\t%s\n", k.Name, k.Shows)
	}
	fmt.Fprintf(t, "  %s\tthe boundary over the epochs, as an animated GIF\n", animation)
	t.Flush()
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
	t := tabwriter.NewWriter(out.stdout, 0, 0, 2, ' ', 0)
	var runs []*plot.Run
	for _, folder := range folders {
		run, err := plot.Read(folder)
		if err != nil {
			return err
		}
		if run.Samples, err = planeSamples(ctx, folder, run.Record); err != nil {
			fmt.Fprintf(out.stderr, "hessoscope: %s: drawn without its samples: %s\n", folder, firstLine(err.Error()))
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
	if err := durable.MkdirAll(dir); err != nil {
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
	if err := t.Flush(); err != nil {
		return err
	}
	if written == 0 {
		return fmt.Errorf("nothing was drawn: %s recorded none of what was asked for", strings.Join(c.Runs, ", "))
	}
	return nil
}

// tell writes the row of a figure: its file and what it shows, or why it is left out.
// It returns other errors than that something is missing.
func tell(t *tabwriter.Writer, name, path, shows string, err error, written *int) error {
	if plot.IsMissing(err) {
		_, err = fmt.Fprintf(t, "%s\t–\tleft out: %s\n", name, err)
		return err
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	*written++
	_, err = fmt.Fprintf(t, "%s\t%s\t%s\n", name, path, shows)
	return err
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
