package selection

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/trainer"
)

// Measures returns the metrics to rank by, with the directions that the runs
// declare. A name may be the full name of a metric, or the end of it if no other
// metric ends the same way: "complexity" means boundary/complexity. A metric that
// no run declares, that has no better direction, or that belongs to the test split
// is an error.
func Measures(names []string, candidates []Candidate) ([]Measure, error) {
	declared, err := declarations(candidates)
	if err != nil {
		return nil, err
	}
	var measures []Measure
	for _, name := range names {
		m, err := resolve(name, declared)
		if err != nil {
			return nil, fmt.Errorf("selection: %w", err)
		}
		if slices.Contains(measures, m) {
			return nil, fmt.Errorf("selection: %s is named twice", m.Metric)
		}
		measures = append(measures, m)
	}
	if len(measures) == 0 {
		return nil, fmt.Errorf("selection: no metric to rank by")
	}
	return measures, nil
}

// declarations returns the metrics of all runs, in the order of declaration.
func declarations(candidates []Candidate) ([]trainer.Metric, error) {
	var all []trainer.Metric
	at := make(map[string]int)
	from := make(map[string]string)
	for _, c := range candidates {
		for _, m := range c.Run.Metrics {
			i, known := at[m.Name]
			if !known {
				at[m.Name], from[m.Name] = len(all), c.Path
				all = append(all, m)
			} else if all[i].Better != m.Better {
				return nil, fmt.Errorf("selection: of %s, %s is better in %s and %s in %s", m.Name, all[i].Better, from[m.Name], m.Better, c.Path)
			}
		}
	}
	return all, nil
}

func resolve(name string, declared []trainer.Metric) (Measure, error) {
	if ofTest(name) {
		return Measure{}, fmt.Errorf("%s belongs to the test split, which must not choose; it can only be looked at afterwards", name)
	}
	m, err := find(name, declared)
	if err != nil {
		return Measure{}, err
	}
	if m.Better == trainer.Neither {
		return Measure{}, fmt.Errorf("%s (%s) cannot rank: neither lower nor higher values are declared better", m.Name, m.Meaning)
	}
	return Measure{m.Name, m.Better}, nil
}

// find returns the metric with this name, or the only one whose name ends in it.
func find(name string, declared []trainer.Metric) (trainer.Metric, error) {
	var ending []trainer.Metric
	var names []string
	for _, m := range declared {
		switch {
		case m.Name == name:
			return m, nil
		case ofTest(m.Name):
		case strings.HasSuffix(m.Name, "/"+name):
			ending = append(ending, m)
			names = append(names, m.Name)
		}
	}
	switch len(ending) {
	case 1:
		return ending[0], nil
	case 0:
		return trainer.Metric{}, fmt.Errorf("no run has a metric %q%s", name, suggest.Nearest(name, known(declared, strings.Contains(name, "/"))))
	default:
		return trainer.Metric{}, fmt.Errorf("%q may be any of %s", name, strings.Join(names, ", "))
	}
}

// known returns the names to suggest: whole names, or only their last parts.
func known(declared []trainer.Metric, whole bool) []string {
	var names []string
	for _, m := range declared {
		if m.Detail || m.Better == trainer.Neither || ofTest(m.Name) {
			continue
		}
		name := m.Name
		if !whole {
			name = path.Base(name)
		}
		names = append(names, name)
	}
	return names
}
