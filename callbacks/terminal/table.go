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
	gap        = 2  // columns of the terminal between two of the table
	leastText  = 24 // columns of the terminal for a text, before spare columns are left out
	leastWords = 10 // columns of the terminal to which a text or a name is shortened at most
)

// Write writes the heading, the rows, and what is left out. If columns stay that do not
// fit, the widest column of words is shortened, and then lines are cut.
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
		if heading := strings.TrimSpace(c.Heading); !slices.Contains(l.shown, k) && !l.empty(k) && !slices.Contains(left, heading) {
			left = append(left, heading)
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
		switch {
		case l.limit == 0:
		case l.Columns[k].Text:
			text = strings.ReplaceAll(Broken(text, l.widths[k]), "\n", "\n"+strings.Repeat(" ", at))
		case !l.Columns[k].Right:
			text = cutMiddle(text, l.widths[k])
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
	if t.Columns[last].Text {
		l.widths[last] = min(l.widths[last], leastText)
	}
	if l.total() > limit {
		l.shown = slices.DeleteFunc(l.shown, func(k int) bool { return t.Columns[k].Spare > 0 && l.empty(k) })
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
	if over := l.total() - limit; over > 0 && t.Columns[last].Text {
		l.widths[last] = max(min(leastWords, l.widths[last]), l.widths[last]-over)
	}
	if over := l.total() - limit; over > 0 {
		l.shrink(over)
	}
	if t.Columns[last].Text {
		l.widths[last] += max(0, limit-l.total())
	}
	return l
}

// shrink takes so many columns of the terminal from the widest column of words.
func (l *layout) shrink(over int) {
	widest := -1
	for _, k := range l.shown {
		if c := l.Columns[k]; !c.Right && !c.Text && (widest < 0 || l.widths[k] > l.widths[widest]) {
			widest = k
		}
	}
	if widest >= 0 {
		l.widths[widest] = max(min(leastWords, l.widths[widest]), l.widths[widest]-over)
	}
}

// empty reports whether no row has a cell in a column.
func (t *Table) empty(k int) bool {
	return len(t.Rows) > 0 && !slices.ContainsFunc(t.Rows, func(row []string) bool { return row[k] != "" })
}

// cutMiddle shortens a cell to a number of columns. Both ends of a name stay, and more of
// the second one, which tells the members of a folder apart.
func cutMiddle(text string, columns int) string {
	runes := []rune(text)
	if len(runes) <= columns {
		return text
	}
	head := (columns - 1) / 4
	return string(runes[:head]) + "…" + string(runes[len(runes)-(columns-1-head):])
}

// total returns the width of the columns that are shown.
func (l *layout) total() int {
	n := -gap
	for _, k := range l.shown {
		n += l.widths[k] + gap
	}
	return n
}
