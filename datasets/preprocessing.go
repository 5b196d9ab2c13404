package datasets

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

// Preprocessing says how the columns of a table become the inputs of a model: what [ParseCSV] fitted on the train split. It
// is stored as JSON, and applied to rows that the model has not seen by [Preprocessing.ParseRows].
type Preprocessing struct {
	Label     string   `json:"label"`     // column of the class
	Delimiter string   `json:"delimiter"` // between the fields of a row
	Missing   Missing  `json:"missing"`
	Columns   []Column `json:"columns"` // in the order of their inputs
}

// Column is a feature of a table. It becomes one input if it holds numbers, and one for each category if it holds words.
type Column struct {
	Name       string   `json:"name"`
	Categories []string `json:"categories,omitempty"` // sorted, those of the train split; nil if the column holds numbers
	// Fill is what takes the place of a gap: a number, or the number of a category, from 0. It is nil if gaps are not
	// filled.
	Fill *float64 `json:"fill,omitempty"`
}

// Rows are rows of a CSV file as inputs of a model.
type Rows struct {
	// X are the inputs, row-major, len(Index) × [Preprocessing.Width] values. They are those of the source: where the data
	// set was standardized, Apply of its Scaling follows.
	X      []float64
	Index  []int    // number of each row in the file, from 0; those with gaps are left out under MissingDrop
	Splits []string // the split of each row, as in Split.Name, or "all"; nil if the file has no column "split"
	Labels []string // what the label column holds, "" where there is a gap; nil if the file has no such column
	Notes  []string // what was changed or left out, a sentence each

	labelPlaces []place
}

// ReadRows reads rows from a CSV file. See [Preprocessing.ParseRows].
func (p *Preprocessing) ReadRows(path string, maxGB float64) (*Rows, error) {
	f, _, err := durable.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return p.ParseRows(f, path, maxGB)
}

