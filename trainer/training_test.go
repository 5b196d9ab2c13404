package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

func TestTrainingLearns(t *testing.T) {
	data := load(t, "gauss")
	for _, precision := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		for _, loss := range []models.Loss{models.CrossEntropy, models.SquaredError} {
			t.Run(fmt.Sprint(precision, loss), func(t *testing.T) {
				m := newMLP(t, data, precision, 16)
				s := train(t, trainer.Config{Epochs: 30, BatchSize: 10, Rate: trainer.Rate{Base: 0.1}, Loss: loss}, m, data)
				// A Bayes classifier of these Gaussians errs on a few percent.
				for _, split := range []string{"train", "validation", "test"} {
					if accuracy, ok := s.Fresh(split + "/accuracy"); !ok || accuracy < 0.9 {
						t.Errorf("%s/accuracy is %.3f after training, fresh: %v", split, accuracy, ok)
					}
				}
				if s.Epoch != 30 || s.Step != 30*15 || s.Steps != 15 || s.Loss != loss {
					t.Errorf("state: epoch %d, step %d of %d an epoch, loss %s", s.Epoch, s.Step, s.Steps, s.Loss.Name())
				}
			})
		}
	}
}

// byHand trains on the gradients of an Objective for each batch, in the order of
// Trainer: each epoch has a stream "shuffle".
func byHand(t *testing.T, c trainer.Config, m models.Model) {
	t.Helper()
	train, err := load(t, "gauss").Split("train")
	if err != nil {
		t.Fatal(err)
	}
	var optimizer trainer.Optimizer
	if c.Optimizer != nil {
		if optimizer, err = c.Optimizer.NewOptimizer(m.Parameters()); err != nil {
			t.Fatal(err)
		}
	}
	step := 0
	order := make([]int, train.Len())
	for epoch := 1; epoch <= c.Epochs; epoch++ {
		for i := range order {
			order[i] = i
		}
		trainer.Stream(c.Seed, "shuffle", epoch).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for first := 0; first < len(order); first += c.BatchSize {
			batch, err := train.Subset(order[first:min(first+c.BatchSize, len(order))])
			if err != nil {
				t.Fatal(err)
			}
			o, err := models.NewObjective(m, models.CrossEntropy, batch, models.ObjectiveSettings{Precision: models.Precision(m)})
			if err != nil {
				t.Fatal(err)
			}
			g := make([]float64, o.Dim())
			if _, err := o.Gradient(context.Background(), g); err != nil {
				t.Fatal(err)
			}
			step++
			rate := c.Rate.At(epoch, c.Epochs)
			if optimizer == nil {
				descend(m, rate, g)
				continue
			}
			optimizer.Step(step, rate, 1, like(m, g))
		}
	}
}

// like splits g into tensors with the shapes of the parameters of m.
func like(m models.Model, g []float64) []*tensor.Dense {
	var grads []*tensor.Dense
	for _, p := range m.Parameters() {
		grad := tensor.New(tensor.WithShape(p.Value.Shape()...), tensor.Of(p.Value.Dtype()))
		models.SetValues(grad, g[:grad.DataSize()])
		grads, g = append(grads, grad), g[grad.DataSize():]
	}
	return grads
}

// descend moves the parameters against g, in their own precision. Products are rounded
// before they are subtracted, on arm64 too.
func descend(m models.Model, rate float64, g []float64) {
	for _, p := range m.Parameters() {
		n := p.Value.DataSize()
		if p.Value.Dtype() == tensor.Float32 {
			for i, w := range p.Value.Float32s() {
				p.Value.Float32s()[i] = w - float32(float32(rate)*float32(g[i]))
			}
		} else {
			for i, w := range p.Value.Float64s() {
				p.Value.Float64s()[i] = w - float64(rate*g[i])
			}
		}
		g = g[n:]
	}
}

func TestTrainingIsThatOfALoopByHand(t *testing.T) {
	data := load(t, "gauss")
	// 150 samples in batches of 64 leave a last batch of 22.
	c := trainer.Config{Epochs: 3, BatchSize: 64, Rate: trainer.Rate{Base: 0.1}, Seed: 5}
	for _, precision := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		for _, rule := range []trainer.UpdateRule{nil, trainer.OptimizerConfig{Name: "adam"}} {
			c.Optimizer = rule
			got, want := newMLP(t, data, precision, 8, 8), newMLP(t, data, precision, 8, 8)
			train(t, c, got, data)
			byHand(t, c, want)
			wantSame(t, fmt.Sprint(precision, rule), flat(got), flat(want))
		}
	}
}

