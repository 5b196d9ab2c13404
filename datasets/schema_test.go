package datasets

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const petals = "split,width,kind,length\ntrain,1,b,10\ntrain,3,a,20\ntest,5,b,60\ntrain,2,a,30\n"

// petalSchema is the schema of petals, standardized, after it was stored.
func petalSchema(t *testing.T) (*Schema, *Dataset) {
	t.Helper()
	d, err := ParseCSV(strings.NewReader(petals), "petals.csv", CSVOptions{Label: "kind"})
	if err != nil {
		t.Fatal(err)
	}
	scaled, err := d.Standardize()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(scaled.Schema())
	if err != nil {
		t.Fatal(err)
	}
	s := new(Schema)
	if err := json.Unmarshal(text, s); err != nil {
		t.Fatal(err)
	}
	return s, scaled
}

func put(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The samples of the set itself are read as they were trained on, bit for bit.
func TestSchemaSame(t *testing.T) {
	s, scaled := petalSchema(t)
	path := put(t, "petals.csv", petals)
	for _, split := range scaled.Splits {
		have, err := s.Load(t.Context(), path, split.Name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(have.X, split.X) || !slices.Equal(have.Labels, split.Labels) || have.N != split.Len() {
			t.Errorf("%s: %+v; want %v, %v", split.Name, have, split.X, split.Labels)
		}
	}
	source, err := ReadCSV(path, CSVOptions{Label: "kind"})
	if err != nil {
		t.Fatal(err)
	}
	applied, err := s.Apply(source)
	if err != nil || applied.Fingerprint() != scaled.Fingerprint() {
		t.Errorf("the scaled set differs from what was trained on, error %v", err)
	}
	if _, err := s.Apply(applied); err == nil || !strings.Contains(err.Error(), "scaled already") {
		t.Errorf("scaled twice: error %v", err)
	}
}

// New rows may have other columns, in another order, and no labels.
func TestSchemaNewRows(t *testing.T) {
	s, scaled := petalSchema(t)
	x := []float64{(20 - scaled.Scaling.Mean[1]) / scaled.Scaling.Scale[1], (7 - scaled.Scaling.Mean[0]) / scaled.Scaling.Scale[0]}
	for _, test := range []struct {
		text   string
		labels []int
	}{
		{"length,note,width\n20,hi,7\n20,,7\n", nil},
		{"length,width,kind\n20,7,\n20,7,b\n", []int{-1, 1}},
		{"kind,length,width\n0,20,7\n1,20,7\n", []int{0, 1}},
	} {
		have, err := s.Load(t.Context(), put(t, "new.csv", test.text), "", Options{})
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
			continue
		}
		if want := []float64{x[1], x[0], x[1], x[0]}; have.N != 2 || !slices.Equal(have.X, want) || !slices.Equal(have.Labels, test.labels) {
			t.Errorf("%q: %+v; want %v, %v", test.text, have, want, test.labels)
		}
	}
	for text, want := range map[string]string{
		"length,kind\n20,a\n":        `no feature column "width": there are "length", "kind"`,
		"length,width,kind\n2,2,c\n": `:2:5: datasets: the label "c" is no class of the model; these are: a, b`,
		"length,width\n2,x\n":        `:2:3: column "width": "x" is not a number`,
		"length,width\n":             "no rows",
	} {
		if _, err := s.Load(t.Context(), put(t, "new.csv", text), "", Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v; want %q", text, err, want)
		}
	}
	if _, err := s.Load(t.Context(), put(t, "new.csv", "length,width\n2,2\n"), Test, Options{}); err == nil || !strings.Contains(err.Error(), `has no column "split"`) {
		t.Errorf("a split without its column: error %v", err)
	}
}

// An .npz file may have x without y.
func TestSchemaNPZ(t *testing.T) {
	s := &Schema{Shape: []int{2}, Classes: []string{"0", "1", "7"}, Scaling: &Scaling{Mean: []float64{1, 0}, Scale: []float64{2, 1}}}
	x := npyFile("<f8", "(2, 2)", []float64{1, 2, 3, 4})
	for _, test := range []struct {
		entries []any
		labels  []int
	}{
		{[]any{"x.npy", x}, nil},
		{[]any{"x.npy", x, "y.npy", npyFile("|u1", "(2,)", []byte{7, 1})}, []int{2, 1}},
	} {
		have, err := s.Load(t.Context(), put(t, "new.npz", string(npzFile(t, test.entries...))), "", Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(have.X, []float64{0, 2, 1, 4}) || !slices.Equal(have.Labels, test.labels) {
			t.Errorf("%+v; want the labels %v", have, test.labels)
		}
	}
	path := put(t, "new.npz", string(npzFile(t, "x.npy", x, "y.npy", npyFile("|u1", "(2,)", []byte{7, 9}))))
	if _, err := s.Load(t.Context(), path, "", Options{}); err == nil || !strings.Contains(err.Error(), `the label "9" is no class`) {
		t.Errorf("error %v; want one about the label", err)
	}
	if _, err := s.Load(t.Context(), path, "test", Options{}); err == nil || !strings.Contains(err.Error(), `no split "test"`) {
		t.Errorf("error %v; want one about the split", err)
	}
	s.Shape = []int{3}
	s.Scaling = nil
	if _, err := s.Load(t.Context(), path, "", Options{}); err == nil || !strings.Contains(err.Error(), "has 2 values a sample; the model takes 3") {
		t.Errorf("error %v; want one about the width", err)
	}
}

func TestSchemaValidate(t *testing.T) {
	for _, s := range []*Schema{
		{},
		{Shape: []int{2}, Classes: []string{"a"}},
		{Shape: []int{0}, Classes: []string{"a", "b"}},
		{Shape: []int{2}, Features: []string{"x"}, Classes: []string{"a", "b"}},
		{Shape: []int{2}, Classes: []string{"a", "b"}, Scaling: &Scaling{}},
		{Shape: []int{2}, Classes: []string{"a", "b"}, Scaling: &Scaling{Mean: []float64{1, 1}, Scale: []float64{1, 0}}},
		{Shape: []int{2}, Classes: []string{"a", "b"}, Scaling: &Scaling{Mean: []float64{1, math.Inf(1)}, Scale: []float64{1, 1}}},
		{Shape: []int{3}, Classes: []string{"a", "b"}, Scaling: &Scaling{Mean: []float64{1, 1}, Scale: []float64{1, 1}}},
	} {
		if s.Validate() == nil {
			t.Errorf("%+v is valid", s)
		}
	}
}

// FuzzParseRows checks that any text under any stored preprocessing gives an error of one line, or rows of its width.
func FuzzParseRows(f *testing.F) {
	f.Add(`{"label": "label", "delimiter": ",", "missing": "error", "columns": [{"name": "x"}]}`, "x,label\n1,a\n")
	f.Add(`{"label": "y", "delimiter": ";", "missing": "median", "columns": [{"name": "c", "categories": ["a", "b"], "fill": 1}, {"name": "x", "fill": 0.5}]}`, "x;c;split\n1;a;all\n;;test\n2;z;x\n")
	f.Add(`{"delimiter": "\t", "missing": "drop", "columns": [{"name": "c", "categories": []}, {"name": "c"}]}`, "c\n\n?\n1\n")
	f.Add(`{"delimiter": "", "columns": [{"name": "", "fill": 1e400}]}`, "\xff\xfea\x00")
	f.Fuzz(func(t *testing.T, stored, text string) {
		var p Preprocessing
		if json.Unmarshal([]byte(stored), &p) != nil {
			return
		}
		rows, err := p.ParseRows(strings.NewReader(text), "in.csv", 0.01)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q", err)
			}
			return
		}
		if len(rows.X) != len(rows.Index)*p.Width() {
			t.Errorf("%d values of %d rows", len(rows.X), len(rows.Index))
		}
	})
}

