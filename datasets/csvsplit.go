package datasets

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
)

// resolveClasses turns the labels of all rows into classes, whose names it returns.
func (t *csvTable) resolveClasses() ([]string, error) {
	if len(t.labels) < 2 {
		return nil, fmt.Errorf("%s: every row has the label %.80q, want at least two classes", t.name, t.labels[0].text)
	}
	classes, err := t.numberedClasses()
	if err != nil {
		return nil, err
	}
	if classes == nil {
		classes = t.namedClasses()
	}
	for i := range t.rows {
		t.rows[i].label = t.labels[t.rows[i].label].class
	}
	return classes, nil
}

// numberedClasses uses labels 0 … C−1 as classes; it returns nil if some label is not such a number.
func (t *csvTable) numberedClasses() ([]string, error) {
	largest := 0
	for i, l := range t.labels {
		n, err := strconv.Atoi(l.text)
		if err != nil || n < 0 || strconv.Itoa(n) != l.text {
			return nil, nil
		}
		t.labels[i].class = n
		if n > t.labels[largest].class {
			largest = i
		}
	}
	l := t.labels[largest]
	if l.class >= len(t.rows) {
		return nil, t.errorf(l.place, "label %d in a file of %d rows: number the classes 0, 1, … or give them names", l.class, len(t.rows))
	}
	return numbered(l.class + 1), nil
}

func (t *csvTable) namedClasses() []string {
	names := make([]string, len(t.labels))
	for i, l := range t.labels {
		names[i] = l.text
	}
	slices.Sort(names)
	for i, l := range t.labels {
		t.labels[i].class, _ = slices.BinarySearch(names, l.text)
	}
	return names
}

// splits gathers the rows of each split, in the order of their positions. X has a value a feature.
func (t *csvTable) splits(classes int) ([]Split, error) {
	if err := t.resolveAll(); err != nil {
		return nil, err
	}
	if err := t.draw(classes); err != nil {
		return nil, err
	}
	whole := t.wholeSplit()
	var splits []Split
	for _, name := range []string{Train, Validation, Test} {
		rows, err := t.rowsOf(name)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			continue
		}
		s := whole.take(rows, len(t.features)) // X has new memory, which encode may change
		s.Name = name
		splits = append(splits, *s)
	}
	if splits[0].Name != Train {
		return nil, fmt.Errorf("%s: no row has the split train", t.name)
	}
	return splits, nil
}

// resolveAll makes rows of the split "all" train rows of a shared set. They cannot be mixed with others: whether a
// sample was held out would no longer be known.
func (t *csvTable) resolveAll() error {
	first := t.rows[0].split
	for i := range t.rows {
		row := &t.rows[i]
		if (row.split == "all") != (first == "all") {
			return fmt.Errorf("%s:%d: split %.80q after %.80q on line %d: rows are either all \"all\" or none", t.name, row.place.line, row.split, first, t.rows[0].place.line)
		}
	}
	if first != "all" {
		return nil
	}
	t.shared = true
	for i := range t.rows {
		t.rows[i].split = Train
	}
	return nil
}

// draw draws the shares of each class at random, rounded to whole rows. A class keeps at least one row in the train split.
func (t *csvTable) draw(classes int) error {
	shares := t.options.Shares
	if shares == (SplitShares{}) {
		return nil
	}
	byClass := make([][]int, classes)
	for i, row := range t.rows {
		byClass[row.label] = append(byClass[row.label], i)
	}
	rng := rand.New(rand.NewPCG(t.options.Seed, streamSplit))
	drawn := make(map[string]int)
	for _, rows := range byClass {
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		left := len(rows)
		for _, part := range []struct {
			name  string
			share float64
		}{{Validation, shares.Validation}, {Test, shares.Test}} {
			n := min(int(math.Round(part.share*float64(len(rows)))), max(0, left-1))
			for _, i := range rows[left-n : left] {
				t.rows[i].split = part.name
			}
			left -= n
			drawn[part.name] += n
		}
	}
	if shares.Validation > 0 && drawn[Validation] == 0 || shares.Test > 0 && drawn[Test] == 0 {
		return fmt.Errorf("%s: of %d rows in %d classes, shares of %g for validation and %g for test come to %d and %d rows: want larger shares or more rows",
			t.name, len(t.rows), classes, shares.Validation, shares.Test, drawn[Validation], drawn[Test])
	}
	return nil
}

func (t *csvTable) wholeSplit() *Split {
	s := &Split{X: t.x, Labels: make([]int, len(t.rows)), Index: make([]int, len(t.rows))}
	for i, r := range t.rows {
		s.Labels[i], s.Index[i] = r.label, r.index
	}
	return s
}

// rowsOf returns the rows of a split. Two at the same position are an error.
func (t *csvTable) rowsOf(split string) ([]int, error) {
	var rows []int
	for i := range t.rows {
		if t.rows[i].split == split {
			rows = append(rows, i)
		}
	}
	if t.position < 0 {
		return rows, nil
	}
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(t.rows[a].position, t.rows[b].position) })
	for i := 1; i < len(rows); i++ {
		a, b := t.rows[rows[i-1]], t.rows[rows[i]]
		if a.position == b.position {
			return nil, fmt.Errorf("%s:%d: column %q: position %d of the %s split is taken by line %d", t.name, b.place.line, positionColumn, b.position, split, a.place.line)
		}
	}
	return rows, nil
}
