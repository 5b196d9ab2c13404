package selection

import (
	"fmt"
	"math"
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

// substitutes are what fewer eigenpairs, or fewer samples, tell in the place of a
// measure.
var substitutes = map[string][]string{
	record.Complexity: {record.Directions, record.Participation},
	record.Margin:     {record.MarginMedian},
}

// deciding returns the measures that rank. If the complexity of no run is known well
// enough to decide anything, the number of directions stands in its place, or that of the
// resolvable ones, if it decides something. If the margin of a run decides nothing, the
// median distance ranks, whether it does or not: it does not depend on how many samples
// were measured, as the least distance of them does.
func (g *Group) deciding(by []Measure) []Measure {
	by = slices.Clone(by)
	for at, m := range by {
		unknown := 0
		for _, r := range g.Runs {
			if slices.Contains(r.Unknown, m.Metric) {
				unknown++
			}
		}
		if unknown == 0 || unknown < len(g.Runs) && m.Metric != record.Margin {
			continue
		}
		for _, name := range substitutes[m.Metric] {
			other := Measure{name, m.Better}
			known, decides := g.decides(other)
			if slices.Contains(by, other) || !known || !decides && m.Metric != record.Margin {
				continue
			}
			for i := range g.Runs {
				g.Runs[i].Values[name], _ = g.Runs[i].reading.measure(name)
			}
			by[at] = other
			break
		}
	}
	return by
}

// decides reports whether all runs have a measure, and whether it tells two of them apart.
func (g *Group) decides(m Measure) (known, decides bool) {
	highest, lowest := math.Inf(-1), math.Inf(1) // of the lower ends, and of the upper ones
	for _, r := range g.Runs {
		v, ok := r.reading.measure(m.Metric)
		if !ok {
			return false, false
		}
		highest, lowest = max(highest, v.Low), min(lowest, v.High)
	}
	return true, highest > lowest
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
	case metric == record.Complexity || slices.Contains(substitutes[record.Complexity], metric):
		return fmt.Sprintf("%s of %s is not known: needs more pairs; spectrum.resolved: true computes all that matter%s", metric, list(runs), g.inPlaceOf(metric))
	case metric == record.Margin:
		return fmt.Sprintf("%s of %s is not known: needs the distances of more samples; a margin.schedule without a budget measures all%s", metric, list(runs), g.inPlaceOf(metric))
	default:
		return fmt.Sprintf("%s of %s is not known: its interval overlaps with those of all other runs", metric, list(runs))
	}
}

// inPlaceOf tells what ranks in the place of a metric; it is empty if nothing does.
func (g *Group) inPlaceOf(metric string) string {
	ranks := func(name string) bool {
		return slices.ContainsFunc(g.By, func(m Measure) bool { return m.Metric == name })
	}
	if at := slices.IndexFunc(substitutes[metric], ranks); at >= 0 && !ranks(metric) {
		return "; " + substitutes[metric][at] + " ranks in its place"
	}
	return ""
}

// list joins the first few names.
func list(names []string) string {
	const few = 3
	if len(names) <= few+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}
