package datasets

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

// CSVOptions say what the columns of a CSV file are and how they become inputs. The zero value suits a file with a column
// "label" whose other columns have no gaps.
type CSVOptions struct {
	Label     string   // column of the class; empty means "label"
	Split     string   // column of the split; empty means "split", if there is one
	Features  []string // columns of the values, in order; nil means all that have no other role
	Exclude   []string // columns that are not read, whatever their names
	Delimiter string   // one character between the fields of a row; empty means a comma

	// Categorical are features that are encoded one-hot, also if their values look like numbers. Those that hold no number
	// and at most 100 words are so without being named.
	Categorical []string
	Missing     Missing // what is done about gaps in the features; empty means MissingError

	// Shares are those of the validation and the test split that are drawn from a file without a split column, by Seed and
	// in each class alike.
	Shares SplitShares
	Seed   uint64

	// MaxGB is the most memory, in GB of 1e9 bytes, that the values may take; 1 if zero. A table that needs more is an error.
	MaxGB float64

	// Classes and PerClass are those of [Dataset.Choose]: what they leave out counts in nothing that is fitted.
	Classes  []int
	PerClass int
}

// SplitShares are the shares of the rows that are held out of the train split, between 0 and 1.
type SplitShares struct {
	Validation float64 `yaml:"validation,omitempty"`
	Test       float64 `yaml:"test,omitempty"`
}

// Validate returns an error unless both shares are at least 0 and leave something for the train split. It completes a
// sentence whose subject is the setting.
func (s SplitShares) Validate() error {
	if !(s.Validation >= 0 && s.Test >= 0 && s.Validation+s.Test < 1) {
		return fmt.Errorf("is {validation: %g, test: %g}; want shares of at least 0 whose sum is below 1", s.Validation, s.Test)
	}
	return nil
}

// Columns that have a role of their own, unless they are named as features.
const (
	labelColumn    = "label"        // unless CSVOptions.Label names another
	splitColumn    = "split"        // unless CSVOptions.Split names another
	positionColumn = "pos_in_split" // integer; orders the rows within a split
	indexColumn    = "index"        // integer; becomes Split.Index
)

// csvTable is a CSV file that is being read.
type csvTable struct {
	name   string
	input  *recordReader
	csv    *csv.Reader // of the input
	header []string
	limit  int64 // of the memory of the values, in bytes
	line   int   // of the last field that was read

	label, split, position, index int // columns; -1 if there is none
	features                      []int
	columns                       []csvColumn // one a feature
	options                       CSVOptions

	x      []float64 // row-major, a value a feature: a number, the number of a word in its column, or NaN for a gap
	read   int       // rows read, also those that were dropped
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

// rowBytes is the memory of a csvRow.
const rowBytes = 64

type csvLabel struct {
	text  string
	class int
	place place // of the first
}

// place is where a cell starts, counted from 1; the column counts bytes.
type place struct{ line, column int }

func newCSVTable(r io.Reader, name string, opt CSVOptions) (*csvTable, error) {
	t, err := openCSV(r, name, opt.Delimiter, opt.MaxGB)
	if err != nil {
		return nil, err
	}
	t.options = opt
	return t, t.assignRoles(opt)
}

// openCSV reads the line that names the columns.
func openCSV(r io.Reader, name, delimiter string, maxGB float64) (*csvTable, error) {
	comma, err := delimiterOf(delimiter)
	if err != nil {
		return nil, fmt.Errorf("%s: the delimiter %w", name, err)
	}
	limit, err := bytesOf(maxGB)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	t := &csvTable{name: name, limit: limit, input: newRecordReader(r, limit/rowShare)}
	start, _ := t.input.buffer.Peek(4) // an error comes back with the next read
	text, err := durable.Text(start)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	t.input.buffer.Discard(len(start) - len(text))
	t.csv = csv.NewReader(t.input.buffer)
	t.csv.Comma = comma
	t.csv.FieldsPerRecord = -1             // readRows has a better error
	t.csv.TrimLeadingSpace = comma != '\t' // an empty first field would be trimmed with the tab after it
	t.csv.ReuseRecord = true
	header, err := t.record()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: the file is empty, want a line that names the columns", name)
	}
	if err != nil {
		return nil, t.syntaxError(err)
	}
	known := make(map[string]bool, len(header))
	for i, h := range header {
		h = strings.TrimSpace(h)
		if h == "" {
			return nil, t.errorf(t.place(i), "column %d has no name", i+1)
		}
		if known[h] {
			return nil, t.errorf(t.place(i), "column %.80q is there twice", h)
		}
		known[h] = true
		t.header = append(t.header, h)
	}
	return t, nil
}

