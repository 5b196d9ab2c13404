package reproduce

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/trainer"
)

// Settings say where and how the figures are reproduced.
type Settings struct {
	Out   string // folder of the figures, the table, and runs/
	Quick bool   // fewer epochs, samples and points, which the figures say
	// DataDir is the folder of MNIST's files; the cache if empty.
	DataDir string
	// Set has further settings of all experiments, as of experiment.Config.Set.
	Set []string
	// Lines gets a line for each picture, and the table.
	Lines io.Writer
	// Progress gets what is being done, a line a step.
	Progress io.Writer
	// Bar is where the progress of a training is shown; nowhere if nil.
	Bar io.Writer
	// Trained is called after each network has been trained; it may be nil.
	Trained func(run record.Folder, data *datasets.Dataset) error
}

// Run trains the networks of the figures as far as they are not there, measures them,
// and writes the figures and the table. A figure whose data cannot be had is left out
// with a line that says why, unless it is the only one.
func Run(ctx context.Context, figures []Figure, s Settings) error {
	figures, err := s.available(ctx, figures)
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(s.runs()); err != nil {
		return err
	}
	lock, err := experiment.Lock(s.Out)
	if err != nil {
		return err
	}
	defer lock.Release()
	if err := durable.Tidy(s.Out); err != nil {
		return err
	}
	steps := newSteps(figures, s)
	for _, r := range needed(figures) {
		if err := s.train(ctx, r, steps); err != nil {
			return err
		}
	}
	networks := make(map[string]*network)
	for _, f := range figures {
		for _, name := range f.needs {
			if networks[name] != nil {
				continue
			}
			steps.begin("measuring " + name)
			if networks[name], err = s.measure(ctx, find(name)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			steps.end(measureShare * s.cost(find(name)))
		}
	}
	for _, f := range figures {
		if err := s.write(ctx, &f, networks); err != nil {
			return err
		}
	}
	return s.writeTable(networks)
}

// available returns the figures whose data can be had.
func (s *Settings) available(ctx context.Context, figures []Figure) ([]Figure, error) {
	var kept []Figure
	for _, f := range figures {
		c, err := find(f.needs[0]).config(*s)
		if err != nil {
			return nil, err
		}
		if c.Data.Set == "mnist" {
			if _, err := c.LoadData(ctx); err != nil && len(figures) == 1 {
				return nil, err
			} else if ctx.Err() != nil {
				return nil, ctx.Err()
			} else if err != nil {
				fmt.Fprintf(s.Lines, "%s is left out: MNIST cannot be had (%v); --data-dir takes the folder of its files\n", f.Name, err)
				continue
			}
		}
		kept = append(kept, f)
	}
	return kept, nil
}

// write draws a figure and writes its pictures, as PNG and SVG.
func (s *Settings) write(ctx context.Context, f *Figure, networks map[string]*network) error {
	pictures, err := f.draw(ctx, networks)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	for _, p := range pictures {
		if s.Quick {
			p.figure.Rows[0][0].Title.Text = "quick: " + p.figure.Rows[0][0].Title.Text
		}
		for _, extension := range []string{".png", ".svg"} {
			path := filepath.Join(s.Out, f.Name+p.suffix+extension)
			if err := p.figure.Write(path); err != nil {
				return err
			}
		}
		fmt.Fprintf(s.Lines, "%s: %s\n", filepath.Join(s.Out, f.Name+p.suffix+".png"), f.Title)
	}
	return nil
}

// runs is the folder of the runs.
func (s *Settings) runs() string { return filepath.Join(s.Out, "runs") }

func (s *Settings) dir(r *recipe) string { return filepath.Join(s.runs(), r.name) }

// train trains the network of a recipe, or goes on with it, unless that is done.
func (s *Settings) train(ctx context.Context, r *recipe, steps *steps) error {
	c, err := r.config(*s)
	if err != nil {
		return err
	}
	if err := c.FindStart(s.runs()); err != nil {
		return err
	}
	c.Resolve()
	if err := c.Absolute(); err != nil {
		return err
	}
	dir := s.dir(r)
	run, err := record.ReadRun(record.Folder(dir).Run())
	finished := err == nil && run.Status == record.StatusFinished
	_, err = os.Stat(record.Folder(dir).Config())
	exists := err == nil
	if exists {
		if err := s.same(c, dir); err != nil {
			return err
		}
	}
	if finished {
		steps.end(s.cost(r))
		return nil
	}
	steps.begin("training " + r.name)
	if err := s.run(ctx, c, dir, exists); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	steps.end(s.cost(r))
	return nil
}

// run trains into dir, or goes on with the run that exists there.
func (s *Settings) run(ctx context.Context, c *experiment.Config, dir string, exists bool) error {
	console := experiment.Console{Log: io.Discard, Format: "text", Progress: s.Bar}
	if exists {
		lock, err := experiment.Lock(dir)
		if err != nil {
			return err
		}
		defer lock.Release()
		t, err := experiment.Resume(ctx, dir, experiment.Edits{}, console)
		if err != nil {
			return err
		}
		return s.finish(ctx, t, dir)
	}
	t, err := c.Prepare(ctx, dir, console)
	if err != nil {
		return err
	}
	lock, err := c.Create(dir)
	if err != nil {
		return err
	}
	defer lock.Release()
	return s.finish(ctx, t, dir)
}

// finish trains to the end.
func (s *Settings) finish(ctx context.Context, t *trainer.Trainer, dir string) error {
	if _, err := t.Run(ctx); err != nil || s.Trained == nil {
		return err
	}
	return s.Trained(record.Folder(dir), t.State().Data)
}

// same returns an error if the run in dir was begun with other settings.
func (s *Settings) same(c *experiment.Config, dir string) error {
	was, err := experiment.ReadRun(dir)
	if err != nil {
		return err
	}
	if err := experiment.Difference(was, c); err != nil {
		return fmt.Errorf("%s has other settings than %s now has: %w; take another folder (--out), or delete this run", dir, c.Name, err)
	}
	return nil
}

// cost is the estimated time that a recipe takes, in seconds.
func (s *Settings) cost(r *recipe) float64 {
	if s.Quick {
		return r.quickCost
	}
	return r.cost
}

// measureShare is the time that measuring a network takes, as a share of its cost.
const measureShare = 1

// steps tells what is being done, and how long the rest will take.
type steps struct {
	out       io.Writer
	left      float64 // estimated cost of what is not done
	done      float64 // estimated cost of what this process has done
	spent     time.Duration
	began     time.Time
	n, number int
}

func newSteps(figures []Figure, s Settings) *steps {
	all := &steps{out: s.Progress}
	for _, r := range needed(figures) {
		all.left += s.cost(r)
		all.number++
	}
	var measured []string
	for _, f := range figures {
		for _, name := range f.needs {
			if !slices.Contains(measured, name) {
				measured = append(measured, name)
				all.left += measureShare * s.cost(find(name))
				all.number++
			}
		}
	}
	return all
}

func (p *steps) begin(what string) {
	pace := 1.0
	if p.done > 0 {
		pace = p.spent.Seconds() / p.done
	}
	p.began = time.Now()
	fmt.Fprintf(p.out, "[%d/%d] %s, about %v left\n", p.n+1, p.number, what, time.Duration(p.left*pace*float64(time.Second)).Round(time.Second))
}

// end ends a step. If it was not begun, there was nothing to do.
func (p *steps) end(cost float64) {
	p.n++
	p.left -= cost
	if !p.began.IsZero() {
		p.done += cost
		p.spent += time.Since(p.began)
		p.began = time.Time{}
	}
}

// trainSplit returns the training split of an experiment's data.
func trainSplit(ctx context.Context, c *experiment.Config) (*datasets.Dataset, *datasets.Split, error) {
	data, err := c.LoadData(ctx)
	if err != nil {
		return nil, nil, err
	}
	split, err := data.Split(datasets.Train)
	return data, split, err
}
