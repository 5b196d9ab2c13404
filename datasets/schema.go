package datasets

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hessoscope/hessoscope/datasets/npy"
)

// Schema is what must be known of a data set to give a network that was trained on it new samples, in the units of their
// source. It is stored with the weights, as JSON.
type Schema struct {
	Name     string   `json:"name"`
	Shape    []int    `json:"shape"` // of one sample
	Features []string `json:"features,omitempty"`
	Classes  []string `json:"classes"` // in the order of the outputs
	Scaling  *Scaling `json:"scaling,omitempty"`

	Preprocessing *Preprocessing `json:"preprocessing,omitempty"` // of a table
}

// Schema returns the schema of d, which shares its memory.
func (d *Dataset) Schema() *Schema {
	return &Schema{Name: d.Name, Shape: d.Shape, Features: d.Features, Classes: d.Classes, Scaling: d.Scaling, Preprocessing: d.Preprocessing}
}

// Validate returns an error for a schema that fits no classifier.
func (s *Schema) Validate() error {
	width, err := npy.Elements(s.Shape)
	if err != nil {
		return fmt.Errorf("datasets: a schema: %w", err)
	}
	if len(s.Shape) == 0 || width < 1 || len(s.Classes) < 2 {
		return fmt.Errorf("datasets: a schema with samples of shape %v and the classes %q; want at least one value and two classes", s.Shape, s.Classes)
	}
	if s.Features != nil && len(s.Features) != width {
		return fmt.Errorf("datasets: a schema with %d features of samples of %d values; want as many", len(s.Features), width)
	}
	if s.Preprocessing != nil {
		if err := s.Preprocessing.Validate(); err != nil {
			return err
		}
		if n := s.Preprocessing.Width(); n != width {
			return fmt.Errorf("datasets: a schema with a table of %d inputs for samples of %d values; want as many", n, width)
		}
	}
	if s.Scaling == nil {
		return nil
	}
	mean, scale := s.Scaling.Mean, s.Scaling.Scale
	if n := len(mean); n == 0 || n != len(scale) || width%n != 0 {
		return fmt.Errorf("datasets: a schema with %d means and %d scales for samples of %d values; want one of each for every column or channel", len(mean), len(scale), width)
	}
	for i := range mean {
		if notFinite(mean[i]) || !(scale[i] > 0) || math.IsInf(scale[i], 0) {
			return fmt.Errorf("datasets: a schema with the mean %g and the scale %g; want finite numbers, and a positive scale", mean[i], scale[i])
		}
	}
	return nil
}

func (s *Schema) width() int { return (&Dataset{Shape: s.Shape}).Width() }

// Apply returns a copy of a labelled data set in the units of the source with the classes in the order of the schema and
// the values scaled as its are, which may differ from those that d has by itself. A label that is no class of the schema
// is an error.
func (s *Schema) Apply(d *Dataset) (*Dataset, error) {
	if err := s.check(d); err != nil {
		return nil, err
	}
	classes := s.indices(d.Classes)
	out := d.clone()
	out.Classes, out.Scaling = slices.Clone(s.Classes), s.Scaling
	for i := range out.Splits {
		split := &out.Splits[i]
		if split.Targets != nil || split.Labels == nil {
			return nil, fmt.Errorf("datasets: the %s split of %s has targets that are no classes", split.Name, d.Name)
		}
		for r, label := range split.Labels {
			if split.Labels[r] = classes[label]; classes[label] < 0 {
				return nil, s.unknownLabel(d.Classes[label])
			}
		}
		switch {
		case s.Scaling == nil:
		case split.Packed != nil:
			split.Packed = split.Packed.scaled(s.Scaling)
		default:
			s.Scaling.Apply(split.X, s.width())
		}
	}
	return out, nil
}

// check returns an error if the samples of d are not those that the schema describes.
func (s *Schema) check(d *Dataset) error {
	if err := s.Validate(); err != nil {
		return err
	}
	if d.Scaling != nil {
		return fmt.Errorf("datasets: %s is scaled already; want values in the units of the source", d.Name)
	}
	for i := range d.Splits {
		if width, err := d.Splits[i].Width(); d.Splits[i].Labels != nil && err != nil {
			return err
		} else if d.Splits[i].Labels != nil && width != s.width() {
			return fmt.Errorf("datasets: %s has %d values a sample; the model takes %d, of shape %v", d.Name, width, s.width(), s.Shape)
		}
	}
	if d.Width() != s.width() {
		return fmt.Errorf("datasets: %s has %d values a sample; the model takes %d, of shape %v", d.Name, d.Width(), s.width(), s.Shape)
	}
	return nil
}

