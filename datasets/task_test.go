package datasets_test

import (
	"fmt"
	"log"
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
)

func ExampleFromSlices() {
	data, err := datasets.FromSlices(datasets.Classification, [][]float64{{0, 1}, {2, 3}, {4, 5}}, []int{0, 2, 1})
	if err != nil {
		log.Fatal(err)
	}
	held, err := datasets.FromSlices(datasets.Classification, [][]float64{{6, 7}, {8, 9}}, []int{1, 0})
	if err != nil {
		log.Fatal(err)
	}
	if err := data.Add("test", held); err != nil {
		log.Fatal(err)
	}
	for _, s := range data.Splits {
		fmt.Println(s.Name, s.X, s.Labels, s.Index)
	}
	// Output:
	// train [0 1 2 3 4 5] [0 2 1] [0 1 2]
	// test [6 7 8 9] [1 0] [0 1]
}

func ExampleFromTensors() {
	x := tensor.New(tensor.WithShape(3, 2), tensor.WithBacking([]float32{0, 1, 2, 3, 4, 5}))
	smooth := tensor.New(tensor.WithShape(3, 2), tensor.WithBacking([]float64{0.9, 0.1, 0.1, 0.9, 0.1, 0.9}))
	data, err := datasets.FromTensors(datasets.Classification, x, smooth)
	if err != nil {
		log.Fatal(err)
	}
	train := data.Splits[0]
	fmt.Println(data.Classes, train.Labels, train.Targets)
	heights := tensor.New(tensor.WithShape(3), tensor.WithBacking([]float64{1.5, -2, 0.25}))
	if data, err = datasets.FromTensors(datasets.Regression, x, heights); err != nil {
		log.Fatal(err)
	}
	train = data.Splits[0]
	fmt.Println(data.Classes, train.Labels, train.Targets, train.Len(), "samples of", train.Outputs(), "output")
	// Output:
	// [0 1] [0 1 1] [0.9 0.1 0.1 0.9 0.1 0.9]
	// [] [] [1.5 -2 0.25] 3 samples of 1 output
}

// Views and other orders of the elements give the rows that they show.
func TestFromTensorsReadsViews(t *testing.T) {
	whole := func() *tensor.Dense {
		return tensor.New(tensor.WithShape(3, 4), tensor.WithBacking([]float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}))
	}
	transposed := whole()
	if err := transposed.T(); err != nil {
		t.Fatal(err)
	}
	columns, err := whole().Slice(nil, tensor.S(1, 3))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := whole().Slice(tensor.S(1, 3))
	if err != nil {
		t.Fatal(err)
	}
	y, err := whole().Slice(nil, tensor.S(3))
	if err != nil {
		t.Fatal(err)
	}
	fortran := tensor.New(tensor.WithShape(3, 2), tensor.AsFortran(nil), tensor.WithBacking([]float64{0, 1, 2, 10, 11, 12}))
	for _, test := range []struct {
		name string
		x    tensor.Tensor
		y    tensor.Tensor
		want []float64
		n    int
	}{
		{"whole", whole(), y, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 3},
		{"transposed", transposed, tensor.New(tensor.WithBacking([]int{1, 2, 3, 4})), []float64{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}, 4},
		{"columns", columns, y, []float64{1, 2, 5, 6, 9, 10}, 3},
		{"rows", rows, tensor.New(tensor.WithShape(2, 1), tensor.WithBacking([]uint8{1, 2})), []float64{4, 5, 6, 7, 8, 9, 10, 11}, 2},
		{"column order", fortran, y, []float64{0, 10, 1, 11, 2, 12}, 3},
	} {
		d, err := datasets.FromTensors(datasets.Regression, test.x, test.y)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		s := d.Splits[0]
		if !slices.Equal(s.X, test.want) || s.Len() != test.n || len(s.Index) != test.n {
			t.Errorf("%s: %v, %d samples; want %v, %d", test.name, s.X, s.Len(), test.want, test.n)
		}
		if test.n == 3 && !slices.Equal(s.Targets, []float64{3, 7, 11}) {
			t.Errorf("%s: targets %v", test.name, s.Targets)
		}
	}
}

// The data set is a copy, and rows keep their targets when they are drawn.
func TestFromTensorsCopies(t *testing.T) {
	values, targets := []float64{1, 2, 3, 4}, []float64{10, 20, 30, 40, 50, 60, 70, 80}
	d, err := datasets.FromTensors(datasets.Regression, tensor.New(tensor.WithShape(4, 1), tensor.WithBacking(values)),
		tensor.New(tensor.WithShape(4, 2), tensor.WithBacking(targets)))
	if err != nil {
		t.Fatal(err)
	}
	before := d.Fingerprint()
	values[0], targets[0] = 9, 9
	if d.Fingerprint() != before || d.Splits[0].X[0] != 1 {
		t.Error("the data set changes with the tensors")
	}
	s, err := d.Splits[0].Subset([]int{3, 1})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Targets, []float64{70, 80, 30, 40}) || s.Labels != nil || s.Len() != 2 || !slices.Equal(s.Index, []int{3, 1}) {
		t.Errorf("subset %+v", s)
	}
	z, err := d.Standardize()
	if err != nil {
		t.Fatal(err)
	}
	d.Splits[0].Targets[1] = 7
	if z.Splits[0].Targets[1] != 20 {
		t.Error("a standardized set shares its targets")
	}
	if d.Fingerprint() == before {
		t.Error("the fingerprint leaves out the targets")
	}
}

