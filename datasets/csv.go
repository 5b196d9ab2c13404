package datasets

import (
	"io"
	"os"
	"path/filepath"
	"strings"
)

// ReadCSV reads a data set from a comma-separated file whose first line names the columns. See [ParseCSV].
func ReadCSV(path string, opt CSVOptions) (*Dataset, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ParseCSV(f, path, opt)
}

// ParseCSV reads a data set from comma-separated text whose first line names the columns. The name is that of the file:
// errors have the form name:line:column, and the Dataset has the name without folder and extension.
//
// The split column holds train, val, validation, test or all; without one, every row is train. There must be a train
// split, or else every row is all and the Dataset is Shared. If all labels are integers 0 … C−1 they are the classes;
// otherwise the classes are the distinct labels, sorted. There must be at least two. Values must be finite numbers.
func ParseCSV(r io.Reader, name string, opt CSVOptions) (*Dataset, error) {
	t, err := newCSVTable(r, name, opt)
	if err != nil {
		return nil, err
	}
	if err := t.readRows(); err != nil {
		return nil, err
	}
	d := &Dataset{
		Name:     strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)),
		Source:   name,
		Shape:    []int{len(t.features)},
		Features: t.names(t.features),
		Label:    t.header[t.label],
	}
	if d.Classes, err = t.resolveClasses(); err != nil {
		return nil, err
	}
	if d.Splits, err = t.splits(); err != nil {
		return nil, err
	}
	d.Shared = t.shared
	return d, nil
}
