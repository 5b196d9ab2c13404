package command

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/selection"
	"github.com/hessoscope/hessoscope/callbacks/terminal"
	"github.com/hessoscope/hessoscope/trainer"
)

// gaps are the generalization gaps, in the order of tables.
var gaps = []selection.Gap{selection.AccuracyGap, selection.LossGap}

// fewestRuns is the smallest number of runs for which tables are printed: the three
// pairs of three runs allow four values of τ.
const fewestRuns = 4

// printAssociations writes Kendall's τ of each measure with both gaps.
func printAssociations(w io.Writer, associations []selection.Association, over string) error {
	if len(associations) == 0 {
		return terminal.Wrap(w, fmt.Sprintf("\nno Kendall's τ %s: fewer than two have a test split that was evaluated\n", over))
	}
	if n := mostRuns(associations); n < fewestRuns {
		return terminal.Wrap(w, fmt.Sprintf("\nno Kendall's τ %s: %d with a test accuracy are too few; it takes %d runs to say anything, and %d of different seeds or draws of the data for an interval\n",
			over, n, fewestRuns, selection.MinBootstrap))
	}
	about := fmt.Sprintf("\nKendall's τ-b of a measure and the generalization gap, %s;\n+1: the better value goes with the smaller gap; %s\n\n", over, undecided(associations))
	if err := terminal.Wrap(w, about); err != nil {
		return err
	}
	t := terminal.Table{Columns: []terminal.Column{
		{Heading: "  n", Right: true, Spare: 3},
		{Heading: "tied", Right: true, Spare: 4},
		{Heading: "accuracy gap", Right: true},
		{Heading: "95 %", Right: true, Spare: 1},
		{Heading: "loss gap", Right: true},
		{Heading: "95 %", Right: true, Spare: 1},
		{Heading: "better", Right: true, Spare: 2},
		{Heading: "measure"},
	}}
	cells := make(map[selection.Gap][]string)
	for i, a := range associations {
		cells[a.Gap] = []string{optional("%+.2f", a.Tau), interval(a.Low, a.High)}
		if i+1 < len(associations) && associations[i+1].Measure == a.Measure {
			continue // the other gap follows
		}
		row := []string{strconv.Itoa(a.N), share(a.TiedMeasure, a.Pairs)}
		for _, gap := range gaps {
			if c := cells[gap]; c != nil {
				row = append(row, c...)
			} else {
				row = append(row, "–", "")
			}
		}
		t.Rows = append(t.Rows, append(row, direction(a.Better), a.Metric))
		clear(cells)
	}
	if err := t.Write(w); err != nil {
		return err
	}
	for _, warning := range weaknesses(associations) {
		if err := terminal.Wrap(w, "! "+warning+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// undecided says how many pairs of runs have no difference to predict.
func undecided(associations []selection.Association) string {
	var parts []string
	for _, gap := range gaps {
		if a := widest(associations, gap); a != nil {
			parts = append(parts, fmt.Sprintf("%s gap %s", gap, share(a.LeftOut+a.TiedGap, a.LeftOut+a.Pairs)))
		}
	}
	return "pairs of runs whose gaps do not differ by 2 standard errors: " + strings.Join(parts, ", ")
}

// widest returns the first association with a gap that has the most runs, nil if
// there is none.
func widest(associations []selection.Association, gap selection.Gap) *selection.Association {
	var most *selection.Association
	for i := range associations {
		if a := &associations[i]; a.Gap == gap && (most == nil || a.N > most.N) {
			most = a
		}
	}
	return most
}

// mostRuns is the number of runs that have a measure and a gap, of the measure that
// most have.
func mostRuns(associations []selection.Association) int {
	most := 0
	for _, a := range associations {
		most = max(most, a.N)
	}
	return most
}

// weaknesses are why the numbers may say little.
func weaknesses(associations []selection.Association) []string {
	var all []string
	if a := widest(associations, associations[0].Gap); a.Clusters < selection.MinBootstrap {
		all = append(all, fmt.Sprintf("%d clusters of runs that share data and seed, or start from one another: fewer than %d say next to nothing, and get no intervals", a.Clusters, selection.MinBootstrap))
	}
	if slices.ContainsFunc(associations, func(a selection.Association) bool { return 2*(a.LeftOut+a.TiedGap) > a.LeftOut+a.Pairs }) {
		all = append(all, "most pairs of runs may have the same gap: τ rests on the few others; a larger test split would tell more apart")
	}
	return all
}

// printEvaluation writes a table for each gap with all statistics over all runs, if
// these are enough for one.
func printEvaluation(w io.Writer, s *selection.Selection) error {
	if mostRuns(s.Associations) < fewestRuns {
		return nil
	}
	for _, gap := range gaps {
		a := widest(s.Associations, gap)
		if a == nil {
			continue
		}
		if a.TiedGap == a.Pairs {
			differ := "that differ by 2 standard errors: a larger test split would tell more apart"
			if gap == selection.LossGap {
				differ = "that differ"
			}
			if err := terminal.Wrap(w, fmt.Sprintf("\nHow well a measure tells the %s gap is not known: no two of %d runs with the same data and loss function have gaps %s\n", gap, a.N, differ)); err != nil {
				return err
			}
			continue
		}
		left := fmt.Sprintf("%d pairs, and %d left out, whose gaps differ by less than 2 standard errors", a.Pairs, a.LeftOut)
		if gap == selection.LossGap {
			left = fmt.Sprintf("%d pairs, none left out: the losses of single samples are not recorded, so the gap has no standard error", a.Pairs)
		}
		about := fmt.Sprintf("\nHow well a measure tells the %s gap, over %d runs in %d clusters, by pairs with the same data and loss function;\n%s\n",
			gap, a.N, a.Clusters, left)
		var along []string
		for _, s := range a.Axes {
			along = append(along, fmt.Sprintf("%s %d (%d left out)", s.Axis, s.Pairs, s.LeftOut))
		}
		if along != nil {
			about += fmt.Sprintf("pairs that differ in one setting alone: %s\n", strings.Join(along, ", "))
		}
		if err := terminal.Wrap(w, about+"\n"); err != nil {
			return err
		}
		if err := printStatistics(w, s.Associations, a); err != nil {
			return err
		}
	}
	return terminal.Wrap(w, `
τ: Kendall's τ-b, with its 95 % interval by clusters of runs that share data and seed, or start from one another
Ψ: mean of τ along each setting, the others fixed; CMI: 0 to 1, what the measure tells of the sign beyond any two settings
90 %, max: share of pairs in the wrong order, in the worst environments: pairs that differ in one setting
Δ: τ over the pairs that differ in that setting alone; Δ seed: runs trained alike
`)
}

// printStatistics writes a row for each association with the gap of a, which has
// the most runs.
func printStatistics(w io.Writer, associations []selection.Association, a *selection.Association) error {
	t := terminal.Table{Columns: []terminal.Column{
		{Heading: "  n", Right: true, Spare: 5},
		{Heading: "τ", Right: true},
		{Heading: "95 %", Right: true, Spare: 1},
		{Heading: "Ψ", Right: true, Spare: 2},
		{Heading: "CMI", Right: true, Spare: 3},
		{Heading: "90 %", Right: true, Spare: 5},
		{Heading: "max", Right: true, Spare: 4},
	}}
	for _, s := range a.Axes {
		t.Columns = append(t.Columns, terminal.Column{Heading: "Δ " + s.Axis, Right: true, Spare: 3})
		if s.Axis == selection.SeedAxis {
			t.Columns = append(t.Columns, terminal.Column{Heading: "95 %", Right: true, Spare: 5})
		}
	}
	t.Columns = append(t.Columns, terminal.Column{Heading: "better", Right: true, Spare: 4}, terminal.Column{Heading: "measure"})
	for _, row := range associations {
		if row.Gap != a.Gap {
			continue
		}
		cells := []string{
			strconv.Itoa(row.N), optional("%+.2f", row.Tau), interval(row.Low, row.High), optional("%+.2f", row.Granulated),
			optional("%.2f", row.Information), optional("%.2f", row.SignError90), optional("%.2f", row.SignErrorMax),
		}
		for _, s := range a.Axes {
			var of selection.Stratum
			if i := slices.IndexFunc(row.Axes, func(r selection.Stratum) bool { return r.Axis == s.Axis }); i >= 0 {
				of = row.Axes[i]
			}
			cells = append(cells, optional("%+.2f", of.Tau))
			if s.Axis == selection.SeedAxis {
				cells = append(cells, interval(of.Low, of.High))
			}
		}
		t.Rows = append(t.Rows, append(cells, direction(row.Better), row.Metric))
	}
	return t.Write(w)
}

func share(part, whole int) string {
	return fmt.Sprintf("%.0f%%", 100*float64(part)/float64(max(whole, 1)))
}

func interval(low, high *float64) string {
	if low == nil {
		return ""
	}
	return fmt.Sprintf("%+.2f to %+.2f", *low, *high)
}

// direction is that in which a measure was taken.
func direction(d trainer.Direction) string {
	if d == trainer.Neither {
		return "(lower)"
	}
	return d.String()
}