// indices returns the class of the schema for each name of a class, -1 where there is none. A number that is no name counts
// the classes from 0.
func (s *Schema) indices(names []string) []int {
	all := make([]int, len(names))
	for i, name := range names {
		all[i] = slices.Index(s.Classes, name)
		if n, err := strconv.Atoi(name); all[i] < 0 && err == nil && n >= 0 && n < len(s.Classes) {
			all[i] = n
		}
	}
	return all
}

func (s *Schema) unknownLabel(label string) error {
	return fmt.Errorf("datasets: the label %q is no class of the model; these are: %s", label, strings.Join(s.Classes, ", "))
}

// Samples are new samples for a network, in the coordinates that it takes.
type Samples struct {
	X      []float64 // row-major, N rows
	N      int
	Rows   []int    // number of each sample in the file, from 0: of a table, some rows may be left out
	Notes  []string // what was changed or left out, a sentence each
	Labels []int    // class of each sample in the schema, -1 where it is not known; nil if none is
}

// Load reads new samples in the units of the source and scales them: from a CSV file with the columns of the features, in
// any order and beside others, or from anything that the function [Load] takes. Labels may be missing: the column of a CSV
// file or some of its cells, and y beside the x of an .npz file. Samples of all splits come in the order of the file, or
// those of one split if it is not empty. A label that is no class of the schema is an error.
func (s *Schema) Load(ctx context.Context, name, split string, opt Options) (*Samples, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if IsCSV(name) {
		return s.loadCSV(name, split, opt.MaxGB)
	}
	d, err := s.loadUnlabelled(ctx, name, opt)
	if err != nil {
		return nil, err
	}
	if err := s.check(d); err != nil {
		return nil, err
	}
	return s.samples(d, split)
}

// IsCSV reports whether a name is that of a CSV file: one with that extension, or any file that is not NumPy's.
func IsCSV(name string) bool {
	if strings.EqualFold(filepath.Ext(name), ".csv") {
		return true
	}
	info, err := os.Stat(name)
	return err == nil && !info.IsDir() && !isNPZ(name)
}

// loadUnlabelled reads a data set whose labels may be missing.
func (s *Schema) loadUnlabelled(ctx context.Context, name string, opt Options) (*Dataset, error) {
	if !isNPZ(name) {
		return Load(ctx, name, opt)
	}
	limit, err := bytesOf(opt.MaxGB)
	if err != nil {
		return nil, fmt.Errorf("datasets: %s: %w", name, err)
	}
	d, err := readNPZ(name, limit, false)
	if err != nil {
		return nil, fmt.Errorf("datasets: %s: %w", name, err)
	}
	most := 0
	for i := range d.Splits {
		if labels := d.Splits[i].Labels; labels != nil {
			most = max(most, slices.Max(labels)+1)
		}
	}
	d.Classes = numbered(most)
	return d, nil
}

// samples gathers the samples of d, in the units of the source.
func (s *Schema) samples(d *Dataset, split string) (*Samples, error) {
	splits := d.Splits
	if split != "" {
		one, err := d.Split(split)
		if err != nil {
			return nil, err
		}
		splits = []Split{*one}
	}
	classes, out := s.indices(d.Classes), new(Samples)
	for i := range splits {
		out.X = append(out.X, splits[i].Values()...)
		for r := range splits[i].Len() {
			class := -1
			if labels := splits[i].Labels; labels != nil {
				if class = classes[labels[r]]; class < 0 {
					return nil, s.unknownLabel(d.Classes[labels[r]])
				}
			}
			out.Rows, out.Labels = append(out.Rows, len(out.Rows)), append(out.Labels, class)
		}
	}
	return out.finish(s), nil
}

