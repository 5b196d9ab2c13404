package terminal

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Table is a table that leaves out columns where the terminal is too narrow for all.
type Table struct {
	Columns []Column
	Rows    [][]string // each as long as Columns
}

// Column is a column of a Table.
type Column struct {
	Heading string
	Right   bool // aligned at the right end, as numbers are
	// Spare is how soon the column is left out: that of the largest number first, the
	// last one of several. Columns of 0 stay.
	Spare int
	// Text says that cells are broken between words where they do not fit. The last
	// column alone may be one.
	Text bool
	// Least is the least width, for rows that WriteRow adds.
	Least int
}

const (
	gap       = 2  // columns of the terminal between two of the table
	leastText = 24 // columns of the terminal that are kept for a column of text
)

// Write writes the heading, the rows, and what is left out. If columns stay that do not
// fit, lines are cut.
func (t *Table) Write(w io.Writer) error {
	l := t.layout(Width(w))
	if err := l.write(w, t.headings()); err != nil {
		return err
	}
	for _, row := range t.Rows {
		if err := l.write(w, row); err != nil {
			return err
		}
	}
	var left []string
	for k, c := range t.Columns {
		if !slices.Contains(l.shown, k) && !slices.Contains(left, c.Heading) {
			left = append(left, c.Heading)
		}
	}
	if len(left) == 0 {
		return nil
	}
	return Wrap(w, "… a wider terminal shows "+strings.Join(left, ", ")+" as well\n")
}

// WriteHeading writes the heading alone, of a table to which WriteRow adds.
func (t *Table) WriteHeading(w io.Writer) error { return t.WriteRow(w, t.headings()) }

// WriteRow writes a row. It is aligned with Rows, and with others as Least says.
func (t *Table) WriteRow(w io.Writer, row []string) error { return t.layout(Width(w)).write(w, row) }

func (t *Table) headings() []string {
	headings := make([]string, len(t.Columns))
	for k, c := range t.Columns {
		headings[k] = c.Heading
	}
	return headings
}

// layout is how a table is shown by a terminal of some width.
type layout struct {
	*Table
	limit  int   // columns of the terminal; 0 for any number
	shown  []int // numbers of the columns
	widths []int // of all columns
}

// write writes a row.
func (l *layout) write(w io.Writer, row []string) error {
	var b strings.Builder
	at := 0 // column of the terminal
	for i, k := range l.shown {
		if i > 0 {
			b.WriteString(strings.Repeat(" ", gap))
			at += gap
		}
		text := row[k]
		if l.Columns[k].Text {
			text = strings.ReplaceAll(Broken(text, l.widths[k]), "\n", "\n"+strings.Repeat(" ", at))
		}
		pad := strings.Repeat(" ", max(0, l.widths[k]-utf8.RuneCountInString(text)))
		if l.Columns[k].Right {
			text = pad + text
		} else {
			text += pad
		}
		b.WriteString(text)
		at += l.widths[k]
	}
	text := strings.TrimRight(b.String(), " ")
	if l.limit > 0 && !l.Columns[l.shown[len(l.shown)-1]].Text {
		text = cut(text, l.limit)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// layout chooses the columns that a terminal of some width shows.
func (t *Table) layout(limit int) *layout {
	l := &layout{Table: t, limit: limit, widths: make([]int, len(t.Columns))}
	for k, c := range t.Columns {
		l.widths[k] = max(utf8.RuneCountInString(c.Heading), c.Least)
		for _, row := range t.Rows {
			l.widths[k] = max(l.widths[k], utf8.RuneCountInString(row[k]))
		}
		l.shown = append(l.shown, k)
	}
	if limit == 0 {
		return l
	}
	last := len(l.widths) - 1
	text := l.widths[last]
	if t.Columns[last].Text {
		l.widths[last] = min(text, leastText)
	}
	for l.total() > limit {
		spare := 0
		for i, k := range l.shown {
			if s := t.Columns[k].Spare; s > 0 && s >= t.Columns[l.shown[spare]].Spare {
				spare = i
			}
		}
		if t.Columns[l.shown[spare]].Spare == 0 {
			break
		}
		l.shown = slices.Delete(l.shown, spare, spare+1)
	}
	if t.Columns[last].Text {
		l.widths[last] = min(text, max(leastText, limit-l.total()+l.widths[last]))
	}
	return l
}

// total returns the width of the columns that are shown.
func (l *layout) total() int {
	n := -gap
	for _, k := range l.shown {
		n += l.widths[k] + gap
	}
	return n
}
