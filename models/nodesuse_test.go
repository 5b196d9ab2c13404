package models_test

import (
	"context"
	"fmt"
	"hash"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/chewxy/hm"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// fromNodes is FromNodes of a sketch and its cost, if there is one.
func (s *sketch) model(t *testing.T, z, cost *G.Node) models.Model {
	t.Helper()
	options := []models.NodesOption{models.WithConstants(s.constants...)}
	if cost != nil {
		options = append(options, models.WithCost(cost, s.y))
	}
	m, err := models.FromNodes(s.x, z, s.learnables, options...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func evaluateLoss(t *testing.T, o *models.Objective) models.Evaluation {
	t.Helper()
	if err := o.Refresh(); err != nil {
		t.Fatal(err)
	}
	e, err := o.Evaluate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// A network with dropout is measured as the one without.
func TestDropoutIsLeftOut(t *testing.T) {
	with, without := newSketch(tensor.Float64), newSketch(tensor.Float64)
	z := with.last(G.Must(G.Dropout(with.hidden(), 0.5)))
	m := with.model(t, z, with.crossEntropy(z))
	plain := without.last(without.hidden())
	same := without.model(t, plain, without.crossEntropy(plain))
	split := sketchData(20)
	got := objectiveResults(t, newObjective(t, m, models.LossOf(m), split, 1))
	want := objectiveResults(t, newObjective(t, same, models.LossOf(same), split, 1))
	if !slices.Equal(got, want) {
		t.Error("the results differ")
	}
	if notes := models.Notes(m); len(notes) != 1 || !strings.Contains(notes[0], "dropout") {
		t.Errorf("notes %q", notes)
	}
}

// Batch normalization goes by its running statistics, as they are when the
// parameters are read.
func TestBatchNormGoesByItsRunningStatistics(t *testing.T) {
	for _, dtype := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		s := newSketch(dtype)
		h := s.dense(s.x, "0", sketchWidth, 5)
		normed, _, _, o, err := G.BatchNorm(h, s.learnable("scale", 1, 5), s.learnable("shift", 1, 5), 0.9, 1e-3)
		if err != nil {
			t.Fatal(err)
		}
		z := s.last(G.Must(G.Tanh(normed)))
		m := s.model(t, z, nil)
		if n := models.FrozenStatistics(m); n != 2*5 {
			t.Errorf("%d frozen statistics; want a mean and a variance for each of 5 channels", n)
		}
		split := blobs(20, sketchWidth, sketchClasses, 3)
		objective := newObjective(t, m, models.CrossEntropy, split, 2)
		for _, statistics := range [][2]float64{{0, 0}, {0.5, 2}, {-1, 0.3}} { // the first as before training
			mean, variance := o.Stats()
			for i := range 5 {
				setElement(t, mean, i, statistics[0]+0.1*float64(i))
				setElement(t, variance, i, statistics[1]*(1+0.1*float64(i)))
			}
			// By hand: (h − mean)·scale/√(variance + ε) + shift.
			by := newSketch(tensor.Float64)
			h := by.dense(by.x, "0", sketchWidth, 5)
			constant := func(name string, f func(i int) float64) *G.Node {
				v := tensor.New(tensor.WithShape(1, 5), tensor.Of(tensor.Float64))
				for i := range v.Float64s() {
					v.Float64s()[i] = f(i)
				}
				n := G.NewMatrix(by.g, tensor.Float64, G.WithShape(1, 5), G.WithName(name), G.WithValue(v))
				by.constants = append(by.constants, n)
				return n
			}
			μ := constant("μ", func(i int) float64 { return statistics[0] + 0.1*float64(i) })
			width := constant("width", func(i int) float64 {
				v := statistics[1] * (1 + 0.1*float64(i))
				if statistics[1] == 0 {
					v = 1 // no batch was seen
				}
				return 1 / math.Sqrt(v+1e-3)
			})
			h = G.Must(G.BroadcastHadamardProd(G.Must(G.BroadcastSub(h, μ, nil, []byte{0})), width, nil, []byte{0}))
			h = G.Must(G.BroadcastHadamardProd(h, by.learnable("scale", 1, 5), nil, []byte{0}))
			h = G.Must(G.BroadcastAdd(h, by.learnable("shift", 1, 5), nil, []byte{0}))
			want := objectiveResults(t, newObjective(t, by.model(t, by.last(G.Must(G.Tanh(h))), nil), models.CrossEntropy, split, 1))
			if err := objective.Refresh(); err != nil {
				t.Fatal(err)
			}
			got := objectiveResults(t, objective)
			tolerance := map[tensor.Dtype]float64{tensor.Float64: 1e-12, tensor.Float32: 1e-5}[dtype]
			if e := floats.Distance(got, want, 2) / floats.Norm(want, 2); !(e <= tolerance) {
				t.Errorf("%v, statistics %v: relative difference %.2g", dtype, statistics, e)
			}
		}
	}
}

func setElement(t *testing.T, v tensor.Tensor, i int, x float64) {
	t.Helper()
	d := v.(*tensor.Dense)
	all := models.Values(d)
	all[i] = x
	models.SetValues(d, all)
}

// One logit is that of the second of two classes; its cross-entropy is the binary
// one, which a cost of the graph can give too.
func TestOneLogit(t *testing.T) {
	for _, column := range []bool{false, true} {
		s := newSketch(tensor.Float64)
		z := G.Must(G.Mul(s.hidden(), s.learnable("w", 5)))
		if column {
			z = G.Must(G.Reshape(z, tensor.Shape{sketchBatch, 1}))
		}
		y := G.NewTensor(s.g, G.Float64, z.Dims(), G.WithShape(z.Shape()...), G.WithName("label"))
		binary := G.Must(G.Mean(G.Must(G.BinaryXent(G.Must(G.Sigmoid(z)), y))))
		m, err := models.FromNodes(s.x, z, s.learnables, models.WithCost(binary, y))
		if err != nil {
			t.Fatal(err)
		}
		if m.Classes() != 2 {
			t.Errorf("%d classes", m.Classes())
		}
		split := blobs(20, sketchWidth, 2, 3)
		own, ours := newObjective(t, m, models.LossOf(m), split, 1), newObjective(t, m, models.CrossEntropy, split, 1)
		got, want := objectiveResults(t, own), objectiveResults(t, ours)
		if e := floats.Distance(got, want, 2) / floats.Norm(want, 2); !(e <= 1e-12) {
			t.Errorf("column %t: binary cross-entropy differs by %.2g", column, e)
		}
		logits := make([]float64, 2*split.Len())
		if err := own.Logits(context.Background(), logits); err != nil {
			t.Fatal(err)
		}
		right := 0.0
		for i, label := range split.Labels {
			if logits[2*i] != 0 {
				t.Fatalf("logits %v of sample %d", logits[2*i:2*i+2], i)
			}
			if (logits[2*i+1] > 0) == (label == 1) {
				right++
			}
		}
		if e := evaluateLoss(t, own); math.Abs(e.Accuracy-right/20) > 1e-12 {
			t.Errorf("accuracy %v, by hand %v", e.Accuracy, right/20)
		}
		v := mat.NewDense(1, own.Dim(), normal(own.Dim(), 4))
		var ggn [2]*mat.Dense
		for i, o := range []*models.Objective{own, ours} {
			ggn[i] = mat.NewDense(1, own.Dim(), nil)
			if err := o.GaussNewtonProducts(context.Background(), ggn[i], v); err != nil {
				t.Fatal(err)
			}
		}
		if !mat.EqualApprox(ggn[0], ggn[1], 1e-12) {
			t.Errorf("column %t: Gauss-Newton products differ", column)
		}
	}
}

// With a cost, which says how the probabilities are used, the node before the
// softmax gives the logits.
func TestProbabilitiesWithACost(t *testing.T) {
	s := newSketch(tensor.Float64)
	z := s.last(s.hidden())
	p := G.Must(G.SoftMax(z))
	cost := G.Must(G.Neg(G.Must(G.Mean(G.Must(G.HadamardProd(s.y, p)))))) // as in Gorgonia's example
	m, plain := s.model(t, p, cost), s.model(t, z, cost)
	split := sketchData(20)
	got := objectiveResults(t, newObjective(t, m, models.LossOf(m), split, 1))
	want := objectiveResults(t, newObjective(t, plain, models.LossOf(plain), split, 1))
	if !slices.Equal(got, want) {
		t.Error("the results differ")
	}
	if notes := models.Notes(m); len(notes) != 1 || notes[0] != "the node before the SoftMax is taken for the logits" {
		t.Errorf("notes %q", notes)
	}
}

// What a cost compares comes from the data: targets, one-hot labels, or labels 0
// and 1.
func TestTargetsOfACost(t *testing.T) {
	s := newSketch(tensor.Float64)
	z := s.last(s.hidden())
	m := s.model(t, z, meanSquare(G.Must(G.Sub(z, s.y))))
	labelled := blobs(13, sketchWidth, sketchClasses, 3)
	oneHot := *labelled
	oneHot.Targets = make([]float64, 13*sketchClasses)
	for i, label := range labelled.Labels {
		oneHot.Targets[i*sketchClasses+label] = 1
	}
	regression := oneHot
	regression.Labels = nil
	want := objectiveResults(t, newObjective(t, m, models.SquaredError, labelled, 1))
	for name, split := range map[string]*datasets.Split{"labels": labelled, "targets": &oneHot, "no labels": &regression} {
		if got := objectiveResults(t, newObjective(t, m, models.LossOf(m), split, 1)); !floats.EqualApprox(got, want, 1e-13) {
			t.Errorf("%s: the results differ from those of the squared error", name)
		}
	}
	short := oneHot
	short.Targets = short.Targets[:13]
	bare := regression
	bare.Targets = nil
	for _, c := range []struct {
		split *datasets.Split
		loss  models.Loss
		want  string
	}{
		{&short, models.LossOf(m), `models: split "train" has 13 targets for 13 samples; the loss compares 3 values of each`},
		{&bare, models.LossOf(m), `datasets: split "train" has 0 targets for 13 samples; want the same number for each`},
		{&regression, models.CrossEntropy, `models: split "train" has no labels, as in a regression, and the loss is the cross-entropy of classes; hand over the cost that the network is trained by (models.WithCost), or another loss`},
	} {
		_, err := models.NewObjective(m, c.loss, c.split, models.ObjectiveSettings{})
		wantError(t, err, c.want)
	}

	// Two targets share the columns: here 2 and 1 of them.
	two := newSketch(tensor.Float64)
	z = two.last(two.hidden())
	a := G.NewMatrix(two.g, G.Float64, G.WithShape(sketchBatch, 2), G.WithName("a"))
	b := G.NewVector(two.g, G.Float64, G.WithShape(sketchBatch), G.WithName("b"))
	joined := G.Must(G.Concat(1, a, G.Must(G.Reshape(b, tensor.Shape{sketchBatch, 1}))))
	m, err := models.FromNodes(two.x, z, two.learnables, models.WithCost(meanSquare(G.Must(G.Sub(z, joined))), a, b))
	if err != nil {
		t.Fatal(err)
	}
	if got := objectiveResults(t, newObjective(t, m, models.LossOf(m), &oneHot, 1)); !floats.EqualApprox(got, want, 1e-13) {
		t.Error("two targets: the results differ from those of the squared error")
	}
}

func TestCostErrors(t *testing.T) {
	s := newSketch(tensor.Float64)
	z := s.last(s.hidden())
	other := newSketch(tensor.Float64)
	for _, c := range []struct {
		name string
		cost *G.Node
		to   G.Nodes
		want string
	}{
		{"nil", nil, G.Nodes{s.y}, "models: the node of the cost is nil"},
		{"nil target", meanSquare(z), G.Nodes{nil}, "models: the node of the target of the cost is nil"},
		{"forgotten target", meanSquare(G.Must(G.Sub(z, s.y))), nil, `node "y" feeds the network, has no value and is neither the input nor a learnable; hand it over as one of them, or as a target of the cost (models.WithCost)`},
		{"target of other rows", meanSquare(z), G.Nodes{G.NewVector(s.g, G.Float64, G.WithShape(2), G.WithName("short"))}, `models: target "short" of the cost is float64 of shape (2); want floats of shape (6, …), a row a sample`},
		{"another graph", meanSquare(other.last(other.hidden())), G.Nodes{s.y}, "feeds the network, has no value"},
	} {
		_, err := models.FromNodes(s.x, z, s.learnables, models.WithCost(c.cost, c.to...))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	m := s.model(t, z, meanSquare(G.Must(G.Sub(z, s.y))))
	_, err := models.NewObjective(newGated(4, 2, 3), models.LossOf(m), sketchData(3), models.ObjectiveSettings{})
	wantError(t, err, "models: the loss is the cost of another graph")
}

// The curvature of weight decay is no part of J ᵀ·∇²ℓ·J.
func TestGaussNewtonOfACost(t *testing.T) {
	v := mat.NewDense(1, 43, normal(43, 4))
	products := func(decay bool) ([]float64, error) {
		s := newSketch(tensor.Float64)
		z := s.last(s.hidden())
		cost := meanSquare(G.Must(G.Sub(z, s.y)))
		if decay {
			cost = G.Must(G.Add(cost, G.Must(G.Sum(G.Must(G.Square(s.learnables[0]))))))
		}
		m := s.model(t, z, cost)
		split := blobs(9, sketchWidth, sketchClasses, 3)
		ours, theirs := mat.NewDense(1, 43, nil), mat.NewDense(1, 43, nil)
		if err := newObjective(t, m, models.SquaredError, split, 1).GaussNewtonProducts(context.Background(), theirs, v); err != nil {
			t.Fatal(err)
		}
		err := newObjective(t, m, models.LossOf(m), split, 1).GaussNewtonProducts(context.Background(), ours, v)
		ours.Sub(ours, theirs)
		return ours.RawRowView(0), err
	}
	if d, err := products(false); err != nil || floats.Norm(d, 2) > 1e-12 {
		t.Errorf("difference %v, error %v", floats.Norm(d, 2), err)
	}
	_, err := products(true)
	if err == nil || !strings.Contains(err.Error(), "such as by weight decay; it has no Gauss-Newton matrix") {
		t.Errorf("error %v", err)
	}
}

// Constants are taken over with the parameters, and so are learnables that are
// scalars.
func TestConstantsAndScalarsMayMove(t *testing.T) {
	s := newSketch(tensor.Float64)
	temperature := G.NewScalar(s.g, G.Float64, G.WithName("temperature"), G.WithValue(1.0))
	s.constants = G.Nodes{temperature}
	scale := s.scalar("scale", 2)
	z := G.Must(G.HadamardDiv(G.Must(G.HadamardProd(s.last(s.hidden()), scale)), temperature))
	m := s.model(t, z, nil)
	o := newObjective(t, m, models.CrossEntropy, blobs(20, sketchWidth, sketchClasses, 3), 1)
	first := evaluateLoss(t, o).Loss
	if err := G.Let(temperature, 2.0); err != nil {
		t.Fatal(err)
	}
	halved := evaluateLoss(t, o).Loss
	if halved == first {
		t.Error("the constant did not move")
	}
	if err := G.Let(scale, 4.0); err != nil {
		t.Fatal(err)
	}
	if again := evaluateLoss(t, o).Loss; math.Abs(again-first) > 1e-14 {
		t.Errorf("scale 4 over temperature 2: loss %v, of 2 over 1 %v", again, first)
	}
	// Parameters share the memory of a scalar, so that it can be put back.
	models.SetValues(m.Parameters()[0].Value, []float64{3})
	if got := float64(*scale.Value().(*G.F64)); got != 3 {
		t.Errorf("the scalar is %v after it was set to 3", got)
	}
}

// A model from elsewhere whose logits are probabilities is found by their values.
func TestCheckLogits(t *testing.T) {
	split := blobs(20, 3, 4, 1)
	if err := models.CheckLogits(context.Background(), newGated(3, 6, 4), split); err != nil {
		t.Error(err)
	}
	err := models.CheckLogits(context.Background(), &broken{newGated(3, 6, 4), func(x *G.Node, params G.Nodes) (*G.Node, error) {
		z, err := newGated(3, 6, 4).Logits(x, params)
		if err != nil {
			return nil, err
		}
		return softmaxByHand(z), nil
	}}, split)
	wantError(t, err, `models: the logits of the first 20 samples of split "train" are positive and sum to 1: they are probabilities, and the loss would apply a softmax to them again; hand over the values before the softmax`)
}

// halved is an operation of somebody else, x/2, that can do float32 only: by its
// type, or by what it does.
type halved struct{ any bool }

func (o halved) Arity() int { return 1 }
func (o halved) Type() hm.Type {
	t := hm.Type(G.TensorType{Dims: 2, Of: tensor.Float32})
	if o.any {
		t = hm.TypeVariable('a')
	}
	return hm.NewFnType(t, t)
}

func (o halved) InferShape(in ...G.DimSizer) (tensor.Shape, error) { return in[0].(tensor.Shape), nil }

func (o halved) Do(in ...G.Value) (G.Value, error) {
	out := in[0].(*tensor.Dense).Clone().(*tensor.Dense)
	for i := range out.Float32s() {
		out.Float32s()[i] /= 2
	}
	return out, nil
}
func (o halved) ReturnsPtr() bool      { return false }
func (o halved) CallsExtern() bool     { return false }
func (o halved) OverwritesInput() int  { return -1 }
func (o halved) WriteHash(h hash.Hash) { fmt.Fprint(h, o) }
func (o halved) Hashcode() uint32      { return 12345 }
func (o halved) String() string        { return fmt.Sprint("halved ", o.any) }
func (o halved) DiffWRT(int) []bool    { return []bool{true} }
func (o halved) SymDiff(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	d, err := G.ApplyOp(o, grad)
	return G.Nodes{d}, err
}

// What cannot be computed in float64 is measured in float32, and told.
func TestOperationsThatAllowOnePrecisionOnly(t *testing.T) {
	for _, o := range []halved{{false}, {true}} {
		s := newSketch(tensor.Float32)
		z := s.last(G.Must(G.ApplyOp(o, s.hidden())))
		m := s.model(t, z, nil)
		if models.MeasuredIn(m, tensor.Float64) != tensor.Float32 {
			t.Errorf("%v: measured in %v", o, models.MeasuredIn(m, tensor.Float64))
		}
		if notes := models.Notes(m); len(notes) != 1 || !strings.Contains(notes[0], "measured in float32") {
			t.Errorf("%v: notes %q", o, notes)
		}
		wide := newSketch(tensor.Float64)
		z = wide.last(G.Must(G.HadamardDiv(wide.hidden(), wide.number(2))))
		split := blobs(20, sketchWidth, sketchClasses, 3)
		objective := newObjective(t, m, models.CrossEntropy, split, 1)
		if objective.Precision() != tensor.Float32 {
			t.Errorf("%v: computed in %v", o, objective.Precision())
		}
		got := objectiveResults(t, objective)
		want := objectiveResults(t, newObjective(t, wide.model(t, z, nil), models.CrossEntropy, split, 1))
		if e := floats.Distance(got, want, 2) / floats.Norm(want, 2); !(e <= 1e-5) {
			t.Errorf("%v: relative difference %.2g", o, e)
		}
	}
}

// Where samples depend on their batch, whole batches are measured as Gorgonia
// trains them, and nothing of single samples.
func TestSamplesThatMeetAreMeasuredInWholeBatches(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(s *sketch) (z, cost *G.Node)
		why   string
	}{
		{"batch norm by hand", func(s *sketch) (z, cost *G.Node) {
			z = batchNormByHand(s.last(s.hidden()))
			return z, s.crossEntropy(z)
		}, "depends on the other samples of its batch"},
		{"mean over the batch in the cost", func(s *sketch) (z, cost *G.Node) {
			z = s.last(s.hidden())
			return z, meanSquare(G.Must(G.BroadcastSub(z, G.Must(G.Mean(s.y, 0)), nil, []byte{0})))
		}, "depends on the other samples of its batch"},
		{"root of the mean square", func(s *sketch) (z, cost *G.Node) {
			z = s.last(s.hidden())
			return z, G.Must(G.Sqrt(meanSquare(G.Must(G.Sub(z, s.y)))))
		}, "depends on the other samples of its batch"},
		{"a bias for each place", func(s *sketch) (z, cost *G.Node) {
			places := s.learnable("places", sketchBatch, sketchClasses)
			places.Value().(*tensor.Dense).Zero() // at which it does not show yet
			z = G.Must(G.Add(s.last(s.hidden()), places))
			return z, s.crossEntropy(z)
		}, "depends on its place in the batch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSketch(tensor.Float64)
			z, cost := c.build(s)
			m := s.model(t, z, cost)
			if notes := models.Notes(m); len(notes) != 1 || !strings.Contains(notes[0], c.why) || !strings.Contains(notes[0], "whole batches of 6 samples") {
				t.Errorf("notes %q", notes)
			}
			split := sketchData(2*sketchBatch + 5)
			o := newObjective(t, m, models.LossOf(m), split, 2)
			if o.Samples() != 2*sketchBatch {
				t.Errorf("%d samples", o.Samples())
			}
			// The mean over two batches of Gorgonia's gradient, and its difference.
			v := normal(o.Dim(), 2)
			floats.Scale(1/floats.Norm(v, 2), v)
			want, quotient := make([]float64, o.Dim()), make([]float64, o.Dim())
			for _, first := range []int{0, sketchBatch} {
				batch, err := split.Subset([]int{first, first + 1, first + 2, first + 3, first + 4, first + 5})
				if err != nil {
					t.Fatal(err)
				}
				theirs := newGorgonia(t, c.build, batch)
				floats.AddScaled(want, 0.5, theirs.gradient(t, v, 0))
				const h = 1e-4
				for _, point := range []struct{ at, weight float64 }{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}} {
					floats.AddScaled(quotient, point.weight/(24*h), theirs.gradient(t, v, point.at*h))
				}
			}
			if got, _ := gradient(t, o); !floats.EqualApprox(got, want, 1e-12) {
				t.Error("the gradient is not Gorgonia's")
			}
			if e := floats.Distance(product(t, o, v), quotient, 2) / floats.Norm(quotient, 2); !(e <= 1e-7) {
				t.Errorf("H·v: relative error %.2g from differences of Gorgonia's gradient", e)
			}

			ctx := context.Background()
			errs := map[string]error{
				"slopes":    o.Slopes(ctx, row(make([]float64, o.Samples())), row(v)),
				"gradients": o.SampleGradients(ctx, func(int, []float64) error { return nil }),
			}
			_, errs["Gram"] = o.GradientGram(ctx)
			_, errs["field"] = models.NewField(m, models.ObjectiveSettings{})
			_, errs["pullback"] = models.NewPullback(m, split, models.ObjectiveSettings{})
			_, errs["point"] = models.NewPoint(m, models.ObjectiveSettings{})
			for what, err := range errs {
				if err == nil || !strings.Contains(err.Error(), "are of single samples, but the output for a sample "+c.why) {
					t.Errorf("%s: error %v", what, err)
				}
			}
			_, err := models.NewObjective(m, models.LossOf(m), sketchData(5), models.ObjectiveSettings{})
			wantError(t, err, `models: split "train" has 5 samples; the samples of a batch depend on each other, and one batch has 6`)
		})
	}
}

// An input of one value a sample, and a cost that compares with the input.
func TestInputsAsVectorsAndAsTargets(t *testing.T) {
	const n = 5
	g := G.NewGraph()
	x := G.NewVector(g, G.Float64, G.WithShape(n), G.WithName("x"))
	y := G.NewVector(g, G.Float64, G.WithShape(n), G.WithName("y"))
	w := G.NewScalar(g, G.Float64, G.WithName("w"), G.WithValue(3.0))
	b := G.NewScalar(g, G.Float64, G.WithName("b"), G.WithValue(1.0))
	z := G.Must(G.Add(G.Must(G.Mul(x, w)), b))
	data, err := datasets.FromSlices(datasets.Regression, [][]float64{{1}, {2}, {4}, {0}, {1}, {1}, {7}}, []float64{4, 7, 13, 1, 4, 4, 24})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		target *G.Node
		want   float64
	}{
		{y, (22. - 24) * (22 - 24) / 7}, // the others are 3x + 1
		{x, (9 + 25 + 81 + 1 + 9 + 9 + 225) / 7.},
	} {
		cost := meanSquare(G.Must(G.Sub(z, c.target)))
		m, err := models.FromNodes(x, z, G.Nodes{w, b}, models.WithCost(cost, c.target))
		if err != nil {
			t.Fatal(err)
		}
		o := newObjective(t, m, models.LossOf(m), &data.Splits[0], 1)
		got := evaluateLoss(t, o).Loss
		if math.Abs(got-c.want) > 1e-14*c.want {
			t.Errorf("target %s: loss %v, want %v", c.target.Name(), got, c.want)
		}
	}
}

