package datasets

import (
	"fmt"
	"slices"
)

// choose returns the rows of a split that the options Classes and PerClass keep, and their new labels. Of the classes
// asked for, each must have a sample in the train split, and some in the others.
func (e *entry) choose(split string, labels []int, opt Options) (rows, kept []int, err error) {
	chosen := opt.Classes
	if len(chosen) == 0 {
		chosen = rowNumbers(len(e.classes))
	}
	count := make([]int, len(chosen))
	for r, l := range labels {
		class := slices.Index(chosen, l)
		if class < 0 || (opt.PerClass > 0 && count[class] >= opt.PerClass) {
			continue
		}
		count[class]++
		rows, kept = append(rows, r), append(kept, class)
	}
	if missing := slices.Index(count, 0); len(opt.Classes) != 0 && missing >= 0 && split == Train {
		return nil, nil, fmt.Errorf("the train split has no sample of class %d", chosen[missing])
	}
	if len(rows) == 0 {
		return nil, nil, fmt.Errorf("the %s split has no sample of the classes %v", split, chosen)
	}
	return rows, kept, nil
}

// chosenNames returns the names of the classes that the option Classes keeps.
func (e *entry) chosenNames(opt Options) []string {
	if len(opt.Classes) == 0 {
		return e.classes
	}
	names := make([]string, len(opt.Classes))
	for i, c := range opt.Classes {
		names[i] = e.classes[c]
	}
	return names
}
