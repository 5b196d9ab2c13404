package datasets

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const messy = `age;color;id;weight;label
1;red;a1;10;x
NA;blue;a2;?;y
3;;a3;30;x
10;red;a4;30;y
;green;a5;50;y
`

func TestGaps(t *testing.T) {
	for _, tt := range []struct {
		missing Missing
		x       []float64 // age, blue, green, red, weight
		index   []int
		note    string
	}{
		{
			MissingMedian,
			[]float64{1, 0, 0, 1, 10, 3, 1, 0, 0, 30, 3, 0, 0, 1, 30, 10, 0, 0, 1, 30, 3, 0, 1, 0, 50},
			[]int{0, 1, 2, 3, 4},
			`gaps are filled by the median of the train split, or of words the most frequent one: 2 of age by 3, 1 of color by "red", 1 of weight by 30`,
		},
		{
			MissingMode,
			[]float64{1, 0, 0, 1, 10, 1, 1, 0, 0, 30, 3, 0, 0, 1, 30, 10, 0, 0, 1, 30, 1, 0, 1, 0, 50},
			[]int{0, 1, 2, 3, 4},
			`gaps are filled by the most frequent value of the train split: 2 of age by 1, 1 of color by "red", 1 of weight by 30`,
		},
		{MissingDrop, []float64{1, 1, 10, 10, 1, 30}, []int{0, 3}, `3 of 5 rows have gaps and are left out`},
	} {
		d, err := ParseCSV(strings.NewReader(messy), "in.csv", CSVOptions{Delimiter: ";", Exclude: []string{"id"}, Missing: tt.missing})
		if err != nil {
			t.Errorf("%s: %v", tt.missing, err)
			continue
		}
		s := d.Splits[0]
		if !slices.Equal(s.X, tt.x) || !slices.Equal(s.Index, tt.index) || !slices.Contains(d.Notes, tt.note) {
			t.Errorf("%s: got %v of rows %v, notes %q", tt.missing, s.X, s.Index, d.Notes)
		}
		standard, err := d.Standardize()
		if err != nil || !slices.Equal(standard.Notes, d.Notes) || standard.Preprocessing != d.Preprocessing {
			t.Errorf("%s: standardized: %v", tt.missing, err)
		}
	}
}

// TestFitsTrainAlone has values in the test split that would change each fit.
func TestFitsTrainAlone(t *testing.T) {
	text := "n,c,label,split\n1,a,0,train\n,a,1,train\n3,,0,train\n5,b,1,train\n100,z,0,test\n100,z,1,test\n100,z,1,test\n,,0,test\n"
	d, err := ParseCSV(strings.NewReader(text), "in.csv", CSVOptions{Missing: MissingMedian})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.Features, []string{"n", "c=a", "c=b"}) {
		t.Errorf("features %q", d.Features)
	}
	if got, want := d.Splits[1].X, []float64{100, 0, 0, 100, 0, 0, 100, 0, 0, 3, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("test split %v, want %v", got, want)
	}
	if note := "cells with a category that the train split has not are encoded as zeros: 3 of c"; !slices.Contains(d.Notes, note) {
		t.Errorf("notes %q", d.Notes)
	}
}

