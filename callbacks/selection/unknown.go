package selection

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/record"
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
var ofEigenpairs = []string{record.Complexity, record.Participation, record.Directions}

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
		return fmt.Sprintf("%s of %s is not known: needs more pairs; spectrum.resolved: true computes all that matter", metric, list(runs))
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
