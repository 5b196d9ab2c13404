package terminal

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Line is the last line of a terminal, which shows progress. Its zero value with Out
// shows nothing yet. Errors of writing are ignored: work goes on when a terminal is
// closed.
type Line struct {
	Out io.Writer

	part  float64
	text  string
	shown int // characters that the terminal shows of it
}

const (
	widest    = 30 // columns of the bar
	narrowest = 10 // below, there is no bar
	usual     = 80 // columns, if the width is not known
)

// Show replaces the line by a bar and a text, as much of them as fits. If part, the
// share that is done, is 0, there is no bar.
func (l *Line) Show(part float64, text string) {
	l.part, l.text = part, text
	l.Redraw()
}

// Redraw shows the line again, after Clear.
func (l *Line) Redraw() {
	if l.text == "" {
		return
	}
	columns := cmp.Or(Width(l.Out), usual) - 1 // in the last one, some terminals begin a new line
	text := l.text
	if part := max(0, min(l.part, 1)); part > 0 {
		percent := fmt.Sprintf("%3d%% ", int(100*part))
		text = percent + text
		if bar := min(widest, columns-utf8.RuneCountInString(text)-len("|| ")); bar >= narrowest {
			done := int(part * float64(bar))
			text = percent + "|" + strings.Repeat("█", done) + strings.Repeat(" ", bar-done) + "| " + l.text
		}
	}
	text = cut(text, columns)
	fmt.Fprint(l.Out, l.erasing(), text)
	l.shown = utf8.RuneCountInString(text)
}

// Clear erases the line, so that others can be written.
func (l *Line) Clear() {
	if l.shown > 0 {
		fmt.Fprint(l.Out, l.erasing())
		l.shown = 0
	}
}

// erasing returns the control sequence that erases what is shown. A terminal that has
// become narrower since has broken it into several lines.
func (l *Line) erasing() string {
	up := ""
	if broken := max(0, l.shown-1) / cmp.Or(Width(l.Out), usual); broken > 0 {
		up = fmt.Sprintf("\033[%dA", broken)
	}
	return "\r" + up + "\033[J"
}

// cut shortens a line to a number of columns.
func cut(line string, columns int) string {
	if utf8.RuneCountInString(line) <= columns {
		return line
	}
	return string([]rune(line)[:max(columns-1, 0)]) + "…"
}