// delimiterOf returns the character that delimits fields. The error completes a sentence.
func delimiterOf(delimiter string) (rune, error) {
	if delimiter == "" {
		return ',', nil
	}
	comma, size := utf8.DecodeRuneInString(delimiter)
	if size != len(delimiter) || comma == utf8.RuneError || strings.ContainsRune("\"\r\n\x00 ", comma) {
		return 0, fmt.Errorf("is %q; want one character, such as ; or \\t, and neither quote, space nor end of line", delimiter)
	}
	return comma, nil
}

func (t *csvTable) assignRoles(opt CSVOptions) error {
	if err := cmp.Or(opt.Missing.Validate(), opt.Shares.Validate()); err != nil {
		return fmt.Errorf("%s: a setting %w", t.name, err)
	}
	for _, name := range opt.Exclude {
		if _, err := t.find(name, "excluded"); err != nil {
			return err
		}
	}
	label := opt.Label
	if label == "" {
		label = labelColumn
	}
	var err error
	if t.label, err = t.find(label, "label"); err != nil {
		return err
	}
	t.split = -1
	if opt.Split == "" {
		t.split = t.optional(splitColumn, opt)
	} else if t.split, err = t.find(opt.Split, "split"); err != nil {
		return err
	}
	if t.split == t.label {
		return fmt.Errorf("%s: column %.80q cannot be both label and split", t.name, label)
	}
	if t.split >= 0 && opt.Shares != (SplitShares{}) {
		return fmt.Errorf("%s: column %.80q is the split, so no shares can be drawn; exclude the column to draw them", t.name, t.header[t.split])
	}
	t.position, t.index = t.optional(positionColumn, opt), t.optional(indexColumn, opt)
	for _, role := range []int{t.label, t.split} {
		if role >= 0 && slices.Contains(opt.Exclude, t.header[role]) {
			return fmt.Errorf("%s: column %.80q cannot be excluded: it is the label or the split", t.name, t.header[role])
		}
	}
	if err := t.assignFeatures(opt.Features); err != nil {
		return err
	}
	return t.assignCategorical(opt.Categorical)
}

func (t *csvTable) assignFeatures(named []string) error {
	for _, f := range named {
		col, err := t.find(f, "feature")
		if err != nil {
			return err
		}
		if col == t.label || col == t.split || slices.Contains(t.features, col) || slices.Contains(t.options.Exclude, f) {
			return fmt.Errorf("%s: column %.80q cannot be a feature: it is the label, the split, excluded or named twice", t.name, f)
		}
		t.features = append(t.features, col)
	}
	if named == nil {
		for col := range t.header {
			if col != t.label && col != t.split && col != t.position && col != t.index && !slices.Contains(t.options.Exclude, t.header[col]) {
				t.features = append(t.features, col)
			}
		}
	}
	if len(t.features) == 0 {
		return fmt.Errorf("%s: no column is a feature: there are %s", t.name, t.listColumns())
	}
	return nil
}

// assignCategorical makes a column of each feature.
func (t *csvTable) assignCategorical(named []string) error {
	t.columns = make([]csvColumn, len(t.features))
	for _, name := range named {
		i := slices.IndexFunc(t.features, func(col int) bool { return t.header[col] == name })
		if i < 0 {
			if _, err := t.find(name, "categorical"); err != nil {
				return err
			}
			return fmt.Errorf("%s: column %.80q cannot be categorical: it is no feature", t.name, name)
		}
		t.columns[i] = csvColumn{kind: verbal, named: true, ids: make(map[string]int)}
	}
	return nil
}

// find returns the number of a column that must exist.
func (t *csvTable) find(name, role string) (int, error) {
	if col := slices.Index(t.header, name); col >= 0 {
		return col, nil
	}
	hint := ""
	for _, other := range []string{";", "\t", "|"} {
		if len(t.header) == 1 && strings.Contains(t.header[0], other) {
			hint = fmt.Sprintf("; if columns are separated by %q, set the delimiter", other)
		}
	}
	return -1, fmt.Errorf("%s:1: no %s column %q: there are %s%s", t.name, role, name, t.listColumns(), hint)
}

// optional returns the number of a column with a default role, -1 if there is none or it has been given another role.
func (t *csvTable) optional(name string, opt CSVOptions) int {
	if slices.Contains(opt.Features, name) || slices.Contains(opt.Exclude, name) {
		return -1
	}
	col := slices.Index(t.header, name)
	if col == t.label || col == t.split {
		return -1
	}
	return col
}

