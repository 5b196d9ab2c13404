package network_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/network"
	"github.com/hessoscope/hessoscope/models/weights"
)

// The paper's CNN on 450 digits, against values of PyTorch.
func TestCNN(t *testing.T) {
	n, err := network.New(network.CNN(3), network.Settings{}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	arrays, err := weights.Read("../testdata/mnist017.npz")
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string][]float64) // of the data
	arrays = slices.DeleteFunc(arrays, func(a weights.Array) bool {
		data := len(a.Name) <= len("hv")
		if data {
			values[a.Name] = a.Data
		}
		return data
	})
	if err := models.Import(n.Parameters(), arrays); err != nil {
		t.Fatal(err)
	}
	floats.Scale(1./255, values["x"])
	o, err := models.NewObjective(n, models.CrossEntropy, split(values["x"], values["y"]), models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	gradient := make([]float64, o.Dim())
	loss, err := o.Gradient(t.Context(), gradient)
	if err != nil {
		t.Fatal(err)
	}
	evaluation, err := o.Evaluate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct{ have, want float64 }{
		"loss":          {loss, 0.019236588893900692},
		"gradient norm": {floats.Norm(gradient, 2), 0.06831620700082244},
		"accuracy":      {evaluation.Accuracy, 0.9977777777777778},
	} {
		if !(math.Abs(c.have-c.want) <= 1e-10*c.want) {
			t.Errorf("%s is %v; want %v", what, c.have, c.want)
		}
	}
	hv := mat.NewDense(1, o.Dim(), nil)
	if err := o.HessianProducts(t.Context(), hv, mat.NewDense(1, o.Dim(), values["v"])); err != nil {
		t.Fatal(err)
	}
	if off, scale := floats.Distance(hv.RawRowView(0), values["hv"], 2), floats.Norm(values["hv"], 2); off > 1e-10*scale {
		t.Errorf("H·v is %g off, of %g", off, scale)
	}
}
