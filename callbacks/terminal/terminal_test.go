package terminal_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hessoscope/hessoscope/callbacks/terminal"
)

// screen is a terminal of some columns.
type screen struct {
	bytes.Buffer
	columns int
}

func (s *screen) Columns() int { return s.columns }

func TestTable(t *testing.T) {
	table := terminal.Table{
		Columns: []terminal.Column{{Heading: "run"}, {Heading: "model", Spare: 2}, {Heading: "λ₁", Right: true}, {Heading: "time", Right: true, Spare: 1}},
		Rows:    [][]string{{"runs/a", "MLP 4-5-3", "1.5", "10s"}, {"runs/long-name", "MLP", "22.25", "1s"}},
	}
	for columns, want := range map[int]string{
		0:  "run             model         λ₁  time\nruns/a          MLP 4-5-3    1.5   10s\nruns/long-name  MLP        22.25    1s\n",
		38: "run             model         λ₁  time\nruns/a          MLP 4-5-3    1.5   10s\nruns/long-name  MLP        22.25    1s\n",
		37: "run                λ₁  time\nruns/a            1.5   10s\nruns/long-name  22.25    1s\n… a wider terminal shows model as\n  well\n",
		24: "run                λ₁\nruns/a            1.5\nruns/long-name  22.25\n… a wider terminal shows\n  model, time as well\n",
		20: "run               λ₁\nruns/a           1.5\nrun…long-name  22.25\n… a wider terminal\n  shows model, time\n  as well\n",
		10: "run      …\nruns/a   …\nru…ng-nam…\n… a wider\n  terminal\n  shows\n  model,\n  time as\n  well\n",
	} {
		s := &screen{columns: columns}
		if err := table.Write(s); err != nil {
			t.Fatal(err)
		}
		if have := s.String(); strings.Join(strings.Fields(have), " ") != strings.Join(strings.Fields(want), " ") {
			t.Errorf("in %d columns:\n%swant:\n%s", columns, have, want)
		}
		for line := range strings.Lines(s.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); columns > 0 && n > columns {
				t.Errorf("in %d columns a line has %d: %q", columns, n, line)
			}
		}
	}
}

// The text of the last column is broken; rows that are added are aligned.
func TestTableOfText(t *testing.T) {
	table := terminal.Table{Columns: []terminal.Column{{Heading: "set", Least: 5}, {Heading: "n", Right: true, Least: 3, Spare: 1}, {Heading: "what", Text: true}}}
	for columns, want := range map[int]string{
		0:  "set      n  what\niris    90  sepals and petals of three species of iris\n",
		40: "set      n  what\niris    90  sepals and petals of three\n              species of iris\n",
		32: "set    what\niris   sepals and petals of\n         three species of iris\n… a wider terminal shows n as\n  well\n",
	} {
		table.Rows = [][]string{{"iris", "90", "sepals and petals of three species of iris"}}
		s := &screen{columns: columns}
		if err := table.Write(s); err != nil || s.String() != want {
			t.Errorf("in %d columns:\n%swant:\n%s(error %v)", columns, s.String(), want, err)
		}
	}
	table.Rows = nil
	narrow := &screen{columns: 13} // without rows no column counts as empty
	if err := table.Write(narrow); err != nil || narrow.String() != "set    what\n… a wider\n  terminal\n  shows n as\n  well\n" {
		t.Errorf("%s, error %v", narrow, err)
	}
	s := new(screen)
	if err1, err2 := table.WriteHeading(s), table.WriteRow(s, []string{"iris", "90", "x"}); err1 != nil || err2 != nil || s.String() != "set      n  what\niris    90  x\n" {
		t.Errorf("%s, errors %v, %v", s, err1, err2)
	}
}

func TestWrap(t *testing.T) {
	const text = "margin           0.061125: sample 118 is so far from class 1\n! the losses are not matched: from 0.1 to 0.5\n"
	for columns, want := range map[int]string{
		0:  text,
		60: text,
		45: "margin           0.061125: sample 118 is so\n                 far from class 1\n! the losses are not matched: from 0.1 to 0.5\n",
		30: "margin           0.061125:\n  sample 118 is so far from\n  class 1\n! the losses are not matched:\n  from 0.1 to 0.5\n",
	} {
		s := &screen{columns: columns}
		if err := terminal.Wrap(s, text); err != nil {
			t.Fatal(err)
		}
		if s.String() != want {
			t.Errorf("in %d columns:\n%swant:\n%s", columns, s.String(), want)
		}
	}
}

// A line never reaches the end of the terminal, and is erased as a whole after the
// terminal has become narrower.
func TestLine(t *testing.T) {
	s := &screen{columns: 60}
	line := &terminal.Line{Out: s}
	line.Show(0.5, "epoch 10/20, 1.00s left")
	if want := "\r\033[J 50% |" + strings.Repeat("█", 14) + strings.Repeat(" ", 14) + "| epoch 10/20, 1.00s left"; s.String() != want {
		t.Errorf("%q; want %q", s.String(), want)
	}
	s.Reset()
	s.columns = 25 // 59 characters are now three lines
	line.Show(0.75, "epoch 15/20, 0.50s left")
	if want := "\r\033[2A\033[J 75% epoch 15/20, 0.50s…"; s.String() != want {
		t.Errorf("%q; want %q", s.String(), want)
	}
	s.Reset()
	line.Clear()
	line.Clear()
	if want := "\r\033[J"; s.String() != want {
		t.Errorf("%q; want %q", s.String(), want)
	}
	s.columns = 60
	line.Show(0.5, "epoch 10/20, 1.00s left")
	s.Reset()
	s.columns = 29 // 59 characters are one more than two lines
	line.Clear()
	if want := "\r\033[2A\033[J"; s.String() != want {
		t.Errorf("%q; want %q", s.String(), want)
	}
}

func TestNoTerminal(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if terminal.Width(file) != 0 || terminal.Interactive(new(bytes.Buffer)) {
		t.Error("a file or a buffer counts as a terminal")
	}
	t.Setenv("TERM", "xterm")
	if !terminal.Interactive(&screen{columns: 80}) {
		t.Error("a terminal is not interactive")
	}
	t.Setenv("TERM", "dumb")
	if terminal.Interactive(&screen{columns: 80}) {
		t.Error("a dumb terminal counts as interactive")
	}
}
