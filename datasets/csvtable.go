package datasets

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// CSVOptions say what the columns of a CSV file are. The zero value suits a file with a column "label" whose other
// columns are numbers.
type CSVOptions struct {
	Label    string   // column of the class; empty means "label"
	Split    string   // column of the split; empty means "split", if there is one
	Features []string // columns of the values, in order; nil means all that have no other role

	labelOptional bool // whether the label column, or a label, may be missing
}

// Columns that have a role of their own, unless they are named as features.
const (
	positionColumn = "pos_in_split" // integer; orders the rows within a split
	indexColumn    = "index"        // integer; becomes Split.Index
)

// csvTable is a CSV file that is being read.
type csvTable struct {
	name   string
	csv    *csv.Reader
	header []string

	label, split, position, index int // columns; -1 if there is none
	features                      []int
	labelOptional                 bool

	x      []float64
	rows   []csvRow
	labels []csvLabel // distinct, in the order of their first rows
	shared bool       // every row is "all"
}

type csvRow struct {
	split    string
	label    int // index into csvTable.labels; the class once these are resolved
	position int
	index    int
	place    place
}

type csvLabel struct {
	text  string
	class int
	place place // of the first
}

// place is where a cell starts, counted from 1; the column counts bytes.
type place struct{ line, column int }

func newCSVTable(r io.Reader, name string, opt CSVOptions) (*csvTable, error) {
	b := bufio.NewReader(r)
	if start, _ := b.Peek(3); bytes.Equal(start, []byte("\xef\xbb\xbf")) {
		b.Discard(3) // the byte order mark that spreadsheets write
	}
	t := &csvTable{name: name, csv: csv.NewReader(b)}
	t.csv.FieldsPerRecord = -1 // readRows has a better error
	t.csv.TrimLeadingSpace = true
	t.csv.ReuseRecord = true
	header, err := t.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: the file is empty, want a line that names the columns", name)
	}
	if err != nil {
		return nil, t.syntaxError(err)
	}
	for i, h := range header {
		h = strings.TrimSpace(h)
		if h == "" {
			return nil, t.errorf(t.place(i), "column %d has no name", i+1)
		}
		if slices.Contains(t.header, h) {
			return nil, t.errorf(t.place(i), "column %q is there twice", h)
		}
		t.header = append(t.header, h)
	}
	return t, t.assignRoles(opt)
}

func (t *csvTable) assignRoles(opt CSVOptions) error {
	label := opt.Label
	if label == "" {
		label = "label"
	}
	var err error
	if t.label, err = t.find(label, "label"); err != nil && !opt.labelOptional {
		return err
	}
	t.labelOptional = opt.labelOptional
	t.split = -1
	if opt.Split == "" {
		t.split = t.optional("split", opt.Features)
	} else if t.split, err = t.find(opt.Split, "split"); err != nil {
		return err
	}
	if t.split >= 0 && t.split == t.label {
		return fmt.Errorf("%s: column %q cannot be both label and split", t.name, label)
	}
	t.position, t.index = t.optional(positionColumn, opt.Features), t.optional(indexColumn, opt.Features)
	return t.assignFeatures(opt.Features)
}

func (t *csvTable) assignFeatures(named []string) error {
	for _, f := range named {
		col, err := t.find(f, "feature")
		if err != nil {
			return err
		}
		if col == t.label || col == t.split || slices.Contains(t.features, col) {
			return fmt.Errorf("%s: column %q cannot be a feature: it is the label, the split or named twice", t.name, f)
		}
		t.features = append(t.features, col)
	}
	if named == nil {
		for col := range t.header {
			if col != t.label && col != t.split && col != t.position && col != t.index {
				t.features = append(t.features, col)
			}
		}
	}
	if len(t.features) == 0 {
		return fmt.Errorf("%s: no column is a feature: there are %s", t.name, t.columns())
	}
	return nil
}

// find returns the number of a column that must exist.
func (t *csvTable) find(name, role string) (int, error) {
	if col := slices.Index(t.header, name); col >= 0 {
		return col, nil
	}
	return -1, fmt.Errorf("%s:1: no %s column %q: there are %s", t.name, role, name, t.columns())
}

// optional returns the number of a column with a default role, -1 if there is none or it has been given another role.
func (t *csvTable) optional(name string, features []string) int {
	if slices.Contains(features, name) {
		return -1
	}
	col := slices.Index(t.header, name)
	if col == t.label || col == t.split {
		return -1
	}
	return col
}

