package datasets

import (
	"io"
	"path/filepath"
	"strings"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

// ReadCSV reads a data set from a CSV file whose first line names the columns. See [ParseCSV].
func ReadCSV(path string, opt CSVOptions) (*Dataset, error) {
	f, _, err := durable.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ParseCSV(f, path, opt)
}

// ParseCSV reads a data set from text whose first line names the columns. The name is that of the file: errors have the
// form name:line:column, and the Dataset has the name without folder and extension.
//
// The split column holds train, val, validation, test or all; without one, every row is train, or [CSVOptions.Shares] are
// drawn. There must be a train split, or else every row is all and the Dataset is Shared. If all labels are integers
// 0 … C−1 they are the classes; otherwise the classes are the distinct labels, sorted. There must be at least two.
//
// What the file needs of memory is bounded by [CSVOptions.MaxGB], and a row by a 256th of that, 3.9 MB if it is zero.
//
// Numbers must be finite. Words become one-hot columns, one a category of the train split, and gaps what
// [CSVOptions.Missing] says. Both are fitted on the train split alone; [Dataset.Preprocessing] holds the fit, and
// [Dataset.Notes] tell what was changed.
func ParseCSV(r io.Reader, name string, opt CSVOptions) (*Dataset, error) {
	t, err := newCSVTable(r, name, opt)
	if err != nil {
		return nil, err
	}
	if err := t.readRows(); err != nil {
		return nil, err
	}
	d := &Dataset{Name: strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)), Source: name}
	if d.Classes, err = t.resolveClasses(); err != nil {
		return nil, err
	}
	if d.Splits, err = t.splits(len(d.Classes)); err != nil {
		return nil, err
	}
	if d, err = d.Choose(opt.Classes, opt.PerClass); err != nil {
		return nil, err
	}
	d.Shared = t.shared
	if d.Preprocessing, err = t.fit(&d.Splits[0]); err != nil {
		return nil, err
	}
	if d.Notes, err = t.encode(d.Preprocessing, d.Splits); err != nil {
		return nil, err
	}
	d.Features = d.Preprocessing.Features()
	d.Shape = []int{len(d.Features)}
	return d, nil
}