// listColumns lists the names of the columns for an error, the first ten of many.
func (t *csvTable) listColumns() string {
	const most = 10
	var list []string
	for _, h := range t.header[:min(most, len(t.header))] {
		list = append(list, fmt.Sprintf("%.80q", h))
	}
	if n := len(t.header); n > most {
		list = append(list, fmt.Sprintf("… (%d in all)", n))
	}
	return strings.Join(list, ", ")
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
	if errors.Is(err, errLongRow) {
		return t.errorf(place{t.line + 1, 1}, "the row that begins with %q has more than %d bytes: is a quote left open? If not, raise the limit (--max-gb, data.max_gb); a row may take 1/%d of it", t.input.quote(), t.input.limit, rowShare)
	}
	return fmt.Errorf("%s: %w", t.name, err)
}

// record reads the fields of the next row.
func (t *csvTable) record() ([]string, error) {
	t.input.next()
	record, err := t.csv.Read()
	if err == nil {
		t.line = t.place(len(record) - 1).line
	}
	return record, err
}

// readRows reads every row and appends its values to x.
func (t *csvTable) readRows() error {
	ids := make(map[string]int)
	err := t.eachRow(func(record []string) error { return t.readRow(record, ids) })
	if err == nil && t.read == 0 {
		err = fmt.Errorf("%s: no rows after the line of column names", t.name)
	} else if err == nil && len(t.rows) == 0 {
		err = fmt.Errorf("%s: every row has a gap, so that none is left: exclude columns, or fill the gaps (median, most_frequent)", t.name)
	}
	return err
}

// eachRow calls do for every row, which has a field for each column, and counts them.
func (t *csvTable) eachRow(do func(record []string) error) error {
	for {
		record, err := t.record()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return t.syntaxError(err)
		}
		if have, want := len(record), len(t.header); have != want {
			return t.errorf(t.place(min(have-1, want)), "row has %d fields, want %d", have, want)
		}
		if err := do(record); err != nil {
			return err
		}
		t.read++
	}
}

func (t *csvTable) readRow(record []string, ids map[string]int) error {
	row := csvRow{split: Train, index: t.read, place: t.place(0)}
	text := labelOf(record[t.label])
	gap := text == ""
	if gap && t.options.Missing != MissingDrop {
		return t.errorf(t.place(t.label), "column %.80q: label is missing", t.header[t.label])
	}
	if t.split >= 0 {
		row.split = canonicalSplit(strings.TrimSpace(record[t.split]))
		if !slices.Contains([]string{Train, Validation, Test, "all"}, row.split) {
			return t.errorf(t.place(t.split), "column %.80q: %.80q is no split, want train, val, validation, test or all", t.header[t.split], record[t.split])
		}
	}
	var err error
	if row.position, err = t.integer(record, t.position, row.position); err != nil {
		return err
	}
	if row.index, err = t.integer(record, t.index, row.index); err != nil {
		return err
	}
	start := len(t.x)
	for i, col := range t.features {
		v, err := t.cell(record, i)
		if err != nil {
			return err
		}
		if math.IsNaN(v) && t.options.Missing.orError() == MissingError {
			return t.errorf(t.place(col), "column %.80q: the value is missing: set missing to median, most_frequent or drop, or exclude the column", t.header[col])
		}
		gap = gap || math.IsNaN(v)
		t.x = append(t.x, v)
	}
	if gap && t.options.Missing == MissingDrop {
		t.x = t.x[:start]
		return nil
	}
	if need := float64(len(t.rows)+1) * (8*float64(len(t.features)) + rowBytes); need > float64(t.limit) {
		return t.errorf(row.place, "%w", withinLimit(need, t.limit))
	}
	id, seen := ids[text]
	if !seen {
		id = len(t.labels)
		text = strings.Clone(text) // do not hold the whole row
		ids[text] = id
		t.labels = append(t.labels, csvLabel{text: text, place: t.place(t.label)})
	}
	row.label = id
	t.rows = append(t.rows, row)
	return nil
}

// integer returns the value of a cell of an optional column, or absent if there is no such column.
func (t *csvTable) integer(record []string, col, absent int) (int, error) {
	if col < 0 {
		return absent, nil
	}
	v, err := strconv.Atoi(strings.TrimSpace(record[col]))
	if err != nil {
		return 0, t.errorf(t.place(col), "column %.80q: %.80q is not an integer", t.header[col], record[col])
	}
	return v, nil
}
