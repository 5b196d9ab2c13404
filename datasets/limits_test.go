package datasets

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// endless is text without an end, of which it counts what is read.
type endless struct {
	text string
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	for n := range p {
		p[n] = e.text[(e.read+n)%len(e.text)]
	}
	e.read += len(p)
	return len(p), nil
}

// A row without an end is an error once it is longer than a 256th of the memory that is allowed, and quotes 80 bytes of it.
func TestParseCSVEndlessRows(t *testing.T) {
	const limit = 1e9 / rowShare
	for _, test := range []struct {
		name, start, forever string
		want                 string
	}{
		{"header", "", "a,", `f.csv:1:1: the row that begins with "` + strings.Repeat("a,", 40) + `"`},
		{"cell", "a,label\n1,", "x", `f.csv:2:1: the row that begins with "1,` + strings.Repeat("x", 78) + `"`},
		{"open quote", "a,label\n1,0\n2,1\n\"", "7,1\n", `f.csv:4:1: the row that begins with "\"` + strings.Repeat(`7,1\n`, 19) + `7,1"`},
		{"no text", "a,label\n1,0\n", "\x00", `f.csv:3:1: the row that begins with "` + strings.Repeat(`\x00`, 80) + `"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			source := &endless{text: test.forever}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := ParseCSV(io.MultiReader(strings.NewReader(test.start), source), "f.csv", CSVOptions{})
			runtime.ReadMemStats(&after)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || !strings.Contains(err.Error(), "3906250 bytes") {
				t.Errorf("error %v\nwant   %s", err, test.want)
			}
			if source.read > limit+1<<18 {
				t.Errorf("%d bytes were read; want about %d", source.read, int(limit))
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 500e6 {
				t.Errorf("%d bytes were allocated", used)
			}
		})
	}
}

// A row of just the allowed length is none too long, wherever the buffer ends.
func TestParseCSVLongestRow(t *testing.T) {
	const gb = 0.032 // a row may take 125,000 bytes, two buffers
	row := strings.Repeat("9", 300)
	text := "a,label\n" + strings.Repeat(strings.Repeat(" ", 125_000-len(row)-3)+row+",0\n"+row+",1\n", 3)
	if _, err := ParseCSV(strings.NewReader(text), "f.csv", CSVOptions{MaxGB: gb}); err != nil {
		t.Error(err)
	}
}

// A table without an end is an error once it needs more memory than is allowed.
func TestParseCSVEndlessTable(t *testing.T) {
	header := "a,label\n"
	for name, read := range map[string]func(io.Reader) error{
		"ParseCSV": func(r io.Reader) error {
			_, err := ParseCSV(r, "f.csv", CSVOptions{MaxGB: 0.001})
			return err
		},
		"ParseRows": func(r io.Reader) error {
			_, err := columnsOf([]string{"a"}).ParseRows(r, "f.csv", 0.001)
			return err
		},
	} {
		err := read(io.MultiReader(strings.NewReader(header), &endless{text: "1,0\n2,1\n"}))
		want := "f.csv:13890:1: needs 0.001 GB of memory, more than the 0.001 GB that are allowed: raise the limit (--max-gb, data.max_gb)"
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v\nwant %s", name, err, want)
		}
	}
}

// Words become so many inputs that a small table takes much.
func TestParseCSVManyWords(t *testing.T) {
	var table strings.Builder
	table.WriteString("a,label\n")
	for i := range 12_001 {
		fmt.Fprintf(&table, "w%d,%d\n", i, i%2)
	}
	_, err := ParseCSV(strings.NewReader(table.String()), "f.csv", CSVOptions{Categorical: []string{"a"}})
	if err == nil || !strings.HasPrefix(err.Error(), "f.csv: with 12001 inputs a row, of which words are one each: needs 1.15 GB of memory") {
		t.Error(err)
	}
}

// The check for columns that are there twice is linear in their number: 200,000 take well below a second, and took a minute.
func TestParseCSVManyColumns(t *testing.T) {
	names := numbered(200_000)
	_, err := ParseCSV(strings.NewReader(strings.Join(names, ",")+",label\n"), "f.csv", CSVOptions{})
	if err == nil || !strings.Contains(err.Error(), "no rows") {
		t.Error(err)
	}
	_, err = ParseCSV(strings.NewReader(strings.Join(names, ",")+",7\n"), "f.csv", CSVOptions{})
	if err == nil || !strings.HasSuffix(err.Error(), `column "7" is there twice`) {
		t.Error(err)
	}
}

func TestParseCSVEncodings(t *testing.T) {
	for text, want := range map[string]string{
		"\xff\xfea\x00,\x00l\x00": "f.csv: is UTF-16 text; save it as UTF-8",
		"\xfe\xff\x00a\x00,":      "f.csv: is UTF-16 text; save it as UTF-8",
		"a\x00,\x00l\x00":         "f.csv: looks like UTF-16 text",
	} {
		if _, err := ParseCSV(strings.NewReader(text), "f.csv", CSVOptions{}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v; want %s", text, err, want)
		}
	}
	if _, err := ParseCSV(strings.NewReader("\xef\xbb\xbf\"a\",label\n1,0\n2,1\n"), "f.csv", CSVOptions{}); err != nil {
		t.Error(err)
	}
}

// The limit is on what both files of MNIST and of CIFAR-10 take together.
func TestLoadFilesWithinLimit(t *testing.T) {
	dir := t.TempDir()
	writeCIFAR(t, dir)
	for name, dir := range map[string]string{"mnist": "testdata/mnist", "cifar10": dir} {
		_, err := Load(t.Context(), name, Options{DataDir: dir, MaxGB: 1e-6})
		if err == nil || !strings.Contains(err.Error(), "GB that are allowed: raise the limit") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
