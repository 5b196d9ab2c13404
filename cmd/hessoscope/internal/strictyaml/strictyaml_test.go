package strictyaml

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hessoscope/hessoscope/trainer"
)

type settings struct {
	Name  string `yaml:"name"`
	Inner struct {
		Count int     `yaml:"count"`
		Rate  float64 `yaml:"rate,omitempty"`
		Sizes []int   `yaml:"sizes"`
	} `yaml:"inner"`
	Seed  uint64 `yaml:"seed"`
	Rules []rule `yaml:"rules"`
	Limit *int   `yaml:"limit"`

	hidden int
}

type rule struct {
	Metric string `yaml:"metric"`
}

func TestParse(t *testing.T) {
	for _, test := range []struct{ name, yaml, want string }{
		{"empty", " \n", "f.yaml: the file is empty; see HELP"},
		{"unknown key", "nam: a", `f.yaml:1:1: unknown key "nam"; did you mean "name"?`},
		{"key of another depth", "rate: 1", `f.yaml:1:1: unknown key "rate" here; did you mean "inner.rate"?`},
		{"key of a list", "rules: [{metrc: a}]", `f.yaml:1:10: unknown key "metrc"; did you mean "metric"?`},
		{"field without a key", "hidden: 1", `f.yaml:1:1: unknown key "hidden"; want one of `},
		{"fraction", "inner: {count: 1.5}", "f.yaml:1:16: inner.count has 1.5; want a whole number"},
		{"fraction in a list", "inner: {sizes: [1, 2.5]}", "f.yaml:1:16: inner.sizes has 2.5; want a whole number"},
		{"word", "inner: {rate: fast}", `f.yaml:1:15: "fast" is not a number`},
		{"negative", "seed: -1", "f.yaml:1:7: -1 is out of range; want a whole number, 0 or more"},
		{"second document", "name: a\n---\nname: b", "f.yaml:2:1: a second document begins here"},
		{"alias", "name: &a [*a]", `f.yaml:1:11: "*" is an alias or a tag`},
		{"depth", "name: " + strings.Repeat("[", 30), "f.yaml:1:27: more than 20 nested brackets"},
		{"size", "name: " + strings.Repeat("a", maxYAML), "f.yaml: has 65542 bytes; want at most 65536"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := Parse("f.yaml", []byte(test.yaml), new(settings), "see HELP")
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v; want %q", err, test.want)
			}
		})
	}
	var s settings
	if err := Parse("f.yaml", []byte("name: a\ninner: {count: 2, sizes: [3.0]}\nseed: 18446744073709551615\n"), &s, ""); err != nil ||
		s.Name != "a" || s.Inner.Count != 2 || !slices.Equal(s.Inner.Sizes, []int{3}) || s.Seed != 1<<64-1 || s.hidden != 0 {
		t.Errorf("%+v, error %v", s, err)
	}
}

// A value that is refused changes nothing.
func TestAssign(t *testing.T) {
	var s settings
	for _, test := range []struct{ key, value, want string }{
		{"inner.count", "7", ""},
		{"inner", "{rate: 0.5}", ""},
		{"inner.cuont", "7", `there: unknown key "cuont"; did you mean "count"?`},
		{"name.first", "a", "there: name has no keys below it"},
		{"rules.0.metric", "a", "there: rules.0.metric is within a list; want the list as a whole"},
		{"inner", "{cuont: 1}", `there: unknown key "cuont"; did you mean "count"?`},
		{"inner.count", "many", `there: "many" is not a whole number`},
		{"inner.count", "1e-1", "there: inner.count has 0.1; want a whole number"},
		{"limit", "3", ""},
		{"limit", "x", `there: "x" is not a whole number`},
	} {
		before := fmt.Sprint(s)
		err := Assign(&s, "there", test.key, test.value)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)) {
			t.Errorf("%s=%s: error %v; want %q", test.key, test.value, err, test.want)
		}
		if err != nil && fmt.Sprint(s) != before {
			t.Errorf("%s=%s: refused, and %v is %v", test.key, test.value, before, s)
		}
	}
	if s.Inner.Rate != 0.5 || s.Inner.Count != 0 {
		t.Errorf("%+v; want the group as a whole assigned", s)
	}
	if s.Limit == nil || *s.Limit != 3 {
		t.Errorf("the limit is %v; want 3", s.Limit)
	}
	if err := Assign(&s, "there", "limit", "null"); err != nil || s.Limit != nil {
		t.Errorf("the limit is %v, error %v; want none", s.Limit, err)
	}
}

func TestPlaced(t *testing.T) {
	data := []byte("name: a\ninner:\n  count: 1\n")
	for field, want := range map[string]string{
		"inner.count": "f.yaml:3:10: inner.count is bad",
		"inner.rate":  "f.yaml:3:8: inner.rate is bad", // it is not there; the group is
		"seed":        "f.yaml: seed is bad",
	} {
		if err := Placed("f.yaml", data, &trainer.FieldError{Field: field, Problem: "is bad"}); err.Error() != want {
			t.Errorf("error %q; want %q", err, want)
		}
	}
	if err := Placed("f.yaml", data, errors.New("other")); err.Error() != "f.yaml: other" {
		t.Errorf("error %q", err)
	}
	if err := Placed("f.yaml", data, nil); err != nil {
		t.Errorf("error %q of none", err)
	}
}

func TestKeys(t *testing.T) {
	var keys []string
	for key := range Keys(reflect.TypeFor[settings]()) {
		keys = append(keys, key)
	}
	if want := []string{"name", "inner", "inner.count", "inner.rate", "inner.sizes", "seed", "rules", "limit"}; !slices.Equal(keys, want) {
		t.Errorf("keys %q; want %q", keys, want)
	}
	if of, err := TypeOf[settings]("inner.sizes"); err != nil || of != reflect.TypeFor[[]int]() {
		t.Errorf("type %v, error %v", of, err)
	}
}

func TestNames(t *testing.T) {
	files := fstest.MapFS{"d/b.yaml": {}, "d/a.yaml": {}, "d/c.txt": {}, "e.yaml": {}}
	if names := Names(files); !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("names %q", names)
	}
}
