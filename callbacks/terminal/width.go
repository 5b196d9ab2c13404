package terminal

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Width returns the number of columns of the terminal that w writes to, and 0 if it is
// none. A writer to another one tells by a method Columns.
func Width(w io.Writer) int {
	switch w := w.(type) {
	case interface{ Columns() int }:
		return w.Columns()
	case interface{ Fd() uintptr }:
		if columns, _, err := term.GetSize(int(w.Fd())); err == nil {
			return columns
		}
	}
	return 0
}

// Interactive reports whether w is a terminal that can erase what it shows.
func Interactive(w io.Writer) bool { return Width(w) > 0 && os.Getenv("TERM") != "dumb" }
