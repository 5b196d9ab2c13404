package terminal

import (
	"io"
	"strings"
	"unicode/utf8"
)

// Wrap writes text, and breaks lines as Broken does where they are wider than the
// terminal.
func Wrap(w io.Writer, text string) error {
	_, err := io.WriteString(w, Broken(text, Width(w)))
	return err
}

// Broken breaks lines of text between words where they are wider than so many columns,
// unless these are 0. What follows is indented as the second column of the line, if
// there is one after a gap of two spaces, or else by two more than the line.
func Broken(text string, columns int) string {
	if columns <= 0 {
		return text
	}
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		lines = append(lines, broken(line, columns))
	}
	return strings.Join(lines, "\n")
}

// broken breaks a line. A word that is wider than the rest of a line is not broken.
func broken(line string, columns int) string {
	indent := secondColumn(line)
	if indent > columns/2 {
		indent = min(leading(line)+2, columns/2)
	}
	var b strings.Builder
	for utf8.RuneCountInString(line) > columns {
		runes := []rune(line)
		at := columns // of the last space at which the line may end
		for at > indent && runes[at] != ' ' {
			at--
		}
		if at <= indent {
			break
		}
		b.WriteString(strings.TrimRight(string(runes[:at]), " ") + "\n")
		line = strings.Repeat(" ", indent) + strings.TrimLeft(string(runes[at:]), " ")
	}
	b.WriteString(line)
	return b.String()
}

// leading returns the number of spaces at the start of a line.
func leading(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// secondColumn returns where the second column of a line begins, or 2 after its start.
func secondColumn(line string) int {
	start := leading(line)
	first := strings.Index(line[start:], "  ")
	if first < 0 {
		return start + 2
	}
	rest := line[start+first:]
	return utf8.RuneCountInString(line[:start+first]) + len(rest) - len(strings.TrimLeft(rest, " "))
}
