package datasets

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseCSV(t *testing.T) {
	tests := []struct {
		name, text string
		opt        CSVOptions
		features   []string
		classes    []string
		splits     []string
		x          []float64 // of the train split
		labels     []int
		index      []int
	}{
		{
			name: "bare", text: "x,label\n1,0\n2,1\n",
			features: []string{"x"}, classes: []string{"0", "1"}, splits: []string{"train"},
			x: []float64{1, 2}, labels: []int{0, 1}, index: []int{0, 1},
		},
		{
			name: "byte order mark, CRLF, quotes, spaces, no last newline", text: "\xef\xbb\xbf\"a,b\", label\r\n\" 1e-3\", \"cat\"\r\n-2 ,\"a \"\"dog\"\"\"",
			features: []string{"a,b"}, classes: []string{`a "dog"`, "cat"}, splits: []string{"train"},
			x: []float64{1e-3, -2}, labels: []int{1, 0}, index: []int{0, 1},
		},
		{
			name: "splits, order and index", text: "index,x,label,split,pos_in_split\n7,1,0,train,2\n8,2,1,val,0\n9,3,1,train,-1\n10,4,1,test,0\n",
			features: []string{"x"}, classes: []string{"0", "1"}, splits: []string{"train", "validation", "test"},
			x: []float64{3, 1}, labels: []int{1, 0}, index: []int{9, 7},
		},
		{
			name: "test and train alone", text: "x,label,split\n1,0,test\n2,1,train\n",
			features: []string{"x"}, classes: []string{"0", "1"}, splits: []string{"train", "test"},
			x: []float64{2}, labels: []int{1}, index: []int{1},
		},
		{
			name: "features named", text: "a,note,b,label\n1,hm,2,0\n3,,4,1\n", opt: CSVOptions{Features: []string{"b", "a"}},
			features: []string{"b", "a"}, classes: []string{"0", "1"}, splits: []string{"train"},
			x: []float64{2, 1, 4, 3}, labels: []int{0, 1}, index: []int{0, 1},
		},
		{
			name: "a role column as a feature", text: "index,label\n5,0\n6,1\n", opt: CSVOptions{Features: []string{"index"}},
			features: []string{"index"}, classes: []string{"0", "1"}, splits: []string{"train"},
			x: []float64{5, 6}, labels: []int{0, 1}, index: []int{0, 1},
		},
		{
			name: "columns by other names", text: "label,kind,part\n1,b,train\n2,a,valid\n3,a,train\n", opt: CSVOptions{Label: "kind", Split: "part"},
			features: []string{"label"}, classes: []string{"a", "b"}, splits: []string{"train", "validation"},
			x: []float64{1, 3}, labels: []int{1, 0}, index: []int{0, 2},
		},
		{
			name: "split column for a label", text: "split,x\n1,4\n0,5\n", opt: CSVOptions{Label: "split"},
			features: []string{"x"}, classes: []string{"0", "1"}, splits: []string{"train"},
			x: []float64{4, 5}, labels: []int{1, 0}, index: []int{0, 1},
		},
		{
			name: "negative labels are names", text: "x,label\n1,-1\n2,1\n",
			features: []string{"x"}, classes: []string{"-1", "1"}, splits: []string{"train"},
			x: []float64{1, 2}, labels: []int{0, 1}, index: []int{0, 1},
		},
		{
			name: "a gap in the numbers", text: "x,label\n1,0\n2,2\n3,0\n",
			features: []string{"x"}, classes: []string{"0", "1", "2"}, splits: []string{"train"},
			x: []float64{1, 2, 3}, labels: []int{0, 2, 0}, index: []int{0, 1, 2},
		},
	}
	for _, tt := range tests {
		d, err := ParseCSV(strings.NewReader(tt.text), "in.csv", tt.opt)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var splits []string
		for _, s := range d.Splits {
			splits = append(splits, s.Name)
		}
		s := d.Splits[0]
		if !slices.Equal(d.Features, tt.features) || !slices.Equal(d.Classes, tt.classes) || !slices.Equal(splits, tt.splits) ||
			!slices.Equal(s.X, tt.x) || !slices.Equal(s.Labels, tt.labels) || !slices.Equal(s.Index, tt.index) || d.Width() != len(tt.features) {
			t.Errorf("%s: got %+v", tt.name, d)
		}
	}
}

