package models_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
)

func wantError(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
}

// flat are all parameters as one vector.
func flat(m models.Model) []float64 {
	var all []float64
	for _, p := range m.Parameters() {
		all = append(all, models.Values(p.Value)...)
	}
	return all
}

func TestNewMLP(t *testing.T) {
	for _, precision := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{100, 50}, Classes: 3, Activation: models.GELU, Precision: precision})
		var got []string
		for _, p := range m.Parameters() {
			got = append(got, fmt.Sprint(p.Name, p.Value.Shape()))
			if p.Value.Dtype() != precision {
				t.Errorf("%s is %v, want %v", p.Name, p.Value.Dtype(), precision)
			}
		}
		want := []string{"fc1.weight(100, 2)", "fc1.bias(100)", "fc2.weight(50, 100)", "fc2.bias(50)", "fc3.weight(3, 50)", "fc3.bias(3)"}
		if !slices.Equal(got, want) {
			t.Errorf("parameters %v, want %v", got, want)
		}
		if m.String() != "MLP 2-100-50-3 gelu" || m.Activation() != models.GELU || models.Precision(m) != precision {
			t.Errorf("%v, activation %v, precision %v", m, m.Activation(), models.Precision(m))
		}
		if !slices.Equal(m.InputShape(), []int{2}) || m.Classes() != 3 || models.Size(m) != 300+5050+153 {
			t.Errorf("input %v, %d classes, %d parameters", m.InputShape(), m.Classes(), models.Size(m))
		}
	}
	if s := newMLP(t, models.MLPConfig{Input: 4, Classes: 2}).String(); s != "MLP 4-2 relu" {
		t.Errorf("linear classifier %q", s)
	}
}

func TestNewMLPErrors(t *testing.T) {
	for _, test := range []struct {
		config models.MLPConfig
		want   string
	}{
		{models.MLPConfig{Classes: 2}, "models: an MLP with 0 inputs and 2 classes; want at least 1 and 2"},
		{models.MLPConfig{Input: 2, Classes: 1}, "models: an MLP with 2 inputs and 1 classes; want at least 1 and 2"},
		{models.MLPConfig{Input: 2, Hidden: []int{5, 0}, Classes: 2}, "models: hidden layer 2 has width 0; want at least 1"},
		{models.MLPConfig{Input: 2, Hidden: []int{-5}, Classes: 2}, "models: hidden layer 1 has width -5; want at least 1"},
		{
			models.MLPConfig{Input: 2, Classes: 2, Activation: "swish"},
			`models: activation is "swish"; want one of gelu, leaky_relu, relu, sigmoid, softplus, tanh`,
		},
		{models.MLPConfig{Input: 2, Classes: 2, Init: "zero"}, `models: initialisation is "zero"; want one of kaiming, pytorch, xavier`},
		{models.MLPConfig{Input: 2, Classes: 2, Precision: tensor.Int}, "models: precision is int; want float32 or float64"},
	} {
		_, err := models.NewMLP(test.config, rand.New(rand.NewPCG(1, 2)))
		wantError(t, err, test.want)
	}
}

func TestSameStreamSameMLP(t *testing.T) {
	c := models.MLPConfig{Input: 2, Hidden: []int{10}, Classes: 3}
	draw := func(seed uint64) []float64 {
		m, err := models.NewMLP(c, rand.New(rand.NewPCG(seed, 0)))
		if err != nil {
			t.Fatal(err)
		}
		return flat(m)
	}
	if !slices.Equal(draw(1), draw(1)) {
		t.Error("the same seed gave other parameters")
	}
	if slices.Equal(draw(1), draw(2)) {
		t.Error("another seed gave the same parameters")
	}
}