func TestFullBatchIsGradientDescent(t *testing.T) {
	data := load(t, "gauss")
	split, err := data.Split("train")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 150, 1000} {
		m, want := newMLP(t, data, tensor.Float64, 8), newMLP(t, data, tensor.Float64, 8)
		o, err := models.NewObjective(want, models.CrossEntropy, split, models.ObjectiveSettings{})
		if err != nil {
			t.Fatal(err)
		}
		g := make([]float64, o.Dim())
		var last float64
		for range 4 {
			if last, err = o.Gradient(context.Background(), g); err != nil {
				t.Fatal(err)
			}
			descend(want, 0.2, g)
			if err := o.Refresh(); err != nil {
				t.Fatal(err)
			}
		}
		s := train(t, trainer.Config{Epochs: 4, BatchSize: size, Rate: trainer.Rate{Base: 0.2}}, m, data)
		if s.Steps != 1 || s.Step != 4 {
			t.Errorf("batch size %d: %d steps, %d an epoch", size, s.Step, s.Steps)
		}
		// The Objective adds two chunks, the training step has one, so that rounding
		// differs.
		if !floats.EqualApprox(flat(m), flat(want), 1e-14) {
			t.Errorf("batch size %d: not gradient descent", size)
		}
		if loss, _ := s.Last("train/batch_loss"); math.Abs(loss.Value-last) > 1e-14 {
			t.Errorf("batch size %d: train/batch_loss %v, want that before the step, %v", size, loss.Value, last)
		}
	}
}

func TestClipNorm(t *testing.T) {
	data := load(t, "gauss")
	moved := func(clip float64) float64 {
		m := newMLP(t, data, tensor.Float64, 8)
		before := flat(m)
		train(t, trainer.Config{Epochs: 1, Rate: trainer.Rate{Base: 0.5}, ClipNorm: clip}, m, data)
		return floats.Distance(before, flat(m), 2)
	}
	free := moved(0) / 0.5 // the norm of the gradient
	const clip = 1e-3
	if free < clip {
		t.Fatalf("the gradient's norm %g is below the clip norm", free)
	}
	if got := moved(clip); math.Abs(got-0.5*clip) > 1e-12*clip {
		t.Errorf("the first step moved by %v, want rate·clip = %v", got, 0.5*clip)
	}
	if got := moved(2 * free); got != 0.5*free {
		t.Errorf("a gradient below the clip norm moved by %v, want %v", got, 0.5*free)
	}
}

func TestTrainingRepeats(t *testing.T) {
	data := load(t, "gauss")
	run := func(seed uint64, workers int) []float64 {
		m := newMLP(t, data, tensor.Float64, 8)
		s := train(t, trainer.Config{Epochs: 3, BatchSize: 16, Rate: trainer.Rate{Base: 0.1}, Seed: seed, Workers: workers}, m, data)
		loss, _ := s.Last("train/loss")
		return append(flat(m), loss.Value)
	}
	want := run(1, 1)
	wantSame(t, "again", run(1, 1), want)
	wantSame(t, "3 workers", run(1, 3), want)
	if other := run(2, 1); floats.Equal(other, want) {
		t.Error("another seed gave the same bits")
	}
}

func TestNoEpochs(t *testing.T) {
	data := load(t, "gauss")
	m := newMLP(t, data, tensor.Float64, 4)
	before := flat(m)
	s := train(t, trainer.Config{Rate: trainer.Rate{Base: 0.1}}, m, data)
	wantSame(t, "parameters", flat(m), before)
	if _, ok := s.Fresh("train/loss"); !ok {
		t.Error("the untrained network was not evaluated")
	}
	if _, ok := s.Last("train/batch_loss"); ok {
		t.Error("train/batch_loss without a batch")
	}
}

