package selection

import (
	"math"
	"slices"
)

// cohort is the set of runs over which a measure is evaluated.
type cohort struct {
	runs    []*Ranked
	group   []int // group of each run; only runs of the same group are compared
	cluster []int // cluster of each run, see Clusters
	axes    []axis
}

func newCohort(groups []Group) *cohort {
	c := new(cohort)
	var candidates []Candidate
	for k := range groups {
		for i := range groups[k].Runs {
			c.runs = append(c.runs, &groups[k].Runs[i])
			c.group = append(c.group, k)
			candidates = append(candidates, *groups[k].Runs[i].candidate)
		}
	}
	c.cluster = Clusters(candidates)
	c.axes = axes(c.runs, c.group)
	return c
}

// compare returns all pairs of runs of the same group that have the measure and
// the gap, and the number of these runs.
func (c *cohort) compare(m Measure, g Gap) (pairs []pair, n int) {
	type value struct {
		run      int
		x        Interval
		gap, err float64
	}
	var values []value
	for i, r := range c.runs {
		x, have := r.reading.measure(m.Metric)
		gap, err, known := r.Outcome.gap(g)
		if !have || !known {
			continue
		}
		b := value{i, x, gap, err}
		for _, a := range values {
			if c.group[a.run] != c.group[i] {
				continue
			}
			p := pair{i: a.run, j: i, x: m.compare(a.x, x), along: c.along(a.run, i)}
			p.y, p.sure, p.leftOut = compareGaps(a.gap-gap, math.Hypot(a.err, err))
			pairs = append(pairs, p)
		}
		values = append(values, b)
	}
	return pairs, len(values)
}

// along returns the number of the only axis in which two runs differ, −1 if there
// is no such axis.
func (c *cohort) along(i, j int) int {
	return slices.IndexFunc(c.axes, func(a axis) bool { return a.rest[i] == a.rest[j] && a.values[i] != a.values[j] })
}
