package selection

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// SeedAxis is the key of the seed among the axes of a Candidate.
const SeedAxis = "seed"

// axis is a setting that varies among runs. Each slice has an entry for every run.
type axis struct {
	name   string
	values []int // number of the run's value of the setting
	// rest is the number of the run's group and values of all other axes. Runs of
	// the same rest differ in this setting alone.
	rest []int
	// setting is like rest without the seed: the environment of a pair along the
	// axis.
	setting []int
}

// axes returns the settings that vary among the runs, by name and the seed last.
func axes(runs []*Ranked, group []int) []axis {
	values := make([]map[string]string, len(runs))
	distinct := make(map[string]map[string]bool)
	for i, r := range runs {
		if values[i] = r.candidate.Axes; values[i] == nil {
			values[i] = map[string]string{SeedAxis: strconv.FormatUint(r.candidate.Run.Seed, 10)}
		}
		for name := range values[i] {
			distinct[name] = make(map[string]bool)
		}
	}
	var names []string
	for name, seen := range distinct {
		for i := range runs {
			seen[values[i][name]] = true
		}
		if len(seen) > 1 {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if (a == SeedAxis) != (b == SeedAxis) {
			return cmp.Compare(strconv.FormatBool(a == SeedAxis), strconv.FormatBool(b == SeedAxis))
		}
		return cmp.Compare(a, b)
	})
	number := func(of func(i int) string) []int {
		numbers := make(map[string]int)
		all := make([]int, len(runs))
		for i := range runs {
			key := of(i)
			if _, known := numbers[key]; !known {
				numbers[key] = len(numbers)
			}
			all[i] = numbers[key]
		}
		return all
	}
	without := func(omitted ...string) []int {
		return number(func(i int) string {
			key := strconv.Itoa(group[i])
			for _, name := range names {
				if !slices.Contains(omitted, name) {
					key += fmt.Sprintf(" %q", values[i][name])
				}
			}
			return key
		})
	}
	var all []axis
	for _, name := range names {
		all = append(all, axis{name, number(func(i int) string { return values[i][name] }), without(name), without(name, SeedAxis)})
	}
	return all
}