// FuzzSchema checks that any stored schema is refused, or fits samples of its own shape.
func FuzzSchema(f *testing.F) {
	f.Add(`{"name": "a", "shape": [2], "features": ["x", "y"], "classes": ["a", "b"], "scaling": {"mean": [0, 1], "scale": [1, 2]}}`)
	f.Add(`{"shape": [1, 2, 2], "classes": ["0", "1"], "scaling": {"mean": [0], "scale": [1e-300]}}`)
	f.Add(`{"shape": [4294967296, 4294967296, 16], "classes": ["a", "b"]}`)
	f.Add(`{"shape": [9223372036854775807, 3], "classes": ["a", "b"], "preprocessing": {"delimiter": ",", "columns": [{"name": "a"}]}}`)
	f.Fuzz(func(t *testing.T, stored string) {
		var s Schema
		if json.Unmarshal([]byte(stored), &s) != nil || s.Validate() != nil {
			return
		}
		if s.width() < 1 {
			t.Fatalf("width %d", s.width())
		}
		if s.width() > 1<<16 {
			return
		}
		d := &Dataset{Name: "d", Shape: s.Shape, Classes: []string{"0", "1"}, Splits: []Split{{Name: Train, X: make([]float64, 2*s.width()), Labels: []int{0, 1}}}}
		if scaled, err := s.Apply(d); err == nil && scaled.Splits[0].Len() != 2 {
			t.Errorf("got %+v", scaled)
		}
	})
}

// New rows for a built-in set have the names of its features.
func TestSchemaOfBuiltInSet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.csv")
	if err := os.WriteFile(path, []byte("petal_length,petal_width,sepal_length,sepal_width\n1.4,0.2,5.1,3.5\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := mustLoad(t, "iris", Options{}).Schema().Load(t.Context(), path, "", Options{})
	if err != nil || !slices.Equal(s.X, []float64{5.1, 3.5, 1.4, 0.2}) {
		t.Errorf("%+v, error %v", s, err)
	}
}