// loadCSV reads the rows of a CSV file, of one split if it is not empty.
func (s *Schema) loadCSV(name, split string, maxGB float64) (*Samples, error) {
	rows, err := s.readRows(name, maxGB)
	if err != nil {
		return nil, err
	}
	if split != "" && rows.Splits == nil {
		return nil, fmt.Errorf("%s: has no column %q, so no split %q", name, splitColumn, split)
	}
	out, err := s.pick(rows, name, canonicalSplit(split))
	if err != nil {
		return nil, err
	}
	if len(out.Labels) == 0 {
		return nil, fmt.Errorf("%s: no row has the split %s", name, split)
	}
	return out.finish(s), nil
}

// ReadCSV reads a CSV file as Load does, as a data set. Every row needs a label. The splits are those of the column "split";
// without one, all rows are the train split. The values may take maxGB GB of 1e9 bytes, 1 if it is zero.
func (s *Schema) ReadCSV(name string, maxGB float64) (*Dataset, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	rows, err := s.readRows(name, maxGB)
	if err != nil {
		return nil, err
	}
	d := &Dataset{
		Name: strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)), Source: name, Shape: s.Shape, Features: s.Features,
		Classes: s.Classes, Scaling: s.Scaling, Preprocessing: s.Preprocessing, Notes: rows.Notes,
	}
	for _, split := range []string{Train, Validation, Test} {
		if rows.Splits == nil && split != Train {
			continue
		}
		picked, err := s.pick(rows, name, split)
		if err != nil {
			return nil, err
		}
		if i := slices.Index(picked.Labels, -1); i >= 0 {
			return nil, fmt.Errorf("%s: row %d after the column names has no label", name, picked.Rows[i]+1)
		}
		if len(picked.Labels) > 0 {
			picked.finish(s)
			d.Splits = append(d.Splits, Split{Name: split, X: picked.X, Labels: picked.Labels, Index: picked.Rows})
		}
	}
	if len(d.Splits) == 0 {
		return nil, fmt.Errorf("%s: has no row of the train, validation or test split", name)
	}
	return d, nil
}

func (s *Schema) readRows(name string, maxGB float64) (*Rows, error) {
	table := s.table()
	if table == nil {
		return nil, fmt.Errorf("%s: the model was trained on samples without names of columns; want an .npz file", name)
	}
	return table.ReadRows(name, maxGB)
}

// table returns how columns become inputs, nil if these have no names.
func (s *Schema) table() *Preprocessing {
	if s.Preprocessing != nil || s.Features == nil {
		return s.Preprocessing
	}
	return columnsOf(s.Features)
}

// LabelColumn lets labels be read from another column of CSV files.
func (s *Schema) LabelColumn(name string) {
	if table := s.table(); table != nil {
		other := *table
		other.Label = name
		s.Preprocessing = &other
	}
}

// pick gathers the rows of a split, or of all if it is empty or they have none.
func (s *Schema) pick(rows *Rows, name, split string) (*Samples, error) {
	out := &Samples{Notes: rows.Notes}
	classes, width := s.indices(rows.Labels), s.width()
	for i, index := range rows.Index {
		if split != "" && rows.Splits != nil && rows.Splits[i] != split && rows.Splits[i] != "all" {
			continue
		}
		class := -1
		if rows.Labels != nil {
			if class = classes[i]; class < 0 && rows.Labels[i] != "" {
				return nil, fmt.Errorf("%s:%d:%d: %w", name, rows.labelPlaces[i].line, rows.labelPlaces[i].column, s.unknownLabel(rows.Labels[i]))
			}
		}
		out.X = append(out.X, rows.X[i*width:(i+1)*width]...)
		out.Rows, out.Labels = append(out.Rows, index), append(out.Labels, class)
	}
	return out, nil
}

// columnsOf returns the preprocessing of a table of numbers.
func columnsOf(names []string) *Preprocessing {
	p := &Preprocessing{Label: labelColumn, Delimiter: ",", Missing: MissingError}
	for _, name := range names {
		p.Columns = append(p.Columns, Column{Name: name})
	}
	return p
}

// finish scales the values.
func (n *Samples) finish(s *Schema) *Samples {
	n.N = len(n.Labels)
	if s.Scaling != nil {
		s.Scaling.Apply(n.X, s.width())
	}
	if !slices.ContainsFunc(n.Labels, func(class int) bool { return class >= 0 }) {
		n.Labels = nil
	}
	return n
}