func TestParseCSVRefuses(t *testing.T) {
	tests := []struct {
		name, text string
		opt        CSVOptions
		want       string // the whole error
	}{
		{"empty", "", CSVOptions{}, "in.csv: the file is empty, want a line that names the columns"},
		{"only a mark", "\xef\xbb\xbf", CSVOptions{}, "in.csv: the file is empty, want a line that names the columns"},
		{"header only", "x,label\n", CSVOptions{}, "in.csv: no rows after the line of column names"},
		{"no label", "x,y\n1,0\n", CSVOptions{}, `in.csv:1: no label column "label": there are "x", "y"`},
		{"many columns", "a,b,c,d,e,f,g,h,i,j,k,l\n", CSVOptions{}, `in.csv:1: no label column "label": there are "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", … (12 in all)`},
		{"no named label", "x,label\n1,0\n", CSVOptions{Label: "kind"}, `in.csv:1: no label column "kind": there are "x", "label"`},
		{"no named split", "x,label\n1,0\n", CSVOptions{Split: "part"}, `in.csv:1: no split column "part": there are "x", "label"`},
		{"no named feature", "x,label\n1,0\n", CSVOptions{Features: []string{"z"}}, `in.csv:1: no feature column "z": there are "x", "label"`},
		{"label as feature", "x,label\n1,0\n", CSVOptions{Features: []string{"label"}}, `in.csv: column "label" cannot be a feature: it is the label, the split, excluded or named twice`},
		{"feature twice", "x,label\n1,0\n", CSVOptions{Features: []string{"x", "x"}}, `in.csv: column "x" cannot be a feature: it is the label, the split, excluded or named twice`},
		{"label as split", "x,label\n1,0\n", CSVOptions{Split: "label"}, `in.csv: column "label" cannot be both label and split`},
		{"no features", "label,split\n1,train\n", CSVOptions{}, `in.csv: no column is a feature: there are "label", "split"`},
		{"empty features", "x,label\n1,0\n", CSVOptions{Features: []string{}}, `in.csv: no column is a feature: there are "x", "label"`},
		{"column twice", "x, x,label\n1,2,0\n", CSVOptions{}, `in.csv:1:4: column "x" is there twice`},
		{"column without name", "x,,label\n1,2,0\n", CSVOptions{}, "in.csv:1:3: column 2 has no name"},
		{"word", "x,label\n1,0\nabc,1\n", CSVOptions{}, `in.csv:3:1: column "x": "abc" is not a number`},
		{"second line of a quoted cell", "note,x,label\n,1,0\n\"a\nb\",abc,1\n", CSVOptions{Features: []string{"x"}}, `in.csv:4:4: column "x": "abc" is not a number`},
		{"empty cell", "x,y,label\n1,,0\n", CSVOptions{}, `in.csv:2:3: column "y": the value is missing: set missing to median, most_frequent or drop, or exclude the column`},
		{"NaN", "x,label\nNaN,0\n", CSVOptions{}, `in.csv:2:1: column "x": the value is missing: set missing to median, most_frequent or drop, or exclude the column`},
		{"infinity", "x,label\n1,0\n-inf,0\n", CSVOptions{}, `in.csv:3:1: column "x": "-inf" is not finite`},
		{"too large", "x,label\n1e999,0\n", CSVOptions{}, `in.csv:2:1: column "x": "1e999" is too large for a float64`},
		{"field missing", "x,y,label\n1,2\n", CSVOptions{}, "in.csv:2:3: row has 2 fields, want 3"},
		{"field extra", "x,label\n1,0,5\n", CSVOptions{}, "in.csv:2:5: row has 3 fields, want 2"},
		{"quote", "x,label\n\"1,0\n", CSVOptions{}, `in.csv:2:6: extraneous or missing " in quoted-field`},
		{"label empty", "x,label\n1, \n", CSVOptions{}, `in.csv:2:4: column "label": label is missing`},
		{"label NaN", "x,label\n1,nan\n", CSVOptions{}, `in.csv:2:3: column "label": label is missing`},
		{"one class", "x,label\n1,cat\n2,cat\n", CSVOptions{}, `in.csv: every row has the label "cat", want at least two classes`},
		{"label too large", "x,label\n1,0\n2,1000000000\n", CSVOptions{}, "in.csv:3:3: label 1000000000 in a file of 2 rows: number the classes 0, 1, … or give them names"},
		{"split unknown", "x,label,split\n1,0,Train\n", CSVOptions{}, `in.csv:2:5: column "split": "Train" is no split, want train, val, validation, test or all`},
		{"no train", "x,label,split\n1,0,val\n2,1,test\n", CSVOptions{}, "in.csv: no row has the split train"},
		{"all and train", "x,label,split\n1,0,all\n2,1,train\n", CSVOptions{}, `in.csv:3: split "train" after "all" on line 2: rows are either all "all" or none`},
		{"rule for gaps", "x,label\n1,0\n", CSVOptions{Missing: "mean"}, `in.csv: a setting is "mean"; want error, median, most_frequent or drop`},
		{"delimiter", "x,label\n1,0\n", CSVOptions{Delimiter: "::"}, `in.csv: the delimiter is "::"; want one character, such as ; or \t, and neither quote, space nor end of line`},
		{"other delimiter", "x;label\n1;0\n", CSVOptions{}, `in.csv:1: no label column "label": there are "x;label"; if columns are separated by ";", set the delimiter`},
		{"number among words", "x,label\nred,0\n1,1\n", CSVOptions{}, `in.csv:3:1: column "x": "1" is a number, and the rows before have words: name the column as categorical, or exclude it`},
		{"identifiers", "x,label\n" + manyWords(101), CSVOptions{}, `in.csv:102:1: column "x": more than 100 different words: exclude the column, or name it as categorical`},
		{"no value", "x,y,label,split\n,1,0,train\n2,1,1,test\n", CSVOptions{Missing: MissingMedian}, `in.csv: column "x" has no value in the train split: exclude it`},
		{"all dropped", "x,y,label\n,1,0\n2,?,1\n", CSVOptions{Missing: MissingDrop}, `in.csv: every row has a gap, so that none is left: exclude columns, or fill the gaps (median, most_frequent)`},
		{"no excluded column", "x,label\n1,0\n", CSVOptions{Exclude: []string{"y"}}, `in.csv:1: no excluded column "y": there are "x", "label"`},
		{"label excluded", "x,label\n1,0\n", CSVOptions{Exclude: []string{"label"}}, `in.csv: column "label" cannot be excluded: it is the label or the split`},
		{"excluded feature", "x,label\n1,0\n", CSVOptions{Exclude: []string{"x"}, Features: []string{"x"}}, `in.csv: column "x" cannot be a feature: it is the label, the split, excluded or named twice`},
		{"categorical label", "x,label\n1,0\n", CSVOptions{Categorical: []string{"label"}}, `in.csv: column "label" cannot be categorical: it is no feature`},
		{"no categorical column", "x,label\n1,0\n", CSVOptions{Categorical: []string{"y"}}, `in.csv:1: no categorical column "y": there are "x", "label"`},
		{"shares and a split", "x,label,split\n1,0,train\n", CSVOptions{Shares: SplitShares{Test: 0.5}}, `in.csv: column "split" is the split, so no shares can be drawn; exclude the column to draw them`},
		{"shares of all", "x,label\n1,0\n", CSVOptions{Shares: SplitShares{Validation: 0.5, Test: 0.5}}, `in.csv: a setting is {validation: 0.5, test: 0.5}; want shares of at least 0 whose sum is below 1`},
		{"shares of few", "x,label\n1,0\n2,1\n", CSVOptions{Shares: SplitShares{Test: 0.1}}, `in.csv: of 2 rows in 2 classes, shares of 0 for validation and 0.1 for test come to 0 and 0 rows: want larger shares or more rows`},
		{"index", "index,x,label\n1.5,1,0\n", CSVOptions{}, `in.csv:2:1: column "index": "1.5" is not an integer`},
		{"position", "pos_in_split,x,label\n,1,0\n", CSVOptions{}, `in.csv:2:1: column "pos_in_split": "" is not an integer`},
		{"position twice", "pos_in_split,x,label\n4,1,0\n3,1,0\n4,1,1\n", CSVOptions{}, `in.csv:4: column "pos_in_split": position 4 of the train split is taken by line 2`},
	}
	for _, tt := range tests {
		_, err := ParseCSV(strings.NewReader(tt.text), "in.csv", tt.opt)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s:\n got %v\nwant %s", tt.name, err, tt.want)
		}
	}
}

func TestReadCSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "two.points.csv")
	if err := os.WriteFile(path, []byte("x,label\n1,0\n2,1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := ReadCSV(path, CSVOptions{})
	if err != nil || d.Name != "two.points" || d.Source != path {
		t.Errorf("got %+v, %v", d, err)
	}
	for _, bad := range []string{filepath.Join(t.TempDir(), "none.csv"), t.TempDir()} {
		if _, err := ReadCSV(bad, CSVOptions{}); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// manyWords returns rows of a feature with so many different words.
func manyWords(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "w%d,%d\n", i, i%2)
	}
	return b.String()
}

// FuzzParseCSV checks that any text gives an error of one line with the file's name in front, or a sound data set, whose
// preprocessing turns the text into the same inputs.
func FuzzParseCSV(f *testing.F) {
	for _, seed := range []string{
		"x,label\n1,0\n2,1\n",
		"\xef\xbb\xbfx, label\r\n\"1\",a\r\n2,b",
		"index,x,label,split,pos_in_split\n7,1,0,train,2\n8,2,1,val,0\n",
		"x,label,split\n1,0,all\n2,3,all\n",
		"x,label\n1e999,0\n\"", "a,a\n", ",\n", "label\n0\n1\n", "\"0\n0\"",
		"x,c,label\n1,red,a\n,blue,b\n3,NA,a\n4,red,b\n",
		"c,x,label,split\n?,1,0,train\nb,,1,train\nd,2,1,test\n",
		"c,label\n,0\nnull,1\n", "x;c;label\n1;;0\n", "c,label\n\"a,b\",0\n\"a\nb\",1\n",
	} {
		for _, m := range []string{"", "median", "most_frequent", "drop"} {
			f.Add(seed, m, ",", 0.0)
		}
		f.Add(seed, "median", ";", 0.5)
	}
	f.Fuzz(func(t *testing.T, text, missing, delimiter string, share float64) {
		opt := CSVOptions{Missing: Missing(missing), Delimiter: delimiter, Shares: SplitShares{Test: share}}
		d, err := ParseCSV(strings.NewReader(text), "in.csv", opt)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "in.csv:") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q", err)
			}
			return
		}
		if d.Splits[0].Name != Train || len(d.Classes) < 2 || d.Width() != d.Preprocessing.Width() {
			t.Errorf("got %+v", d)
		}
		samples := 0
		for _, s := range d.Splits {
			samples += s.Len()
			if err := s.fits(d.Width()); err != nil || s.Len() == 0 {
				t.Errorf("split %+v: %v", s, err)
			}
			for _, l := range s.Labels {
				if l < 0 || l >= len(d.Classes) {
					t.Errorf("label %d of %d classes", l, len(d.Classes))
				}
			}
			for _, v := range s.X {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("value %v", v)
				}
			}
		}
		rows, err := d.Preprocessing.ParseRows(strings.NewReader(text), "in.csv", 0)
		if err != nil || len(rows.X) != len(rows.Index)*d.Width() || len(rows.Index) < samples {
			t.Errorf("rows %+v of %d samples: %v", rows, samples, err)
		}
	})
}