func TestEvaluateSchedule(t *testing.T) {
	data := load(t, "gauss")
	var evaluated []int
	watch := &probe{name: "watch", on: func(_ context.Context, event string, s *trainer.State) error {
		_, fresh := s.Fresh("train/loss")
		if event == "ValidationEnd" {
			evaluated = append(evaluated, s.Epoch)
		}
		if event == "EpochEnd" && fresh != (s.Epoch%3 == 0 || s.Epoch == 5) {
			return fmt.Errorf("epoch %d: loss fresh: %v", s.Epoch, fresh)
		}
		return nil
	}}
	train(t, trainer.Config{Epochs: 5, Rate: trainer.Rate{Base: 0.1}, Evaluate: trainer.Schedule{Every: 3}},
		newMLP(t, data, tensor.Float64, 4), data, watch)
	if fmt.Sprint(evaluated) != "[0 3 5]" {
		t.Errorf("evaluated at %v, want 0, 3 and the last", evaluated)
	}
}

// For a graph of fixed batch size, batches are padded with samples of weight 0.
func TestTrainingAForeignGraph(t *testing.T) {
	data := load(t, "gauss")
	c := trainer.Config{Epochs: 3, BatchSize: 64, Rate: trainer.Rate{Base: 0.1}, Seed: 5}
	m := newMLP(t, data, tensor.Float64, 8)
	g := G.NewGraph()
	x := G.NewMatrix(g, G.Float64, G.WithShape(64, 2), G.WithName("x"))
	var learnables G.Nodes
	for _, p := range m.Parameters() {
		shape := p.Value.Shape()
		learnables = append(learnables, G.NewTensor(g, G.Float64, shape.Dims(), G.WithShape(shape...), G.WithName(p.Name), G.WithValue(p.Value.Clone())))
	}
	logits, err := m.Logits(x, learnables)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := models.FromNodes(x, logits, learnables)
	if err != nil {
		t.Fatal(err)
	}
	train(t, c, m, data)
	train(t, c, foreign, data)
	// Rows of zeros only change the order in which products are summed.
	if !floats.EqualApprox(flat(foreign), flat(m), 1e-14) {
		t.Error("not trained as the same network of free batch size")
	}
	c.BatchSize = 65
	_, err = trainer.New(c, foreign, data)
	wantError(t, err, "trainer: batch size 65; the model's graph holds 64")
}

// matrixLoss is an invalid Loss: it has one value per class instead of one per
// sample.
type matrixLoss struct{}

func (matrixLoss) Name() string                              { return "matrix" }
func (matrixLoss) Losses(logits, _ *G.Node) (*G.Node, error) { return logits, nil }

func TestNewErrors(t *testing.T) {
	data := load(t, "gauss")
	good := trainer.Config{Epochs: 1, Rate: trainer.Rate{Base: 0.1}}
	for _, test := range []struct {
		change func(*trainer.Config)
		want   string
	}{
		{func(c *trainer.Config) { c.Epochs = -1 }, "trainer: Epochs is -1; want 0 or more"},
		{func(c *trainer.Config) { c.Loss = matrixLoss{} }, "models: the loss matrix has shape (128, 3); want (128), one value a sample"},
		{func(c *trainer.Config) { c.Evaluate.Every = -1 }, "trainer: Evaluate.Every is -1; want a number of epochs"},
	} {
		c := good
		test.change(&c)
		_, err := trainer.New(c, newMLP(t, data, tensor.Float64, 4), data)
		wantError(t, err, test.want)
	}
	_, err := trainer.New(good, newMLP(t, load(t, "iris"), tensor.Float64, 4), data)
	wantError(t, err, `models: split "train" has 2 values a sample; the model takes 4`)
	data.Splits = data.Splits[1:]
	if _, err = trainer.New(good, newMLP(t, data, tensor.Float64, 4), data); err == nil {
		t.Error("no train split: no error")
	}
}

func TestCancelledBeforeItBegins(t *testing.T) {
	data := load(t, "gauss")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	m := newMLP(t, data, tensor.Float64, 4)
	before := flat(m)
	stop, err := newTrainer(t, trainer.Config{Epochs: 3, Rate: trainer.Rate{Base: 0.1}}, m, data).Run(ctx)
	if !errors.Is(err, context.Canceled) || stop.Reason != trainer.Cancelled {
		t.Errorf("stop %+v, error %v; want a cancelled run", stop, err)
	}
	wantSame(t, "parameters", flat(m), before)
}
