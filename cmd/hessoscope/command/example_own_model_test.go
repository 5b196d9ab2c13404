package command_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/command"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// gated is a network of one layer in which half of the units gate the others,
//
//	f(x) = (x·Aᵀ ∘ σ(x·Bᵀ))·Cᵀ
type gated struct{ params []models.Parameter }

func newGated(s models.Spec, rng *rand.Rand) (models.Model, error) {
	options := struct {
		Width int `yaml:"width"`
	}{Width: 8}
	if err := s.Options(&options); err != nil {
		return nil, err
	}
	if len(s.InputShape) != 1 || options.Width < 1 {
		return nil, errors.New("wants vectors and a positive width")
	}
	m := new(gated)
	for _, p := range []struct {
		name    string
		out, in int
	}{{"value.weight", options.Width, s.InputShape[0]}, {"gate.weight", options.Width, s.InputShape[0]}, {"out.weight", s.Classes, options.Width}} {
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

func (m *gated) String() string                 { return fmt.Sprintf("gated %d", m.params[0].Value.Shape()[0]) }
func (m *gated) Parameters() []models.Parameter { return m.params }
func (m *gated) InputShape() []int              { return m.params[0].Value.Shape()[1:] }
func (m *gated) Classes() int                   { return m.params[2].Value.Shape()[0] }

func (m *gated) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	value, err := op.MatMul(x, params[0], false, true)
	if err != nil {
		return nil, err
	}
	z, err := op.MatMul(x, params[1], false, true)
	if err != nil {
		return nil, err
	}
	gate, err := op.Sigmoid(z)
	if err != nil {
		return nil, err
	}
	h, err := op.Mul(value, gate)
	if err != nil {
		return nil, err
	}
	return op.MatMul(h, params[2], false, true)
}

// quadrants draws points in the plane, labelled by the sign of x0·x1.
func quadrants(_ context.Context, o datasets.Options) (*datasets.Dataset, error) {
	n := max(o.Samples, 80)
	d := &datasets.Dataset{Source: "drawn", Shape: []int{2}, Features: []string{"x0", "x1"}, Classes: []string{"unlike", "like"}}
	rng := rand.New(rand.NewPCG(o.Seed, 0))
	for k, name := range []string{datasets.Train, datasets.Test} {
		s := datasets.Split{Name: name}
		for i := range n / 2 {
			x0, x1 := rng.NormFloat64(), rng.NormFloat64()
			label := 0
			if x0*x1 > 0 {
				label = 1
			}
			s.X, s.Labels, s.Index = append(s.X, x0, x1), append(s.Labels, label), append(s.Index, k*n/2+i)
		}
		d.Splits = append(d.Splits, s)
	}
	return d, nil
}

// A program that runs the command hessoscope with a user-defined model and data, which
// YAML refers to by name. Its main function is
//
//	func main() { os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr)) }
func Example_ownModel() {
	models.Register("gated", newGated)
	datasets.Register(datasets.Info{
		Name: "quadrants", Description: "points labelled by the sign of their product", Source: "drawn",
		Classes: []string{"unlike", "like"}, Features: []string{"x0", "x1"}, Shape: []int{2},
		Splits:  []datasets.SplitInfo{{Name: datasets.Train, Samples: 40}, {Name: datasets.Test, Samples: 40}},
		Options: []string{"Samples", "Seed"}, Fetched: true,
	}, quadrants)

	dir, err := os.MkdirTemp("", "own")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	yaml := `
name: own
data: {set: quadrants, samples: 400}
model: {type: gated, options: {width: 12}}
training: {epochs: 100, batch_size: 50, rate: {base: 0.5}}
`
	if err := os.WriteFile(dir+"/own.yaml", []byte(yaml), 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Println("train:", command.Main([]string{"train", dir + "/own.yaml", "--out", dir, "--no-progress"}, io.Discard, os.Stderr))

	var table strings.Builder
	fmt.Println("analyze:", command.Main([]string{"analyze", dir + "/own"}, &table, os.Stderr))
	for line := range strings.Lines(table.String()) {
		if strings.HasPrefix(line, "model") || strings.HasPrefix(line, "data") || strings.HasPrefix(line, "accuracy") {
			fmt.Println(strings.Join(strings.Fields(line), " "))
		}
	}
	var errors strings.Builder
	command.Main([]string{"train", dir + "/own.yaml", "--set", "model.options={widht: 3}"}, io.Discard, &errors)
	fmt.Print(errors.String())
	// Output:
	// train: 0
	// analyze: 0
	// model gated 12, 72 parameters
	// data quadrants, train: 200 samples, 2 classes
	// accuracy 0.9900
	// hessoscope: model gated: model.options: unknown key "widht"; did you mean "width"?
}