func TestFromTensorsRefuses(t *testing.T) {
	of := func(shape []int, values any) tensor.Tensor {
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values))
	}
	x := of([]int{3, 2}, []float64{0, 1, 2, 3, 4, 5})
	y := of([]int{3}, []float64{0, 1, 1})
	for _, test := range []struct {
		task datasets.Task
		x, y tensor.Tensor
		want string
	}{
		{datasets.Classification, nil, y, "x is <nil>; want a *tensor.Dense"},
		{datasets.Classification, x, nil, "y is <nil>; want a *tensor.Dense"},
		{datasets.Classification, (*tensor.Dense)(nil), y, "x is *tensor.Dense; want a *tensor.Dense with values"},
		{datasets.Classification, of([]int{3}, []float64{1, 2, 3}), y, "x has shape (3); want (n, …), a row a sample"},
		{datasets.Classification, x, of([]int{2}, []float64{0, 1}), "y has shape (2) and x (3, 2); want (3) or (3, …) for y"},
		{datasets.Classification, x, of([]int{3, 1, 2}, []float64{0, 1, 0, 1, 0, 1}), "y has shape (3, 1, 2)"},
		{datasets.Classification, x, of([]int{3}, []string{"a", "b", "c"}), "y holds string; want numbers"},
		{datasets.Classification, x, of([]int{3}, []float64{0, 0.5, 1}), "the label 0.5 in row 1; want the classes 0, 1, …; the task regression"},
		{datasets.Classification, x, of([]int{3}, []int{0, -1, 1}), "the label -1 in row 1"},
		{datasets.Classification, x, of([]int{3}, []int{0, 1 << 40, 1}), "in row 1 of 3: number the classes"},
		{datasets.Classification, x, of([]int{3}, []int{0, 0, 0}), "the class 0 alone; want at least two classes"},
		{datasets.Classification, x, of([]int{3, 2}, []float64{1, 0, 0.5, 0.5, 0, 1}), "the row [0.5 0.5], number 1, with two largest values"},
		{datasets.Classification, of([]int{3, 2}, []float64{0, 1, 2, math.NaN(), 4, 5}), y, "x has NaN in row 1"},
		{datasets.Regression, x, of([]int{3}, []float64{0, 1, math.Inf(1)}), "y has +Inf in row 2"},
		{datasets.Binary, x, of([]int{3}, []float64{0, 1, -1}), "y has -1 in row 2; want 0 or 1"},
		{datasets.Binary, x, of([]int{3, 2}, []float64{0, 1, 1, 0, 0, 1}), "y has 2 values a sample; want one"},
		{datasets.Task(7), x, y, "Task(7); want Classification, Binary or Regression"},
	} {
		_, err := datasets.FromTensors(test.task, test.x, test.y)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v; want %q", err, test.want)
		}
	}
	_, err := datasets.FromSlices(datasets.Binary, [][]float64{{1, 2}, {3}}, []int{0, 1})
	if want := "datasets: row 1 of x has 1 values, row 0 has 2"; err == nil || err.Error() != want {
		t.Errorf("error %v; want %q", err, want)
	}
	_, err = datasets.FromSlices(datasets.Binary, [][]float64{{1, 2}}, []int{0, 1})
	if want := "datasets: x has 1 rows and y 2; want a row a sample"; err == nil || err.Error() != want {
		t.Errorf("error %v; want %q", err, want)
	}
	if _, err = datasets.FromSlices(datasets.Binary, [][]float64{}, []int{}); err == nil {
		t.Error("no error without values")
	}
}

func TestAddRefuses(t *testing.T) {
	of := func(task datasets.Task, width int, y ...float64) *datasets.Dataset {
		x := make([][]float64, len(y))
		for i := range x {
			x[i] = make([]float64, width)
		}
		d, err := datasets.FromSlices(task, x, y)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := of(datasets.Classification, 2, 0, 1, 2)
	if err := d.Add("test", of(datasets.Binary, 2, 0, 0)); err != nil { // a class that is not there does no harm
		t.Fatal(err)
	}
	if err := d.Add("val", of(datasets.Binary, 2, 0, 0)); err != nil || d.Splits[1].Name != datasets.Validation {
		t.Errorf("splits %v, error %v", d.Splits, err)
	}
	for _, test := range []struct {
		name  string
		other *datasets.Dataset
		want  string
	}{
		{"test", of(datasets.Binary, 2, 0, 1), "has a split \"test\" already"},
		{"train", of(datasets.Binary, 2, 0, 1), `split "train"; want validation or test`},
		{"validation", nil, "the data set is nil"},
		{"val", of(datasets.Binary, 3, 0, 1), "already"},
	} {
		if err := d.Add(test.name, test.other); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v; want %q", test.name, err, test.want)
		}
	}
	d = of(datasets.Classification, 2, 0, 1, 2)
	for want, other := range map[string]*datasets.Dataset{
		"has samples of shape [3]": of(datasets.Binary, 3, 0, 1),
		"must both have classes":   of(datasets.Regression, 2, 0, 1),
	} {
		if err := d.Add("test", other); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
}