func TestCategoricalNumbers(t *testing.T) {
	d, err := ParseCSV(strings.NewReader("zip,label\n10,0\n9,1\n10,1\n"), "in.csv", CSVOptions{Categorical: []string{"zip"}})
	if err != nil || !slices.Equal(d.Features, []string{"zip=10", "zip=9"}) || !slices.Equal(d.Splits[0].X, []float64{1, 0, 0, 1, 1, 0}) {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestTabs(t *testing.T) {
	d, err := ParseCSV(strings.NewReader("a\tb\tlabel\n1\t2\tx\n\t4\ty\n"), "in.tsv", CSVOptions{Delimiter: "\t", Missing: MissingMedian})
	if err != nil || !slices.Equal(d.Splits[0].X, []float64{1, 2, 1, 4}) {
		t.Errorf("got %+v, %v", d, err)
	}
}

// messyTable returns 5000 rows of 20 features, 4 of them words, in 4 classes of which one has 3 % of the rows, with gaps.
func messyTable(rows int) string {
	rng := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for j := range 20 {
		fmt.Fprintf(&b, "f%d;", j)
	}
	b.WriteString("id;class\n")
	for i := range rows {
		class := min(3, int(-2*math.Log(1-rng.Float64()))/2)
		if i%100 < 3 {
			class = 3
		}
		for j := range 20 {
			switch {
			case rng.Float64() < 0.02:
				b.WriteString([]string{"", "NA", "?", "nan"}[rng.IntN(4)])
			case j%5 == 4:
				b.WriteString([]string{"low", "mid", "high", "none given"}[(class+rng.IntN(2))%4])
			default:
				fmt.Fprintf(&b, "%.3f", rng.NormFloat64()+float64(class*(j%3)))
			}
			b.WriteByte(';')
		}
		fmt.Fprintf(&b, "row %d;class %d\n", i, class)
	}
	return b.String()
}

func TestMessyTable(t *testing.T) {
	text := messyTable(5000)
	opt := CSVOptions{Label: "class", Delimiter: ";", Exclude: []string{"id"}, Missing: MissingMedian, Shares: SplitShares{0.15, 0.15}, Seed: 3}
	d, err := ParseCSV(strings.NewReader(text), "messy.csv", opt)
	if err != nil {
		t.Fatal(err)
	}
	if d.Width() != 16+4*4 || len(d.Classes) != 4 || len(d.Splits) != 3 {
		t.Fatalf("width %d, classes %q, %d splits", d.Width(), d.Classes, len(d.Splits))
	}
	total, met := make([]float64, 4), make(map[int]bool)
	for _, s := range d.Splits {
		for i, l := range s.Labels {
			total[l]++
			met[s.Index[i]] = true
		}
	}
	if len(met) != 5000 {
		t.Errorf("the splits have %d different rows", len(met))
	}
	for i, share := range []float64{0.7, 0.15, 0.15} {
		count := make([]float64, 4)
		for _, l := range d.Splits[i].Labels {
			count[l]++
		}
		for class, n := range count {
			if math.Abs(n-share*total[class]) > 1.5 {
				t.Errorf("%s has %g of %g rows of class %d, want a share of %g", d.Splits[i].Name, n, total[class], class, share)
			}
		}
	}
	again, err := ParseCSV(strings.NewReader(text), "messy.csv", opt)
	if err != nil || again.Fingerprint() != d.Fingerprint() {
		t.Errorf("the second time: %v", err)
	}
	opt.Seed = 4
	if other, err := ParseCSV(strings.NewReader(text), "messy.csv", opt); err != nil || other.Fingerprint() == d.Fingerprint() {
		t.Errorf("another seed draws the same: %v", err)
	}
	sameRows(t, d, text)
}

// sameRows checks that the preprocessing, read back from JSON, turns text into the values of d.
func sameRows(t *testing.T, d *Dataset, text string) {
	t.Helper()
	stored, err := json.Marshal(d.Preprocessing)
	if err != nil {
		t.Fatal(err)
	}
	var p Preprocessing
	if err := json.Unmarshal(stored, &p); err != nil || !reflect.DeepEqual(&p, d.Preprocessing) {
		t.Fatalf("%s came back as %+v: %v", stored, p, err)
	}
	rows, err := p.ParseRows(strings.NewReader(text), "messy.csv", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range d.Splits {
		for i, row := range s.Index {
			if !slices.Equal(rows.X[row*d.Width():(row+1)*d.Width()], s.X[i*d.Width():(i+1)*d.Width()]) || rows.Labels[row] != d.Classes[s.Labels[i]] {
				t.Fatalf("row %d differs", row)
			}
		}
	}
}

func TestParseRows(t *testing.T) {
	fill := 1.0
	p := &Preprocessing{Label: "label", Delimiter: ",", Missing: MissingMode, Columns: []Column{{Name: "c", Categories: []string{"a", "b"}, Fill: &fill}, {Name: "x"}}}
	rows, err := p.ParseRows(strings.NewReader("more,x,c\n?,1,new\n7,2,\n7,3,a\n"), "new.csv", 0)
	if err != nil || !slices.Equal(rows.X, []float64{0, 0, 1, 0, 1, 2, 1, 0, 3}) || rows.Labels != nil || !slices.Equal(rows.Index, []int{0, 1, 2}) {
		t.Errorf("got %+v, %v", rows, err)
	}
	for i, part := range []string{`by the most frequent value of the train split: 1 of c by "b"`, "zeros: 1 of c"} {
		if !strings.Contains(rows.Notes[i], part) {
			t.Errorf("note %q; want %q in it", rows.Notes[i], part)
		}
	}
	for text, want := range map[string]string{
		"x\n1\n":        `new.csv:1: no feature column "c": there are "x"`,
		"x,c\n1,a\nw,a": `new.csv:3:1: column "x": "w" is not a number`,
		"x,c\n,a\n":     `new.csv:2:1: column "x": the value is missing, and the model was trained without a rule for gaps: fill it, or train with missing set to median or most_frequent`,
		"x,c\n":         "new.csv: no rows after the line of column names",
	} {
		if _, err := p.ParseRows(strings.NewReader(text), "new.csv", 0); err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
	p.Missing, p.Columns[0].Fill = MissingDrop, nil
	rows, err = p.ParseRows(strings.NewReader("x,c,label\n,a,0\n2,a,1\n3,,0\n4,b,\n"), "new.csv", 0)
	if err != nil || !slices.Equal(rows.Index, []int{1, 3}) || !slices.Equal(rows.Labels, []string{"1", ""}) || rows.Notes[0] != "2 of 4 rows have gaps and are left out" {
		t.Errorf("got %+v, %v", rows, err)
	}
}

func TestPreprocessingRefuses(t *testing.T) {
	nan, half, two := math.NaN(), 0.5, 2.0
	for want, p := range map[string]Preprocessing{
		"missing is":     {Delimiter: ",", Missing: "mean", Columns: []Column{{Name: "x"}}},
		"delimiter is":   {Delimiter: "ab", Columns: []Column{{Name: "x"}}},
		"no columns":     {Delimiter: ","},
		"gaps by NaN":    {Columns: []Column{{Name: "x", Fill: &nan}}},
		"gaps by 0.5":    {Columns: []Column{{Name: "x", Categories: []string{"a", "b"}, Fill: &half}}},
		"gaps by 2;":     {Columns: []Column{{Name: "x", Categories: []string{"a", "b"}, Fill: &two}}},
		"2 categories, ": {Columns: []Column{{Name: "x", Categories: []string{"a", "b"}, Fill: &two}}},
	} {
		if _, err := p.ParseRows(strings.NewReader("x\n1\n"), "new.csv", 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want %q in it", err, want)
		}
	}
}

func TestMedianAndMode(t *testing.T) {
	for _, tt := range []struct {
		sorted       []float64
		median, mode float64
	}{
		{[]float64{4}, 4, 4},
		{[]float64{1, 2}, 1.5, 1},
		{[]float64{1, 2, 2, 9}, 2, 2},
		{[]float64{0, 0, 5, 5, 7}, 5, 0},
		{[]float64{-math.MaxFloat64, math.MaxFloat64}, 0, -math.MaxFloat64},
		{[]float64{math.MaxFloat64, math.MaxFloat64}, math.MaxFloat64, math.MaxFloat64},
	} {
		if median(tt.sorted) != tt.median || mode(tt.sorted) != tt.mode {
			t.Errorf("%v: median %g, mode %g", tt.sorted, median(tt.sorted), mode(tt.sorted))
		}
	}
}

func BenchmarkParseCSV(b *testing.B) {
	text := messyTable(5000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := ParseCSV(strings.NewReader(text), "messy.csv", CSVOptions{Label: "class", Delimiter: ";", Exclude: []string{"id"}, Missing: MissingMedian}); err != nil {
			b.Fatal(err)
		}
	}
}
