package datasets

import (
	"context"
	"slices"
	"strings"
	"testing"
)

func TestRegisterPanics(t *testing.T) {
	load := func(context.Context, Options) (*Dataset, error) { return nil, nil }
	for _, test := range []struct {
		info Info
		load func(context.Context, Options) (*Dataset, error)
		want string
	}{
		{Info{}, load, "empty name"},
		{Info{Name: "iris"}, load, `there is a data set "iris" already`},
		{Info{Name: "spirals"}, load, `there is a data set "spirals" already`}, // of the example
		{Info{Name: "new"}, nil, "is nil"},
		{Info{Name: "new", Options: []string{"Seeds"}}, load, `an option "Seeds", which is no field of Options`},
		{Info{Name: "new", Options: []string{"Samples"}}, load, "the option Samples without Seed"},
	} {
		func() {
			defer func() {
				if problem, _ := recover().(string); !strings.Contains(problem, test.want) {
					t.Errorf("%q: panic %q; want %q", test.info.Name, problem, test.want)
				}
			}()
			Register(test.info, test.load)
		}()
	}
}

func TestListHasRegistered(t *testing.T) {
	infos := List()
	last := infos[len(infos)-1]
	if last.Name != "spirals" || !slices.Equal(last.Options, []string{"Samples", "Seed"}) {
		t.Errorf("last of the list: %+v", last)
	}
	last.Options[0] = "Noise" // of a copy
	if infos = List(); infos[len(infos)-1].Options[0] != "Samples" {
		t.Error("a caller can change what List says")
	}
}

func TestRegisteredDataIsChecked(t *testing.T) {
	good := func() *Dataset {
		return &Dataset{Shape: []int{2}, Classes: numbered(2), Splits: []Split{{Name: Train, X: make([]float64, 4), Labels: []int{0, 1}, Index: []int{0, 1}}}}
	}
	for want, change := range map[string]func(**Dataset){
		"":                                       func(**Dataset) {},
		"there is neither data nor an error":     func(d **Dataset) { *d = nil },
		"there are 1 classes, want at least two": func(d **Dataset) { (*d).Classes = numbered(1) },
		"the first split is not train":           func(d **Dataset) { (*d).Splits[0].Name = Test },
		`datasets: split "train" has 2 values a sample, its shape says 3`: func(d **Dataset) { (*d).Shape[0] = 3 },
		`row 1 of split "train" has the label 2, want 0 to 1`:             func(d **Dataset) { (*d).Splits[0].Labels[1] = 2 },
	} {
		d := good()
		change(&d)
		s := source{Info{Name: "test"}, func(context.Context, Options) (*Dataset, error) { return d, nil }}
		got, err := s.load(context.Background(), Options{})
		if want == "" {
			if err != nil || got.Name != "test" {
				t.Errorf("%+v, error %v", got, err)
			}
		} else if err == nil || err.Error() != want {
			t.Errorf("error %v; want %s", err, want)
		}
	}
}