// ParseRows reads rows from text whose first line names the columns, and turns them into inputs as the train split was. The
// columns may be in any order, and others are ignored. A category that the train split has not becomes all 0, which is
// noted. The name is that of the file: errors have the form name:line:column. The inputs may take maxGB GB of 1e9 bytes, 1 if
// it is zero.
func (p *Preprocessing) ParseRows(r io.Reader, name string, maxGB float64) (*Rows, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	t, err := openCSV(r, name, p.Delimiter, maxGB)
	if err != nil {
		return nil, err
	}
	for _, c := range p.Columns {
		col, err := t.find(c.Name, "feature")
		if err != nil {
			return nil, err
		}
		t.features = append(t.features, col)
	}
	t.label, t.split = slices.Index(t.header, p.Label), slices.Index(t.header, splitColumn)
	e := newEncoder(p)
	cells := make([]float64, len(p.Columns))
	rows := new(Rows)
	err = t.eachRow(func(record []string) error {
		for i := range cells {
			v, err := e.cell(t, record, i)
			if err != nil {
				return err
			}
			if math.IsNaN(v) && p.Columns[i].Fill == nil {
				if p.Missing == MissingDrop {
					return nil
				}
				return t.errorf(t.place(t.features[i]), "column %.80q: the value is missing, and the model was trained without a rule for gaps: fill it, or train with missing set to median or most_frequent", p.Columns[i].Name)
			}
			cells[i] = v
		}
		if need := float64(len(rows.Index)+1) * (8*float64(e.width) + rowBytes); need > float64(t.limit) {
			return t.errorf(t.place(0), "%w", withinLimit(need, t.limit))
		}
		rows.X = e.appendRow(rows.X, cells)
		rows.Index = append(rows.Index, t.read)
		if t.split >= 0 {
			rows.Splits = append(rows.Splits, strings.Clone(canonicalSplit(strings.TrimSpace(record[t.split]))))
		}
		if t.label >= 0 {
			rows.Labels = append(rows.Labels, strings.Clone(labelOf(record[t.label])))
			rows.labelPlaces = append(rows.labelPlaces, t.place(t.label))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if t.read == 0 {
		return nil, fmt.Errorf("%s: no rows after the line of column names", name)
	}
	if dropped := t.read - len(rows.Index); dropped > 0 {
		rows.Notes = append(rows.Notes, fmt.Sprintf("%d of %d rows have gaps and are left out", dropped, t.read))
	}
	rows.Notes = append(rows.Notes, e.notes()...)
	return rows, nil
}

// Width returns the number of inputs.
func (p *Preprocessing) Width() int { return newEncoder(p).width }

// Features returns a name for each input: that of a column of numbers, and COLUMN=CATEGORY for each category.
func (p *Preprocessing) Features() []string {
	var names []string
	for _, c := range p.Columns {
		if c.Categories == nil {
			names = append(names, c.Name)
		}
		for _, category := range c.Categories {
			names = append(names, c.Name+"="+category)
		}
	}
	return names
}

// Validate returns an error if p, as it was read from a file, is none that ParseCSV makes.
func (p *Preprocessing) Validate() error {
	if err := p.Missing.Validate(); err != nil {
		return fmt.Errorf("datasets: the preprocessing's missing %w", err)
	}
	if _, err := delimiterOf(p.Delimiter); err != nil {
		return fmt.Errorf("datasets: the preprocessing's delimiter %w", err)
	}
	if len(p.Columns) == 0 {
		return fmt.Errorf("datasets: the preprocessing has no columns")
	}
	for _, c := range p.Columns {
		if c.Fill == nil {
			continue
		}
		fill := *c.Fill
		if notFinite(fill) || c.Categories != nil && (fill != math.Trunc(fill) || fill < 0 || fill >= float64(len(c.Categories))) {
			return fmt.Errorf("datasets: column %q of the preprocessing fills gaps by %g; want a finite number, or one of its %d categories, from 0", c.Name, fill, len(c.Categories))
		}
	}
	return nil
}

// labelOf returns the label in a cell, "" for a gap.
func labelOf(cell string) string {
	text := strings.TrimSpace(cell)
	if strings.EqualFold(text, "nan") {
		return ""
	}
	return text
}

// encoder turns cells into inputs and counts what it changes.
type encoder struct {
	*Preprocessing
	width   int
	numbers []map[string]float64 // of categories; nil for a column of numbers
	filled  []int                // gaps of each column
	unknown []int                // cells of each column with a category that it has not
}

func newEncoder(p *Preprocessing) *encoder {
	n := len(p.Columns)
	e := &encoder{Preprocessing: p, numbers: make([]map[string]float64, n), filled: make([]int, n), unknown: make([]int, n)}
	for i, c := range p.Columns {
		if c.Categories == nil {
			e.width++
			continue
		}
		e.width += len(c.Categories)
		e.numbers[i] = make(map[string]float64, len(c.Categories))
		for k, category := range c.Categories {
			e.numbers[i][category] = float64(k)
		}
	}
	return e
}

// cell returns the value of column i in a row of t: a number, the number of a category, −1 if there is no such, or NaN for
// a gap.
func (e *encoder) cell(t *csvTable, record []string, i int) (float64, error) {
	col := t.features[i]
	text := strings.TrimSpace(record[col])
	if isGap(text) {
		return math.NaN(), nil
	}
	if e.numbers[i] == nil {
		v, err := strconv.ParseFloat(text, 64)
		return t.finite(col, text, v, err)
	}
	if k, known := e.numbers[i][text]; known {
		return k, nil
	}
	return -1, nil
}

// appendRow appends the inputs of a row to x.
func (e *encoder) appendRow(x, cells []float64) []float64 {
	for i, v := range cells {
		c := &e.Columns[i]
		if math.IsNaN(v) {
			v = *c.Fill
			e.filled[i]++
		}
		if c.Categories == nil {
			x = append(x, v)
			continue
		}
		for k := range c.Categories {
			x = append(x, boolean(float64(k) == v))
		}
		if v < 0 {
			e.unknown[i]++
		}
	}
	return x
}

func (e *encoder) notes() []string {
	var filled, unknown, notes []string
	for i, c := range e.Columns {
		if n := e.filled[i]; n > 0 {
			fill := strconv.FormatFloat(*c.Fill, 'g', 6, 64)
			if c.Categories != nil {
				fill = strconv.Quote(c.Categories[int(*c.Fill)])
			}
			filled = append(filled, fmt.Sprintf("%d of %s by %s", n, c.Name, fill))
		}
		if n := e.unknown[i]; n > 0 {
			unknown = append(unknown, fmt.Sprintf("%d of %s", n, c.Name))
		}
	}
	if filled != nil {
		rule := "the median of the train split, or of words the most frequent one"
		if e.Missing == MissingMode {
			rule = "the most frequent value of the train split"
		}
		notes = append(notes, fmt.Sprintf("gaps are filled by %s: %s", rule, strings.Join(filled, ", ")))
	}
	if unknown != nil {
		notes = append(notes, "cells with a category that the train split has not are encoded as zeros: "+strings.Join(unknown, ", "))
	}
	return notes
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
