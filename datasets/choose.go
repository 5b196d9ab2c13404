package datasets

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Choose returns the samples of the given classes, which become 0, 1, … in the order given, and of each class in each split
// the first perClass. No classes means all, and zero perClass all samples. Of the classes given, each must have a sample in
// the train split, and some in the others. A split of which nothing is left out is not copied.
func (d *Dataset) Choose(classes []int, perClass int) (*Dataset, error) {
	out, err := d.choose(classes, perClass)
	if err != nil {
		return nil, fmt.Errorf("datasets: %s: %w", d.Name, err)
	}
	return out, nil
}

func (d *Dataset) choose(classes []int, perClass int) (*Dataset, error) {
	if len(classes) == 0 && perClass == 0 {
		return d, nil
	}
	if err := d.checkChoice(classes, perClass); err != nil {
		return nil, err
	}
	out := *d
	chosen := classes
	if len(classes) == 0 {
		chosen = rowNumbers(len(d.Classes))
	}
	out.Splits, out.Classes = slices.Clone(d.Splits), make([]string, len(chosen))
	for i, c := range chosen {
		out.Classes[i] = d.Classes[c]
	}
	for i := range out.Splits {
		s := &out.Splits[i]
		width, err := s.Width()
		if err != nil {
			return nil, err
		}
		rows, labels, count := rowsOf(s.Labels, chosen, perClass)
		if missing := slices.Index(count, 0); len(classes) != 0 && missing >= 0 && s.Name == Train {
			return nil, fmt.Errorf("the train split has no sample of class %d", chosen[missing])
		}
		if len(rows) == 0 {
			return nil, fmt.Errorf("the %s split has no sample of the classes %v", s.Name, chosen)
		}
		if len(rows) < s.Len() {
			*s = *s.take(rows, width)
		}
		s.Labels = labels
	}
	return &out, nil
}

func (d *Dataset) checkChoice(classes []int, perClass int) error {
	if perClass < 0 {
		return fmt.Errorf("option PerClass is %d, want a positive number", perClass)
	}
	if slices.ContainsFunc(d.Splits, func(s Split) bool { return s.Labels == nil || s.Targets != nil }) {
		return errors.New("its targets are no classes; none can be chosen")
	}
	return checkClasses(classes, len(d.Classes))
}

func checkClasses(chosen []int, classes int) error {
	if len(chosen) == 1 {
		return fmt.Errorf("option Classes has 1, want at least 2")
	}
	for i, c := range chosen {
		if c < 0 || c >= classes {
			return fmt.Errorf("option Classes has %d, want 0 to %d", c, classes-1)
		}
		if slices.Contains(chosen[:i], c) {
			return fmt.Errorf("option Classes has %d twice", c)
		}
	}
	return nil
}

// rowsOf returns the rows that are kept, their new labels, and how many there are of each class.
func rowsOf(labels, chosen []int, perClass int) (rows, kept, count []int) {
	count = make([]int, len(chosen))
	for r, l := range labels {
		class := slices.Index(chosen, l)
		if class < 0 || (perClass > 0 && count[class] >= perClass) {
			continue
		}
		count[class]++
		rows, kept = append(rows, r), append(kept, class)
	}
	return rows, kept, count
}

// PermuteLabels permutes the labels of the train split at random, the same for the same seed.
func (d *Dataset) PermuteLabels(seed uint64) error {
	train, err := d.Split(Train)
	if err != nil {
		return err
	}
	if train.Labels == nil || train.Targets != nil {
		return fmt.Errorf("datasets: %s has targets that are no classes; there are no labels to permute", d.Name)
	}
	labels := train.Labels
	rng := rand.New(rand.NewPCG(seed, streamLabels))
	rng.Shuffle(len(labels), func(i, j int) { labels[i], labels[j] = labels[j], labels[i] })
	d.Description += fmt.Sprintf("; train labels permuted, seed %d", seed)
	return nil
}