// The moments of n draws: their mean has a deviation of σ/√n, their mean
// square of √(κ−1)·σ²/√n, with κ = 9/5 for uniform and 3 for normal draws.
func TestInitialisations(t *testing.T) {
	const in, out = 300, 200
	for _, test := range []struct {
		init      models.Init
		bound     float64 // of the weights
		variance  float64
		kurtosis  float64
		biasBound float64
	}{
		{models.PyTorch, 1 / math.Sqrt(in), 1. / (3 * in), 9. / 5, 1 / math.Sqrt(in)},
		{models.Kaiming, math.Inf(1), 2. / in, 3, 0},
		{models.Xavier, math.Sqrt(6. / (in + out)), 2. / (in + out), 9. / 5, 0},
	} {
		t.Run(string(test.init), func(t *testing.T) {
			m := newMLP(t, models.MLPConfig{Input: in, Hidden: []int{out}, Classes: 2, Init: test.init})
			weight, bias := models.Values(m.Parameters()[0].Value), models.Values(m.Parameters()[1].Value)
			mean, square := 0.0, 0.0
			for _, w := range weight {
				if math.Abs(w) > test.bound {
					t.Fatalf("weight %g beyond ±%g", w, test.bound)
				}
				mean += w / (in * out)
				square += w * w / (in * out)
			}
			// Four deviations: one run in 16,000 would fail; the seed is fixed.
			if tolerance := 4 * math.Sqrt(test.variance/(in*out)); math.Abs(mean) > tolerance {
				t.Errorf("mean %g, want 0 ± %g", mean, tolerance)
			}
			if tolerance := 4 * test.variance * math.Sqrt((test.kurtosis-1)/(in*out)); math.Abs(square-test.variance) > tolerance {
				t.Errorf("variance %g, want %g ± %g", square, test.variance, tolerance)
			}
			largest := 0.0
			for _, b := range bias {
				largest = max(largest, math.Abs(b))
			}
			if largest > test.biasBound || largest < 0.9*test.biasBound {
				t.Errorf("largest bias %g, want up to %g", largest, test.biasBound)
			}
		})
	}
}

func TestValues(t *testing.T) {
	for _, test := range []struct {
		dtype tensor.Dtype
		want  []float64
	}{
		{tensor.Float64, []float64{0.1, -2, 3e40}},
		{tensor.Float32, []float64{float64(float32(0.1)), -2, 0.5}},
	} {
		v := tensor.New(tensor.WithShape(3), tensor.Of(test.dtype))
		models.SetValues(v, test.want)
		got := models.Values(v)
		if !slices.Equal(got, test.want) {
			t.Errorf("%v: %v, want %v", test.dtype, got, test.want)
		}
		got[0] = 7
		if models.Values(v)[0] == 7 {
			t.Errorf("%v: the values share memory with the tensor", test.dtype)
		}
	}
}

func TestRescale(t *testing.T) {
	for _, test := range []struct {
		precision tensor.Dtype
		tolerance float64 // rounding of each parameter
	}{{tensor.Float64, 1e-14}, {tensor.Float32, 1e-6}} {
		m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{10}, Classes: 3, Precision: test.precision})
		before, norm := flat(m), models.Norm(m)
		sum := 0.0
		for _, v := range before {
			sum += v * v
		}
		if math.Abs(norm-math.Sqrt(sum)) > 1e-14*norm {
			t.Errorf("norm %v, want %v", norm, math.Sqrt(sum))
		}
		if err := models.Rescale(m, 30); err != nil {
			t.Fatal(err)
		}
		if got := models.Norm(m); math.Abs(got-30) > 30*test.tolerance {
			t.Errorf("norm %v, want 30", got)
		}
		for i, v := range flat(m) {
			if want := before[i] * 30 / norm; math.Abs(v-want) > test.tolerance*math.Abs(want) {
				t.Errorf("parameter %d is %v, want %v", i, v, want)
			}
		}
	}
}