// What is filled and encoded is fitted on the samples that are chosen.
func TestCSVFitsTheChosen(t *testing.T) {
	const text = "x,word,label\n1,a,0\n,b,0\n5,c,1\n,c,1\n3,a,2\n,b,2\n7,a,2\n"
	d, err := ParseCSV(strings.NewReader(text), "in.csv", CSVOptions{Missing: MissingMedian, Classes: []int{2, 0}, PerClass: 2})
	if err != nil {
		t.Fatal(err)
	}
	train := d.Splits[0]
	if want := []float64{1, 1, 0, 2, 0, 1, 3, 1, 0, 2, 0, 1}; !slices.Equal(train.Values(), want) { // without c, and the median of 1 and 3
		t.Errorf("values %v, want %v", train.Values(), want)
	}
	if !slices.Equal(train.Labels, []int{1, 1, 0, 0}) || !slices.Equal(d.Classes, []string{"2", "0"}) || !slices.Equal(d.Features, []string{"x", "word=a", "word=b"}) {
		t.Errorf("labels %v of classes %q, features %q", train.Labels, d.Classes, d.Features)
	}
	if _, err := ParseCSV(strings.NewReader(text), "in.csv", CSVOptions{Missing: MissingMedian, Classes: []int{3, 0}}); err == nil || err.Error() != "datasets: in: option Classes has 3, want 0 to 2" {
		t.Errorf("error %v", err)
	}
}

// Shares are rounded for each class, of which a row stays in the train split.
func TestCSVSharesOfSmallClasses(t *testing.T) {
	for _, test := range []struct {
		text   string
		shares SplitShares
		want   [3]int // rows in train, validation and test
	}{
		{"x,label\n1,0\n2,0\n3,1\n4,1\n", SplitShares{Test: 0.5}, [3]int{2, 0, 2}},
		{"x,label\n1,0\n2,0\n3,1\n4,1\n", SplitShares{Test: 0.9}, [3]int{2, 0, 2}},
		{"x,label\n1,0\n2,0\n3,0\n4,1\n", SplitShares{Validation: 0.4, Test: 0.4}, [3]int{2, 1, 1}},
		{"x,label\n1,0\n2,0\n3,0\n4,1\n5,1\n", SplitShares{Test: 0.2}, [3]int{4, 0, 1}},
	} {
		d, err := ParseCSV(strings.NewReader(test.text), "in.csv", CSVOptions{Shares: test.shares})
		if err != nil {
			t.Fatal(err)
		}
		var got [3]int
		for i, name := range []string{Train, Validation, Test} {
			if s, err := d.Split(name); err == nil {
				got[i] = s.Len()
			}
		}
		if got != test.want {
			t.Errorf("%q by %+v: %v rows, want %v", test.text, test.shares, got, test.want)
		}
	}
}
