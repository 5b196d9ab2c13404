package models_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
	"github.com/hessoscope/hessoscope/models/weights"
)

// convNet is the convolutional network of arXiv:2306.07104: twice a convolution
// of 3×3, ReLU and max-pooling of 2×2, then a linear layer.
type convNet struct{ params []models.Parameter }

func (m *convNet) Parameters() []models.Parameter { return m.params }
func (m *convNet) InputShape() []int              { return []int{1, 28, 28} }
func (m *convNet) Classes() int                   { return 3 }

func (m *convNet) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	for ; len(params) > 2; params = params[2:] {
		z, err := op.Conv2D(x, params[0], op.Window{Kernel: [2]int{3, 3}}, 1)
		if err != nil {
			return nil, err
		}
		if z, err = op.AddChannel(z, params[1]); err != nil {
			return nil, err
		}
		if z, err = op.ReLU(z); err != nil {
			return nil, err
		}
		if x, err = op.MaxPool2D(z, op.Window{Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}}); err != nil {
			return nil, err
		}
	}
	n := x.Shape()[0]
	x, err := op.Reshape(x, tensor.Shape{n, x.Shape().TotalSize() / n})
	if err != nil {
		return nil, err
	}
	if x, err = op.MatMul(x, params[0], false, true); err != nil {
		return nil, err
	}
	return op.AddRow(x, params[1])
}

// mnist017 is a trained convNet with its data, and H·v as PyTorch has it.
func mnist017(t testing.TB, precision tensor.Dtype) (m *convNet, split *datasets.Split, v, hv []float64) {
	t.Helper()
	arrays, err := weights.Read("testdata/mnist017.npz")
	if err != nil {
		t.Fatal(err)
	}
	m, split = &convNet{}, &datasets.Split{Name: "train"}
	params := make(map[string]*tensor.Dense)
	for _, a := range arrays {
		switch a.Name {
		case "x":
			split.X = slices.Clone(a.Data)
			floats.Scale(1./255, split.X)
		case "y":
			for i, label := range a.Data {
				split.Labels = append(split.Labels, int(label))
				split.Index = append(split.Index, i)
			}
		case "v":
			v = a.Data
		case "hv":
			hv = a.Data
		default:
			p := tensor.New(tensor.WithShape(a.Shape...), tensor.Of(precision))
			models.SetValues(p, a.Data)
			params[a.Name] = p
		}
	}
	for _, name := range []string{"conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "out.weight", "out.bias"} {
		m.params = append(m.params, models.Parameter{Name: name, Value: params[name]})
	}
	return m, split, v, hv
}

func TestConvolutionalNetwork(t *testing.T) {
	// Numbers of PyTorch in float64.
	const wantLoss, wantNorm = 0.019236588893900692, 0.06831620700082244
	for _, c := range []struct {
		precision tensor.Dtype
		tolerance float64
	}{{tensor.Float64, 1e-11}, {tensor.Float32, 1e-4}} {
		m, split, v, hv := mnist017(t, c.precision)
		o, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{Precision: c.precision})
		if err != nil {
			t.Fatal(err)
		}
		g, loss := gradient(t, o)
		if e := math.Abs(loss/wantLoss - 1); !(e <= c.tolerance) {
			t.Errorf("%v: loss %v; want %v", c.precision, loss, wantLoss)
		}
		if e := math.Abs(floats.Norm(g, 2)/wantNorm - 1); !(e <= c.tolerance) {
			t.Errorf("%v: norm of the gradient %v; want %v", c.precision, floats.Norm(g, 2), wantNorm)
		}
		if e := floats.Distance(product(t, o, v), hv, 2) / floats.Norm(hv, 2); !(e <= c.tolerance) {
			t.Errorf("%v: relative error of H·v %g", c.precision, e)
		}
	}
}

// What the workers share changes no bit.
func TestConvolutionsOnManyWorkers(t *testing.T) {
	m, split, v, _ := mnist017(t, tensor.Float64)
	var want []float64
	for _, workers := range []int{1, 3} {
		o := newObjective(t, m, models.CrossEntropy, split, workers)
		g, loss := gradient(t, o)
		got := append(append(g, loss), product(t, o, v)...)
		if want == nil {
			want = got
		} else if !slices.Equal(got, want) {
			t.Errorf("%d workers change the result", workers)
		}
	}
}

// BenchmarkConvNet measures the network on 450 images, one worker, and a step
// of training on 64.
func BenchmarkConvNet(b *testing.B) {
	for _, bench := range []struct {
		name      string
		precision tensor.Dtype
	}{{"float64", tensor.Float64}, {"float32", tensor.Float32}} {
		m, split, v, _ := mnist017(b, bench.precision)
		o, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{Precision: bench.precision, Workers: 1})
		if err != nil {
			b.Fatal(err)
		}
		g := make([]float64, o.Dim())
		dst, src := mat.NewDense(1, o.Dim(), nil), mat.NewDense(1, o.Dim(), v)
		b.Run("gradient/"+bench.name, func(b *testing.B) {
			benchmarkOnce(b, func() error {
				if err := o.Refresh(); err != nil {
					return err
				}
				_, err := o.Gradient(context.Background(), g)
				return err
			})
		})
		b.Run("hvp/"+bench.name, func(b *testing.B) {
			benchmarkOnce(b, func() error { return o.HessianProducts(context.Background(), dst, src) })
		})
		b.ReportMetric(float64(o.Bytes())/(1<<20), "MiB")
		b.Run("step/"+bench.name, func(b *testing.B) { benchmarkOnce(b, trainingStep(b, m, split, 64)) })
	}
}

// benchmarkOnce runs f once before it is measured, to build what it needs.
func benchmarkOnce(b *testing.B, f func() error) {
	if err := f(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}
}

// trainingStep computes the gradient of the first n samples.
func trainingStep(b *testing.B, m models.Model, split *datasets.Split, n int) func() error {
	e, err := models.Express(m, models.CrossEntropy, n, models.Precision(m))
	if err != nil {
		b.Fatal(err)
	}
	gradient, err := e.Gradient()
	if err != nil {
		b.Fatal(err)
	}
	program, err := symbolic.Compile(gradient...)
	if err != nil {
		b.Fatal(err)
	}
	plan, err := program.Plan(gradient...)
	if err != nil {
		b.Fatal(err)
	}
	for i, p := range m.Parameters() {
		if err := program.Set(e.Params[i], p.Value); err != nil {
			b.Fatal(err)
		}
	}
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return func() error {
		e.Fill(split, rows, 1/float64(n))
		program.Changed(append(e.Inputs(), e.Params...)...)
		return plan.Run()
	}
}