// columns lists the names of the columns for an error, the first ten of many.
func (t *csvTable) columns() string {
	const most = 10
	var list []string
	for _, h := range t.header[:min(most, len(t.header))] {
		list = append(list, strconv.Quote(h))
	}
	if n := len(t.header); n > most {
		list = append(list, fmt.Sprintf("… (%d in all)", n))
	}
	return strings.Join(list, ", ")
}

func (t *csvTable) names(columns []int) []string {
	names := make([]string, len(columns))
	for i, col := range columns {
		names[i] = t.header[col]
	}
	return names
}

func (t *csvTable) place(field int) place {
	line, column := t.csv.FieldPos(field)
	return place{line, column}
}

func (t *csvTable) errorf(p place, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %w", t.name, p.line, p.column, fmt.Errorf(format, args...))
}

func (t *csvTable) syntaxError(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return t.errorf(place{p.Line, p.Column}, "%w", p.Err)
	}
	return fmt.Errorf("%s: %w", t.name, err)
}

// readRows reads every row and appends its values to x.
func (t *csvTable) readRows() error {
	ids := make(map[string]int)
	for {
		record, err := t.csv.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return t.syntaxError(err)
		}
		if err := t.readRow(record, ids); err != nil {
			return err
		}
	}
	if len(t.rows) == 0 {
		return fmt.Errorf("%s: no rows after the line of column names", t.name)
	}
	return nil
}

func (t *csvTable) readRow(record []string, ids map[string]int) error {
	if have, want := len(record), len(t.header); have != want {
		return t.errorf(t.place(min(have-1, want)), "row has %d fields, want %d", have, want)
	}
	row := csvRow{split: Train, index: len(t.rows), place: t.place(0)}
	var err error
	if row.label, err = t.labelOf(record, ids); err != nil {
		return err
	}
	if t.split >= 0 {
		row.split = canonicalSplit(strings.TrimSpace(record[t.split]))
		if !slices.Contains([]string{Train, Validation, Test, "all"}, row.split) {
			return t.errorf(t.place(t.split), "column %q: %q is no split, want train, val, validation, test or all", t.header[t.split], record[t.split])
		}
	}
	if row.position, err = t.integer(record, t.position, row.position); err != nil {
		return err
	}
	if row.index, err = t.integer(record, t.index, row.index); err != nil {
		return err
	}
	t.rows = append(t.rows, row)
	for _, col := range t.features {
		v, err := t.number(record, col)
		if err != nil {
			return err
		}
		t.x = append(t.x, v)
	}
	return nil
}

// labelOf returns the index of a row's label into t.labels, -1 if it may be missing and is.
func (t *csvTable) labelOf(record []string, ids map[string]int) (int, error) {
	text := ""
	if t.label >= 0 {
		text = strings.TrimSpace(record[t.label])
	}
	if text == "" || strings.EqualFold(text, "nan") {
		if t.labelOptional {
			return -1, nil
		}
		return 0, t.errorf(t.place(t.label), "column %q: label is missing", t.header[t.label])
	}
	id, seen := ids[text]
	if !seen {
		id = len(t.labels)
		text = strings.Clone(text) // do not hold the whole row
		ids[text] = id
		t.labels = append(t.labels, csvLabel{text: text, place: t.place(t.label)})
	}
	return id, nil
}

// integer returns the value of a cell of an optional column, or absent if there is no such column.
func (t *csvTable) integer(record []string, col, absent int) (int, error) {
	if col < 0 {
		return absent, nil
	}
	v, err := strconv.Atoi(strings.TrimSpace(record[col]))
	if err != nil {
		return 0, t.errorf(t.place(col), "column %q: %q is not an integer", t.header[col], record[col])
	}
	return v, nil
}

func (t *csvTable) number(record []string, col int) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(record[col]), 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, t.errorf(t.place(col), "column %q: %q is too large for a float64", t.header[col], record[col])
	case err != nil:
		return 0, t.errorf(t.place(col), "column %q: %q is not a number", t.header[col], record[col])
	case math.IsNaN(v) || math.IsInf(v, 0):
		return 0, t.errorf(t.place(col), "column %q: %q is not finite", t.header[col], record[col])
	}
	return v, nil
}
