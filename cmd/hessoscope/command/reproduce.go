package command

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/terminal"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/reproduce"
	"github.com/hessoscope/hessoscope/datasets/suggest"
)

type reproduceCmd struct {
	Figure     []string `arg:"" help:"Figures of the paper, fig1 to fig6, or all."`
	Quick      bool     `help:"Fewer epochs, samples and points: minutes become seconds, and the figures say so."`
	Out        string   `help:"Folder of the figures, the table and the runs; reproduce, or reproduce-quick with --quick, if not given." placeholder:"DIR"`
	DataDir    string   `help:"Folder of the files of MNIST for fig6, instead of your cache." placeholder:"DIR"`
	Set        []string `help:"Change a setting of all runs: --set workers=1. May be repeated." placeholder:"KEY=VALUE" sep:"none"`
	NoProgress bool     `help:"Show no progress."`
}

// Help returns the text that reproduce --help adds.
func (reproduceCmd) Help() string {
	text := `
Repeats experiments of arXiv:2306.07104 and draws its figures from networks trained here, as PNG and SVG,
with a table of all numbers beside those of reference networks, and the paper's claims one by one:

  hessoscope reproduce all
  hessoscope reproduce fig2 fig3 --quick
  hessoscope reproduce fig6 --data-dir mnist/

`
	for _, f := range reproduce.Figures {
		text += fmt.Sprintf("  %s  %s\n", f.Name, f.Title)
	}
	return text + `
What is interrupted goes on where it stopped when the command is repeated, and finished runs are used again.
docs/reproduce.md describes the figures.`
}

func (r reproduceCmd) Run(ctx context.Context, out *output) error {
	figures, err := r.figures()
	if err != nil {
		return err
	}
	s := reproduce.Settings{Out: r.Out, Quick: r.Quick, DataDir: r.DataDir, Set: r.Set, Lines: out.stdout, Progress: out.stderr, Trained: reportTrained}
	if s.Out == "" {
		s.Out = "reproduce"
		if r.Quick {
			s.Out += "-quick"
		}
	}
	if r.NoProgress {
		s.Progress = io.Discard
	}
	if terminal.Interactive(s.Progress) {
		s.Bar = s.Progress
	}
	if err := reproduce.Run(ctx, figures, s); err != nil {
		if ctx.Err() != nil {
			return interruption{"what is done is kept in " + s.Out + "; the same command goes on"}
		}
		return err
	}
	return nil
}

// figures returns the figures that are named, in the paper's order.
func (r reproduceCmd) figures() ([]reproduce.Figure, error) {
	names := []string{"all"}
	for _, f := range reproduce.Figures {
		names = append(names, f.Name)
	}
	for _, name := range r.Figure {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("no figure %q%s", name, suggest.Nearest(name, names))
		}
	}
	if slices.Contains(r.Figure, "all") {
		return reproduce.Figures, nil
	}
	var chosen []reproduce.Figure
	for _, f := range reproduce.Figures {
		if slices.Contains(r.Figure, f.Name) {
			chosen = append(chosen, f)
		}
	}
	return chosen, nil
}
