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
}

const gap = 2 // columns of the terminal between two of the table

// Write writes the table. If columns stay that do not fit, lines are cut.
func (t *Table) Write(w io.Writer) error {
	widths := make([]int, len(t.Columns))
	var shown []int // numbers of the columns
	for k, c := range t.Columns {
		widths[k] = utf8.RuneCountInString(c.Heading)
		for _, row := range t.Rows {
			widths[k] = max(widths[k], utf8.RuneCountInString(row[k]))
		}
		shown = append(shown, k)
	}
	limit := Width(w)
	for limit > 0 && t.total(shown, widths) > limit {
		spare := 0
		for i, k := range shown {
			if s := t.Columns[k].Spare; s > 0 && s >= t.Columns[shown[spare]].Spare {
				spare = i
			}
		}
		if t.Columns[shown[spare]].Spare == 0 {
			break
		}
		shown = slices.Delete(shown, spare, spare+1)
	}
	line := func(cell func(k int) string) error {
		var b strings.Builder
		for i, k := range shown {
			if i > 0 {
				b.WriteString(strings.Repeat(" ", gap))
			}
			text := cell(k)
			pad := strings.Repeat(" ", widths[k]-utf8.RuneCountInString(text))
			if t.Columns[k].Right {
				text = pad + text
			} else {
				text += pad
			}
			b.WriteString(text)
		}
		text := strings.TrimRight(b.String(), " ")
		if limit > 0 {
			text = cut(text, limit)
		}
		_, err := fmt.Fprintln(w, text)
		return err
	}
	if err := line(func(k int) string { return t.Columns[k].Heading }); err != nil {
		return err
	}
	for _, row := range t.Rows {
		if err := line(func(k int) string { return row[k] }); err != nil {
			return err
		}
	}
	var left []string
	for k, c := range t.Columns {
		if !slices.Contains(shown, k) {
			left = append(left, c.Heading)
		}
	}
	if len(left) > 0 {
		return Wrap(w, "… a wider terminal shows "+strings.Join(left, ", ")+" as well\n")
	}
	return nil
}

// total returns the width of the columns that are shown.
func (t *Table) total(shown, widths []int) int {
	n := -gap
	for _, k := range shown {
		n += widths[k] + gap
	}
	return n
}