// Gradients of dense layers are sums of outer products, however they are written.
func TestGradientGramOfAGraph(t *testing.T) {
	s := newSketch(tensor.Float64)
	m := s.model(t, s.last(s.hidden()), nil)
	split := blobs(13, sketchWidth, sketchClasses, 3)
	o := newObjective(t, m, models.CrossEntropy, split, 1)
	gram, err := o.GradientGram(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]float64
	if err := o.SampleGradients(context.Background(), func(_ int, g []float64) error {
		rows = append(rows, slices.Clone(g))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i, a := range rows {
		for j, b := range rows {
			if math.Abs(gram.At(i, j)-floats.Dot(a, b)) > 1e-12 {
				t.Fatalf("product %d, %d is %v, want %v", i, j, gram.At(i, j), floats.Dot(a, b))
			}
		}
	}
}

// Where random numbers are outside what a graph is made for, that is told.
func TestGraphsThatCannotBeTriedOut(t *testing.T) {
	s := newSketch(tensor.Float64)
	z := s.last(G.Must(G.Tanh(s.dense(G.Must(G.Log(G.Must(G.Sub(s.x, s.number(5))))), "0", sketchWidth, 5))))
	m := s.model(t, z, nil)
	if notes := models.Notes(m); len(notes) != 1 || !strings.Contains(notes[0], "not tried out whether samples depend on each other") {
		t.Errorf("notes %q", notes)
	}
}

// Of a network with an operation that cannot be built again, the part behind it can
// be measured: its input are the features that the operation gives.
func TestPartOfANetwork(t *testing.T) {
	g := G.NewGraph()
	x := G.NewMatrix(g, G.Float64, G.WithShape(sketchBatch, sketchWidth), G.WithName("x"))
	features := G.Must(G.Sparsemax(x))
	part := &sketch{g: g, x: features, y: G.NewMatrix(g, G.Float64, G.WithShape(sketchBatch, sketchClasses), G.WithName("y"))}
	z := part.last(part.hidden())
	whole := newSketch(tensor.Float64)
	same := whole.last(whole.hidden())
	split := blobs(20, sketchWidth, sketchClasses, 3)
	got := objectiveResults(t, newObjective(t, part.model(t, z, part.crossEntropy(z)), models.CrossEntropy, split, 1))
	want := objectiveResults(t, newObjective(t, whole.model(t, same, nil), models.CrossEntropy, split, 1))
	if !slices.Equal(got, want) {
		t.Error("the results differ from those of the part alone")
	}
	_, err := models.FromNodes(x, z, part.learnables)
	if err == nil || !strings.Contains(err.Error(), "operation Sparsemax") {
		t.Errorf("error %v", err)
	}
}

// Gorgonia gives the gradient of a mean over a window to the wrong elements.
func TestAveragePoolingIsTold(t *testing.T) {
	build := func(s *sketch) (z, cost *G.Node) {
		return s.classified(G.Must(G.AveragePool2D(s.images(1, 2, 4), tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2})))
	}
	s := newSketch(tensor.Float64)
	z, cost := build(s)
	m := s.model(t, z, cost)
	if notes := models.Notes(m); len(notes) != 1 || !strings.Contains(notes[0], "derivative of AveragePool2D is wrong") {
		t.Errorf("notes %q", notes)
	}
	split := sketchData(sketchBatch)
	ours, _ := gradient(t, newObjective(t, m, models.LossOf(m), split, 1))
	theirs := newGorgonia(t, build, split).gradient(t, make([]float64, len(ours)), 0)
	if floats.Distance(ours, theirs, 2) < 1e-3*floats.Norm(ours, 2) {
		t.Error("Gorgonia's gradient is right")
	}
}

// Only learnables need a name.
func TestNodesWithoutNames(t *testing.T) {
	g := G.NewGraph()
	x := G.NewMatrix(g, G.Float64, G.WithShape(sketchBatch, sketchWidth))
	y := G.NewMatrix(g, G.Float64, G.WithShape(sketchBatch, sketchClasses))
	s := &sketch{g: g, x: x, y: y}
	mask := G.NewMatrix(g, G.Float64, G.WithShape(1, 5), G.WithValue(randomTensor(tensor.Float64, 3, 1, 5)))
	s.constants = G.Nodes{mask}
	z := s.last(G.Must(G.BroadcastHadamardProd(s.hidden(), mask, nil, []byte{0})))
	m := s.model(t, z, meanSquare(G.Must(G.Sub(z, y))))
	if e := evaluateLoss(t, newObjective(t, m, models.LossOf(m), sketchData(9), 1)); !(e.Loss > 0) {
		t.Errorf("loss %v", e.Loss)
	}
}
