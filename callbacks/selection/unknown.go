package selection

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

// findUnknown sets the measures of each run that decide nothing.
func (g *Group) findUnknown(by []Measure) {
	for i := range g.Runs {
		r := &g.Runs[i]
		r.Unknown = []string{}
		for _, m := range by {
			v := r.Values[m.Metric]
			decides := func(other Ranked) bool { return v.compare(other.Values[m.Metric]) != 0 }
			if !v.Exact() && len(g.Runs) > 1 && !slices.ContainsFunc(g.Runs, decides) {
				r.Unknown = append(r.Unknown, m.Metric)
			}
		}
	}
}

// deciding returns the measures that rank. If the complexity of no run is known well
// enough to decide anything, the number of directions stands in its place, or that of
// the resolvable ones, which fewer eigenpairs tell.
func (g *Group) deciding(by []Measure) []Measure {
	at := slices.IndexFunc(by, func(m Measure) bool { return m.Metric == record.Complexity })
	known := func(r Ranked) bool { return !slices.Contains(r.Unknown, record.Complexity) }
	if at < 0 || slices.ContainsFunc(g.Runs, known) {
		return by
	}
	for _, name := range ofEigenpairs[1:] {
		m := Measure{name, trainer.Lower}
		if slices.Contains(by, m) || !g.decides(m) {
			continue
		}
		for i := range g.Runs {
			g.Runs[i].Values[name], _ = g.Runs[i].reading.measure(name)
		}
		by = slices.Clone(by)
		by[at] = m
		return by
	}
	return by
}

// decides reports whether all runs have a measure, and it tells two of them apart.
func (g *Group) decides(m Measure) bool {
	apart := false
	first, _ := g.Runs[0].reading.measure(m.Metric)
	for _, r := range g.Runs {
		v, ok := r.reading.measure(m.Metric)
		if !ok {
			return false
		}
		apart = apart || v.compare(first) != 0
	}
	return apart
}

// intervals returns a warning if values of a measure are not exact but decide
// something.
func (g *Group) intervals(m Measure) string {
	var runs []string
	for _, r := range g.Runs {
		if !r.Values[m.Metric].Exact() && !slices.Contains(r.Unknown, m.Metric) {
			runs = append(runs, r.Run)
		}
	}
	if len(runs) == 0 {
		return ""
	}
	return fmt.Sprintf("%s of %s is an interval: fronts and ranks count on what is certain, the score shows its midpoint", m.Metric, list(runs))
}

// ofEigenpairs are the metrics whose interval ends are as far apart as eigenpairs
// are missing.
var ofEigenpairs = []string{record.Complexity, record.Directions, record.Participation}

// unknown returns a warning if values of a metric decide nothing.
func (g *Group) unknown(metric string) string {
	var runs []string
	for _, r := range g.Runs {
		if slices.Contains(r.Unknown, metric) {
			runs = append(runs, r.Run)
		}
	}
	switch {
	case len(runs) == 0:
		return ""
	case slices.Contains(ofEigenpairs, metric):
		text := fmt.Sprintf("%s of %s is not known: needs more pairs; spectrum.resolved: true computes all that matter", metric, list(runs))
		if !slices.ContainsFunc(g.By, func(m Measure) bool { return m.Metric == metric }) {
			text += "; " + g.By[slices.IndexFunc(g.By, func(m Measure) bool { return slices.Contains(ofEigenpairs, m.Metric) })].Metric + " ranks in its place"
		}
		return text
	default:
		return fmt.Sprintf("%s of %s is not known: its interval overlaps with those of all other runs", metric, list(runs))
	}
}

// list joins the first few names.
func list(names []string) string {
	const few = 3
	if len(names) <= few+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}
