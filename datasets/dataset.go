package datasets

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Names of the splits, in the order in which [Dataset.Splits] holds them.
const (
	Train      = "train"
	Validation = "validation"
	Test       = "test"
)

// Dataset is a labelled classification data set, or a regression data set, with named splits.
type Dataset struct {
	Name        string
	Description string
	Source      string // where the data come from

	Shape    []int    // of one sample: {2}, {4}, {1, 28, 28} (channels, rows, columns)
	Features []string // one name a column for tabular data, else nil
	Classes  []string // class names; Labels index them; nil in a regression
	Splits   []Split  // "train" first, then "validation", "test" as they exist

	// Shared says that no sample is held out: Splits has the train split alone, and [Dataset.Split] returns
	// that for "validation" and "test" too.
	Shared bool

	Scaling *Scaling // what Standardize did to the values; nil if they are the source's

	// Preprocessing says how the values came from the columns of a table, before Scaling; nil if there was none.
	Preprocessing *Preprocessing
	Notes         []string // what was changed or left out in reading the source, a sentence each
}

// Split is one part of a [Dataset].
type Split struct {
	Name   string
	X      []float64 // row-major, Len()*Width values; nil if Packed holds them
	Packed *Packed   // the values, of sets that came as bytes or float32; [CopyRow] and Values read both
	Labels []int     // class of each sample; nil in a regression
	Index  []int     // row number in the source, for tracing a sample back; 0, 1, … if nil
	// Targets are what a loss compares the outputs with: row-major, Len() rows of one value an output. If nil, these are
	// the one-hot labels.
	Targets []float64
}

// Scaling is the affine map of a standardized set: z = (x − Mean) / Scale for a source value x. It has one entry a column,
// or one a channel where samples are images.
type Scaling struct {
	Mean  []float64 `json:"mean"`
	Scale []float64 `json:"scale"` // population standard deviation over the train split; 1 where all values are the same
}

// Width returns the number of values of one sample, the product of Shape.
func (d *Dataset) Width() int {
	width := 1
	for _, n := range d.Shape {
		width *= n
	}
	return width
}

// Split returns the split of that name; "val" and "valid" mean "validation". The error of an unknown name lists the names
// that exist. Of a Shared set it returns the train split, still under the name "train", for every name of a split.
func (d *Dataset) Split(name string) (*Split, error) {
	want := canonicalSplit(name)
	if d.Shared && (want == Validation || want == Test) {
		want = Train
	}
	names := make([]string, len(d.Splits))
	for i := range d.Splits {
		if d.Splits[i].Name == want {
			return &d.Splits[i], nil
		}
		names[i] = d.Splits[i].Name
	}
	return nil, fmt.Errorf("datasets: %s has no split %q: it has %s", d.Name, name, strings.Join(names, ", "))
}

// Has reports whether [Dataset.Split] returns a split for the name.
func (d *Dataset) Has(split string) bool {
	_, err := d.Split(split)
	return err == nil
}

func canonicalSplit(name string) string {
	switch name {
	case "val", "valid":
		return Validation
	}
	return name
}

// Len returns the number of samples.
func (s *Split) Len() int {
	if s.Labels == nil {
		return len(s.Index)
	}
	return len(s.Labels)
}

// Outputs returns the number of Targets of a sample, 0 if there are none.
func (s *Split) Outputs() int {
	if s.Len() == 0 {
		return 0
	}
	return len(s.Targets) / s.Len()
}

// Subset returns a copy of the given rows, in the order given; a row may come more than once. A row outside [0, Len) is
// an error.
func (s *Split) Subset(rows []int) (*Split, error) {
	width, err := s.Width()
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r < 0 || r >= s.Len() {
			return nil, fmt.Errorf("datasets: row %d is outside split %q, which has %d", r, s.Name, s.Len())
		}
	}
	return s.take(rows, width), nil
}

// First returns the first n samples, of at most Len, which share the memory of s.
func (s *Split) First(n int) (*Split, error) {
	width, err := s.Width()
	if err != nil {
		return nil, err
	}
	if n < 0 || n > s.Len() {
		return nil, fmt.Errorf("datasets: the first %d samples of split %q, which has %d", n, s.Name, s.Len())
	}
	first := *s
	if s.Packed != nil {
		first.Packed = s.Packed.first(n * width)
	} else {
		first.X = s.X[:n*width]
	}
	first.Targets = s.Targets[:n*s.Outputs()]
	if s.Labels != nil {
		first.Labels = s.Labels[:n]
	}
	if s.Index != nil {
		first.Index = s.Index[:n]
	}
	return &first, nil
}

// Draw returns a copy of n rows drawn without replacement, in their order in s, the same for the same seed. It returns
// the split itself if n is zero or not smaller than Len.
func (s *Split) Draw(n int, seed uint64) (*Split, error) {
	rows, err := s.DrawRows(n, seed)
	if err != nil || len(rows) == s.Len() {
		return s, err
	}
	return s.Subset(rows)
}

// DrawRows returns the rows that Draw takes, in ascending order.
func (s *Split) DrawRows(n int, seed uint64) ([]int, error) {
	if n < 0 {
		return nil, fmt.Errorf("datasets: %d samples drawn from split %q; want a number that is not negative", n, s.Name)
	}
	rows := rand.New(rand.NewPCG(seed, streamDraw)).Perm(s.Len())
	if n > 0 && n < s.Len() {
		rows = rows[:n]
	}
	slices.Sort(rows)
	return rows, nil
}

func (s *Split) take(rows []int, width int) *Split {
	sub := &Split{Name: s.Name, X: takeRows(s.X, rows, width), Index: make([]int, len(rows))}
	if s.Packed != nil {
		sub.Packed = s.Packed.take(rows, width)
	}
	if s.Labels != nil {
		sub.Labels = make([]int, len(rows))
	}
	outputs := s.Outputs()
	for i, r := range rows {
		sub.Targets = append(sub.Targets, s.Targets[r*outputs:(r+1)*outputs]...)
		sub.Index[i] = r
		if s.Index != nil {
			sub.Index[i] = s.Index[r]
		}
		if s.Labels != nil {
			sub.Labels[i] = s.Labels[r]
		}
	}
	return sub
}

// Width returns the number of values of one sample, 0 if there is none, or an error if the lengths of the fields disagree.
func (s *Split) Width() (int, error) {
	n, values := s.Len(), s.valueCount()
	if s.Packed != nil && s.X != nil {
		return 0, fmt.Errorf("datasets: split %q has both X and Packed; want one", s.Name)
	}
	if (s.Index != nil && len(s.Index) != n) || (n == 0 && values != 0) || (n != 0 && values%n != 0) {
		return 0, fmt.Errorf("datasets: split %q has %d values and %d indices for %d labels", s.Name, values, len(s.Index), n)
	}
	if (n == 0 && len(s.Targets) != 0) || (n != 0 && len(s.Targets)%n != 0) || (s.Labels == nil && n != 0 && s.Targets == nil) {
		return 0, fmt.Errorf("datasets: split %q has %d targets for %d samples; want the same number for each", s.Name, len(s.Targets), n)
	}
	if n == 0 {
		return 0, nil
	}
	return values / n, nil
}

// numbered returns the names "0", "1", … of n classes.
func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	return names
}

func rowNumbers(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}