func TestRescaleErrors(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 2, Classes: 2})
	before := flat(m)
	for _, norm := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if err := models.Rescale(m, norm); err == nil {
			t.Errorf("norm %g: no error", norm)
		}
	}
	if !slices.Equal(flat(m), before) {
		t.Error("parameters changed on an error")
	}
	narrow := newMLP(t, models.MLPConfig{Input: 2, Classes: 2, Precision: tensor.Float32})
	if err := models.Rescale(narrow, 1e39); err == nil {
		t.Error("norm 1e39 in float32: no error")
	}
	for _, p := range m.Parameters() {
		models.SetValues(p.Value, make([]float64, p.Value.DataSize()))
	}
	wantError(t, models.Rescale(m, 1), "models: cannot rescale parameters of norm 0 to 1; want finite, positive norms")
}

func TestImportExport(t *testing.T) {
	for _, precision := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		c := models.MLPConfig{Input: 2, Hidden: []int{4}, Classes: 3, Precision: precision}
		m := newMLP(t, c)
		arrays := models.Export(m.Parameters())
		for i, a := range arrays {
			p := m.Parameters()[i]
			if a.Name != p.Name || !slices.Equal(p.Value.Shape(), tensor.Shape(a.Shape)) || a.Float32 != (precision == tensor.Float32) {
				t.Errorf("array %+v of parameter %s", a, p.Name)
			}
		}
		other, err := models.NewMLP(c, rand.New(rand.NewPCG(9, 9)))
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(arrays) // the order is free
		arrays = append(arrays, weights.Array{Name: "optimizer/momentum/fc1.weight", Shape: []int{1}, Data: []float64{1}})
		if err := models.Import(other.Parameters(), arrays); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(flat(other), flat(m)) {
			t.Errorf("%v: parameters changed on the way", precision)
		}
		arrays[0].Data[0] = 99
		if slices.Contains(flat(m), 99) || slices.Contains(flat(other), 99) {
			t.Error("arrays share memory with parameters")
		}
	}
}

func TestImportErrors(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 2, Classes: 2})
	before := flat(m)
	weight := weights.Array{Name: "fc1.weight", Shape: []int{2, 2}, Data: []float64{1, 2, 3, 4}}
	bias := weights.Array{Name: "fc1.bias", Shape: []int{2}, Data: []float64{5, 6}}
	for _, test := range []struct {
		name   string
		arrays []weights.Array
		want   string
	}{
		{"none", nil, `models: no array "fc1.weight" for the parameter of shape (2, 2); there are none`},
		{"missing", []weights.Array{weight}, `models: no array "fc1.bias" for the parameter of shape (2); there are "fc1.weight"`},
		{
			"extra",
			[]weights.Array{weight, bias, {Name: "fc2.bias", Shape: []int{1}, Data: []float64{7}}},
			`models: array "fc2.bias" belongs to no parameter of the model`,
		},
		{
			"shape",
			[]weights.Array{weight, {Name: "fc1.bias", Shape: []int{1, 2}, Data: []float64{5, 6}}},
			`models: array "fc1.bias" has shape (1, 2); want (2)`,
		},
		{
			"transposed",
			[]weights.Array{{Name: "fc1.weight", Shape: []int{4, 1}, Data: weight.Data}, bias},
			`models: array "fc1.weight" has shape (4, 1); want (2, 2)`,
		},
		{
			"too much data",
			[]weights.Array{weight, {Name: "fc1.bias", Shape: []int{2}, Data: []float64{5, 6, 7}}},
			`models: array "fc1.bias" holds 3 values; its shape (2) wants 2`,
		},
		{
			"too little data",
			[]weights.Array{weight, {Name: "fc1.bias", Shape: []int{2}, Data: []float64{5}}},
			`models: array "fc1.bias" holds 1 values; its shape (2) wants 2`,
		},
		{"twice", []weights.Array{weight, bias, bias}, `models: two arrays are named "fc1.bias"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantError(t, models.Import(m.Parameters(), test.arrays), test.want)
			if !slices.Equal(flat(m), before) {
				t.Error("parameters changed on an error")
			}
		})
	}
}
