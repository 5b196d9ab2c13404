package models_test

import (
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// skipNet is a Model with one hidden layer and a linear path around it,
//
//	f(x) = tanh(x·Aᵀ)·Bᵀ + x·Sᵀ
type skipNet struct{ params []models.Parameter }

func (m *skipNet) Parameters() []models.Parameter { return m.params }
func (m *skipNet) InputShape() []int              { return m.params[0].Value.Shape()[1:] }
func (m *skipNet) Classes() int                   { return m.params[1].Value.Shape()[0] }

func (m *skipNet) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	z, err := op.MatMul(x, params[0], false, true)
	if err != nil {
		return nil, err
	}
	h, err := op.Tanh(z)
	if err != nil {
		return nil, err
	}
	deep, err := op.MatMul(h, params[1], false, true)
	if err != nil {
		return nil, err
	}
	skip, err := op.MatMul(x, params[2], false, true)
	if err != nil {
		return nil, err
	}
	return op.Add(deep, skip)
}

// newSkipNet is the Builder of skipNet. Its one option is the width of the
// hidden layer.
func newSkipNet(s models.Spec, rng *rand.Rand) (models.Model, error) {
	options := struct {
		Width int `yaml:"width"`
	}{Width: 16}
	if s.Options != nil {
		if err := s.Options(&options); err != nil {
			return nil, err
		}
	}
	if len(s.InputShape) != 1 || options.Width < 1 {
		return nil, fmt.Errorf("skip: samples of shape %v and width %d; want vectors and a positive width", s.InputShape, options.Width)
	}
	m := &skipNet{}
	in := s.InputShape[0]
	for _, p := range []struct {
		name    string
		out, in int
	}{{"hidden.weight", options.Width, in}, {"out.weight", s.Classes, options.Width}, {"skip.weight", s.Classes, in}} {
		w := tensor.New(tensor.WithShape(p.out, p.in), tensor.Of(s.Precision))
		values := make([]float64, p.out*p.in)
		for i := range values {
			values[i] = rng.NormFloat64() / math.Sqrt(float64(p.in))
		}
		models.SetValues(w, values)
		m.params = append(m.params, models.Parameter{Name: p.name, Value: w})
	}
	return m, nil
}

// The type becomes known by its name when the program begins.
func init() { models.Register("skip", newSkipNet) }

func ExampleRegister() {
	build, err := models.BuilderNamed("skip")
	if err != nil {
		log.Fatal(err)
	}
	m, err := build(models.Spec{InputShape: []int{4}, Classes: 3, Precision: tensor.Float64}, rand.New(rand.NewPCG(1, 0)))
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range m.Parameters() {
		fmt.Println(p.Name, p.Value.Shape())
	}
	_, err = models.BuilderNamed("skp")
	fmt.Println("model.type", err)
	// Output:
	// hidden.weight (16, 4)
	// out.weight (3, 16)
	// skip.weight (3, 4)
	// model.type is "skp"; did you mean "skip"?
}
