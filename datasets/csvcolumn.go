package datasets

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// maxWords is the most different words of a column that is not named as categorical: with more, it is likely an identifier
// or a text.
const maxWords = 100

// csvColumn is a feature of a table that is being read.
type csvColumn struct {
	kind  columnKind
	named bool           // in CSVOptions.Categorical
	ids   map[string]int // of words, in the order in which they were met

	category []float64 // of each word, −1 if the train split has not got it; set by fit
}

// columnKind is what the cells of a column hold. It is known from the first that is no gap.
type columnKind int

const (
	undecided columnKind = iota
	numeric
	verbal
)

// cell returns the value of feature i in a row: a number, the number of a word, or NaN for a gap.
func (t *csvTable) cell(record []string, i int) (float64, error) {
	col, c := t.features[i], &t.columns[i]
	text := strings.TrimSpace(record[col])
	if isGap(text) {
		return math.NaN(), nil
	}
	if c.kind == verbal && c.named {
		return c.word(text), nil
	}
	v, err := strconv.ParseFloat(text, 64)
	isNumber := err == nil || errors.Is(err, strconv.ErrRange)
	if c.kind == undecided {
		if c.kind = verbal; isNumber {
			c.kind = numeric
		} else {
			c.ids = make(map[string]int)
		}
	}
	if c.kind == numeric {
		return t.finite(col, text, v, err)
	}
	if isNumber {
		return 0, t.errorf(t.place(col), "column %.80q: %.80q is a number, and the rows before have words: name the column as categorical, or exclude it", t.header[col], text)
	}
	id := c.word(text)
	if len(c.ids) > maxWords {
		return 0, t.errorf(t.place(col), "column %.80q: more than %d different words: exclude the column, or name it as categorical", t.header[col], maxWords)
	}
	return id, nil
}

// finite returns the number v of a cell, which was parsed with the error err.
func (t *csvTable) finite(col int, text string, v float64, err error) (float64, error) {
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, t.errorf(t.place(col), "column %.80q: %.80q is too large for a float64", t.header[col], text)
	case err != nil:
		return 0, t.errorf(t.place(col), "column %.80q: %.80q is not a number", t.header[col], text)
	case math.IsNaN(v) || math.IsInf(v, 0):
		return 0, t.errorf(t.place(col), "column %.80q: %.80q is not finite", t.header[col], text)
	}
	return v, nil
}

// word returns the number of a word, a new one if it was not met before.
func (c *csvColumn) word(text string) float64 {
	id, met := c.ids[text]
	if !met {
		id = len(c.ids)
		c.ids[strings.Clone(text)] = id // do not hold the whole row
	}
	return float64(id)
}

// fit returns what is learned from the train split, whose values are those of cells.
func (t *csvTable) fit(train *Split) (*Preprocessing, error) {
	p := &Preprocessing{Label: t.header[t.label], Delimiter: string(t.csv.Comma), Missing: t.options.Missing.orError()}
	for i, col := range t.features {
		values := present(train.X, i, len(t.features))
		if len(values) == 0 {
			return nil, fmt.Errorf("%s: column %q has no value in the train split: exclude it", t.name, t.header[col])
		}
		column := Column{Name: t.header[col]}
		c := &t.columns[i]
		if c.kind == verbal {
			column.Categories = c.fit(values)
		}
		slices.Sort(values)
		if p.Missing.fills() {
			fill := mode(values)
			if p.Missing == MissingMedian && c.kind == numeric {
				fill = median(values)
			}
			column.Fill = &fill
		}
		p.Columns = append(p.Columns, column)
	}
	return p, nil
}

// present returns the values of a column that are no gaps.
func present(x []float64, column, width int) []float64 {
	var values []float64
	for at := column; at < len(x); at += width {
		if !math.IsNaN(x[at]) {
			values = append(values, x[at])
		}
	}
	return values
}

// fit returns the words that are among the values, sorted, and turns these into their numbers.
func (c *csvColumn) fit(values []float64) []string {
	c.category = slices.Repeat([]float64{-1}, len(c.ids))
	for _, v := range values {
		c.category[int(v)] = 0
	}
	var names []string
	for word, id := range c.ids {
		if c.category[id] == 0 {
			names = append(names, word)
		}
	}
	slices.Sort(names)
	for k, word := range names {
		c.category[c.ids[word]] = float64(k)
	}
	for k, v := range values {
		values[k] = c.category[int(v)]
	}
	return names
}

// encode replaces the values of cells in the splits by inputs, and returns notes on what was changed.
func (t *csvTable) encode(p *Preprocessing, splits []Split) ([]string, error) {
	e := newEncoder(p)
	if err := withinLimit(float64(len(t.rows))*(8*float64(e.width)+rowBytes), t.limit); err != nil {
		return nil, fmt.Errorf("%s: with %d inputs a row, of which words are one each: %w", t.name, e.width, err)
	}
	plain := !slices.ContainsFunc(t.columns, func(c csvColumn) bool { return c.kind == verbal })
	cells := make([]float64, len(t.columns))
	for s := range splits {
		split := &splits[s]
		if plain && !slices.ContainsFunc(split.X, math.IsNaN) {
			continue // cells are inputs already
		}
		x := make([]float64, 0, split.Len()*e.width)
		for row := range slices.Chunk(split.X, len(cells)) {
			copy(cells, row)
			for i, v := range row {
				if c := &t.columns[i]; c.kind == verbal && !math.IsNaN(v) {
					cells[i] = c.category[int(v)]
				}
			}
			x = e.appendRow(x, cells)
		}
		split.X = x
	}
	return slices.Concat(t.notes(p, splits), e.notes()), nil
}

// notes tells what was done but for what the encoder tells.
func (t *csvTable) notes(p *Preprocessing, splits []Split) []string {
	var notes, encoded []string
	if dropped := t.read - len(t.rows); dropped > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d rows have gaps and are left out", dropped, t.read))
	}
	for _, c := range p.Columns {
		if c.Categories != nil {
			encoded = append(encoded, fmt.Sprintf("%s (%d)", c.Name, len(c.Categories)))
		}
	}
	if encoded != nil {
		notes = append(notes, "columns of words are encoded one-hot, with so many categories: "+strings.Join(encoded, ", "))
	}
	if t.options.Shares != (SplitShares{}) {
		var sizes []string
		for i := range splits {
			sizes = append(sizes, fmt.Sprintf("%d %s", splits[i].Len(), splits[i].Name))
		}
		notes = append(notes, fmt.Sprintf("the splits are drawn by seed %d, in each class alike: %s", t.options.Seed, strings.Join(sizes, ", ")))
	}
	return notes
}

// median returns that of sorted values.
func median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return sorted[n/2-1]/2 + sorted[n/2]/2 // their sum can overflow
}

// mode returns the value that is there most often in sorted ones, the smallest of equals.
func mode(sorted []float64) float64 {
	best, most := sorted[0], 0
	for start := 0; start < len(sorted); {
		end := start
		for end < len(sorted) && sorted[end] == sorted[start] {
			end++
		}
		if end-start > most {
			best, most = sorted[start], end-start
		}
		start = end
	}
	return best
}
