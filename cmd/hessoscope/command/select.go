package command

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/alecthomas/kong"

	"github.com/hessoscope/hessoscope/callbacks/selection"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/runs"
)

type selectCmd struct {
	Runs []string `arg:"" complete:"runs" help:"Folders of runs, or folders that contain such folders, such as that of a sweep." placeholder:"RUN_DIR"`

	selectOptions
}

// selectOptions choose how runs are ranked and where the result is written. The zero
// value ranks by complexity and margin and prints a table.
type selectOptions struct {
	By        []string  `help:"Rank by these metrics, each in its better direction; several metrics rank by Pareto fronts. The end of a name is enough if it is unique. If not given: complexity,margin." placeholder:"METRIC"`
	MatchLoss matchLoss `help:"Compare each run at the epoch at which its training loss was nearest to the largest final loss of the runs, or, with --match-loss=L, to L."`
	Evaluate  bool      `help:"After the ranking, add the test accuracy, and how well each measure predicts the generalization gap."`
	JSON      string    `name:"json" help:"Write the results as JSON: to a file, or to standard output (-) in place of the table." placeholder:"FILE|-"`
	CSV       string    `name:"csv" help:"Write one row per run to this CSV file." placeholder:"FILE"`
}

// Help returns the text that select --help adds.
func (selectCmd) Help() string {
	return fmt.Sprintf(`
Ranks finished runs by measures on their training and validation data.

  hessoscope select runs/a runs/b runs/c
  hessoscope select runs/a runs/b runs/c --match-loss
  hessoscope select sweeps/regimes --evaluate --json regimes.json
  hessoscope select runs --by validation/loss
  hessoscope select runs --by complexity,margin --match-loss=0.1 --csv ranks.csv

A boundary that is simple (low complexity) and wide (large margin) is expected to generalize. Front 1
has the runs that no other run surpasses in both; front 2 has those that only runs of front 1 surpass.
Within a front, runs are ordered by their score: the mean logarithm of the factors by which a run is more
complex and narrower than the best ones. Twice the complexity counts as much as half the margin. If a
measure is an interval, one run surpasses another only if that is certain; an interval that decides
nothing is shown as not known. If that holds for the complexity of all runs, the number of directions ranks
in its place, and if for the margin of a run, the median distance. Runs that diverged, or whose network has not learned, are set apart and matched to nothing.

Both measures change while the loss falls, so runs are comparable only at the same training loss.
--match-loss takes each run at the epoch, among those with all measures, whose loss is nearest on a
logarithmic scale. A run that was not measured within a factor of %g of the target is not ranked;
measure at more epochs (spectrum.schedule) or choose another loss.

Runs of different data or loss functions are ranked separately. Other differences that make runs hard to
compare, such as their size, their precision or another ε, are listed below the table.

Test data are never used to rank. With --evaluate they are read afterwards: how well does each measure
predict the generalization gap? τ near +1 means that runs with the better value have the smaller gap, τ
near 0 that the two are unrelated. A τ over all runs may only reflect a setting on which both the measure
and the gap depend. So runs are also compared along every setting that varies, with all others the same:
for a sweep its grid, variants and seeds, for other runs every key of config.yaml. Pairs of runs whose
accuracy gaps differ by less than twice the standard error are left out. Intervals have a confidence of
95 %%, by resampling clusters of runs that share data and seed or start from one another; fewer than %d
clusters give none.`, selection.LossFactor, selection.MinBootstrap)
}

func (c selectCmd) Run(ctx context.Context, out *output) error {
	return selectRuns(ctx, c.Runs, c.selectOptions, out)
}

// selectRuns ranks the runs in the folders and writes the results.
func selectRuns(ctx context.Context, dirs []string, options selectOptions, out *output) error {
	results := destinations{options.JSON, options.CSV}
	if err := results.validate(); err != nil {
		return err
	}
	candidates, broken, err := runs.Candidates(dirs, options.MatchLoss.wanted)
	if err != nil {
		return err
	}
	by := options.By
	if len(by) == 0 {
		by = []string{"complexity", "margin"}
	}
	measures, err := selection.Measures(by, candidates)
	if err != nil {
		return fmt.Errorf("--by: %w", err)
	}
	bar := newBar(out.stderr, "Kendall's τ")
	selected, err := selection.Select(ctx, candidates, selection.Settings{
		By: measures, MatchLoss: options.MatchLoss.wanted, Loss: options.MatchLoss.loss, Evaluate: options.Evaluate, Progress: bar.show,
	})
	bar.clear()
	if err != nil {
		return err
	}
	selected.Apart = append(selected.Apart, broken...)
	return results.write(out.stdout, selected,
		func(w io.Writer) error { return writeSelectionCSV(w, selected) },
		func(w io.Writer) error { return printSelection(w, selected) })
}

// matchLoss is a flag that may have a value: --match-loss or --match-loss=0.1.
type matchLoss struct {
	wanted bool
	loss   float64 // 0 for the largest final loss of the runs
}

var _ kong.BoolMapperValue = (*matchLoss)(nil)

// IsBool implements kong.BoolMapperValue: the flag needs no value.
func (*matchLoss) IsBool() bool { return true }

// Decode implements kong.MapperValue.
func (m *matchLoss) Decode(ctx *kong.DecodeContext) error {
	m.wanted = true
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		return nil
	}
	text := ctx.Scan.Pop().String()
	loss, err := strconv.ParseFloat(text, 64)
	if err != nil || !(loss > 0) || math.IsInf(loss, 0) {
		return fmt.Errorf("%q; want a positive loss, as in --match-loss=0.1", text)
	}
	m.loss = loss
	return nil
}
