package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// stockNet is a classifier that uses only Gorgonia: a graph for batches of n, its
// gradient, a tape machine and a solver.
type stockNet struct {
	x, y, logits, cost *G.Node
	learnables         G.Nodes
	machine            G.VM
	solver             G.Solver
	n                  int
}

func newStockNet(t *testing.T, n int, dtype tensor.Dtype, activation func(*G.Node) (*G.Node, error)) *stockNet {
	t.Helper()
	g := G.NewGraph()
	s := &stockNet{n: n, solver: G.NewAdamSolver(G.WithLearnRate(0.02), G.WithBatchSize(1))}
	s.x = G.NewMatrix(g, dtype, G.WithShape(n, 2), G.WithName("x"), G.WithValue(tensor.New(tensor.WithShape(n, 2), tensor.Of(dtype))))
	s.y = G.NewMatrix(g, dtype, G.WithShape(n, 3), G.WithName("y"), G.WithValue(tensor.New(tensor.WithShape(n, 3), tensor.Of(dtype))))
	rng := trainer.Stream(9, "stock", 0)
	weight := func(name string, rows, cols int) *G.Node {
		v := tensor.New(tensor.WithShape(rows, cols), tensor.Of(dtype))
		draws := make([]float64, rows*cols)
		for i := range draws {
			draws[i] = 0.5 * rng.NormFloat64()
		}
		models.SetValues(v, draws)
		w := G.NewMatrix(g, dtype, G.WithShape(rows, cols), G.WithName(name), G.WithValue(v))
		s.learnables = append(s.learnables, w)
		return w
	}
	layer := func(h, w, b *G.Node) *G.Node { return G.Must(G.BroadcastAdd(G.Must(G.Mul(h, w)), b, nil, []byte{0})) }
	h := G.Must(activation(layer(s.x, weight("w0", 2, 8), weight("b0", 1, 8))))
	s.logits = layer(h, weight("w1", 8, 3), weight("b1", 1, 3))
	log := G.Must(G.Log(G.Must(G.Sum(G.Must(G.Exp(s.logits)), 1))))
	s.cost = G.Must(G.Mean(G.Must(G.Sub(log, G.Must(G.Sum(G.Must(G.HadamardProd(s.logits, s.y)), 1))))))
	if _, err := G.Grad(s.cost, s.learnables...); err != nil {
		t.Fatal(err)
	}
	s.machine = G.NewTapeMachine(g, G.BindDualValues(s.learnables...))
	t.Cleanup(func() { s.machine.Close() })
	return s
}

// step trains on the batch of samples that begins with first.
func (s *stockNet) step(t *testing.T, split *datasets.Split, first int) {
	t.Helper()
	x, y := make([]float64, s.n*2), make([]float64, s.n*3)
	copy(x, split.X[first*2:])
	for i := range s.n {
		y[i*3+split.Labels[first+i]] = 1
	}
	models.SetValues(s.x.Value().(*tensor.Dense), x)
	models.SetValues(s.y.Value().(*tensor.Dense), y)
	if err := s.machine.RunAll(); err != nil {
		t.Fatal(err)
	}
	if err := s.solver.Step(G.NodesToValueGrads(s.learnables)); err != nil {
		t.Fatal(err)
	}
	s.machine.Reset()
}

// weights returns the learnables as one vector.
func (s *stockNet) weights() []float64 {
	var all []float64
	for _, n := range s.learnables {
		all = append(all, models.Values(n.Value().(*tensor.Dense))...)
	}
	return all
}

// loss computes the mean loss over split with plain loops.
func (s *stockNet) loss(split *datasets.Split, activation func(float64) float64) float64 {
	w := s.weights()
	w0, b0, w1, b1 := w[:16], w[16:24], w[24:48], w[48:]
	total := 0.0
	for i, label := range split.Labels {
		logits := slices.Clone(b1)
		for j := range 8 {
			h := activation(split.X[2*i]*w0[j] + split.X[2*i+1]*w0[8+j] + b0[j])
			for c := range logits {
				logits[c] += h * w1[3*j+c]
			}
		}
		sum := 0.0
		for _, z := range logits {
			sum += math.Exp(z)
		}
		total += math.Log(sum) - logits[label]
	}
	return total / float64(split.Len())
}

func TestSessionWatchesAForeignLoop(t *testing.T) {
	data := load(t, "gauss")
	split, err := data.Split("train")
	if err != nil {
		t.Fatal(err)
	}
	relu := func(z float64) float64 { return math.Max(z, 0) }
	for _, test := range []struct {
		name       string
		dtype      tensor.Dtype
		activation func(*G.Node) (*G.Node, error)
		scalar     func(float64) float64
		tolerance  float64 // rounding of the sums over features and samples
	}{
		{"tanh", tensor.Float64, G.Tanh, math.Tanh, 1e-14},
		{"relu", tensor.Float64, G.Rectify, relu, 1e-14},
		{"tanh, float32", tensor.Float32, G.Tanh, math.Tanh, 1e-6},
	} {
		t.Run(test.name, func(t *testing.T) {
			// Batches of 40: of 150 samples the loop leaves out 30, and the
			// session pads its last batch by 10.
			const n, epochs = 40, 5
			loop := func(watch func(s *stockNet, epoch, step int)) []float64 {
				s := newStockNet(t, n, test.dtype, test.activation)
				step := 0
				watch(s, 0, 0)
				for epoch := 1; epoch <= epochs; epoch++ {
					for first := 0; first+n <= split.Len(); first += n {
						s.step(t, split, first)
						step++
					}
					watch(s, epoch, step)
				}
				return s.weights()
			}
			alone := loop(func(*stockNet, int, int) {})

			var session *trainer.Session
			var model models.Model
			ctx := context.Background()
			watched := loop(func(s *stockNet, epoch, step int) {
				if epoch == 0 {
					nodes := len(s.x.Graph().AllNodes())
					model, session = foreignSession(t, s, data)
					if err := session.Begin(ctx); err != nil {
						t.Fatal(err)
					}
					if got := len(s.x.Graph().AllNodes()); got != nodes {
						t.Errorf("the graph had %d nodes and now has %d", nodes, got)
					}
				} else if err := session.EpochEnd(ctx, epoch, step); err != nil {
					t.Fatal(err)
				}
				got, ok := session.State().Fresh("train/loss")
				want := s.loss(split, test.scalar)
				if !ok || math.Abs(got-want) > test.tolerance*math.Max(1, want) {
					t.Errorf("epoch %d: train/loss %v, by hand %v", epoch, got, want)
				}
			})
			wantSame(t, "weights", watched, alone)
			if err := session.End(ctx); err != nil {
				t.Fatal(err)
			}
			if test.dtype == tensor.Float32 {
				// The loss of each epoch is computed in the precision of the
				// training, measurements in float64.
				o, err := models.NewObjective(model, models.CrossEntropy, split, models.ObjectiveSettings{})
				if err != nil {
					t.Fatal(err)
				}
				if o.Precision() != tensor.Float64 {
					t.Errorf("measured in %v", o.Precision())
				}
			}
		})
	}
}

func foreignSession(t *testing.T, s *stockNet, data *datasets.Dataset) (models.Model, *trainer.Session) {
	t.Helper()
	model, err := models.FromNodes(s.x, s.logits, s.learnables)
	if err != nil {
		t.Fatal(err)
	}
	var o *models.Objective
	hook := &probe{
		name: "curvature", metrics: []trainer.Metric{{Name: "curvature/norm"}},
		on: func(ctx context.Context, e string, s *trainer.State) error {
			if e == "TrainBegin" {
				o, err = models.NewObjective(s.Model, s.Loss, &s.Data.Splits[0], models.ObjectiveSettings{})
				return err
			}
			if e != "EpochEnd" {
				return nil
			}
			return curvature(ctx, o, s)
		},
	}
	session, err := trainer.NewSession(model, data, trainer.SessionSettings{Epochs: 5}, hook)
	if err != nil {
		t.Fatal(err)
	}
	return model, session
}

func TestSessionEvents(t *testing.T) {
	data := load(t, "intro1D")
	var log []string
	var fail error
	hook := &probe{name: "h", on: func(_ context.Context, e string, s *trainer.State) error {
		log = append(log, fmt.Sprintf("%s %d/%d", e, s.Epoch, s.Step))
		if e == "EpochEnd" {
			return fail
		}
		return nil
	}}
	session, err := trainer.NewSession(newMLP(t, data, tensor.Float64, 3), data, trainer.SessionSettings{}, hook)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(session.Begin(ctx))
	must(session.BatchEnd(ctx, 1, 0.25))
	if s := session.State(); s.BatchLoss != 0.25 || s.Step != 1 || s.Epochs != 0 || s.Steps != 0 || s.Loss != models.CrossEntropy {
		t.Errorf("state: %+v", s)
	}
	fail = errors.New("disk full")
	wantError(t, session.EpochEnd(ctx, 1, 1), "hook h: disk full")
	fail = nil
	// The end of the next epoch begins with the first stage again.
	must(session.EpochEnd(ctx, 2, 2))
	if _, ok := session.State().Fresh("train/loss"); !ok {
		t.Error("epoch 2 was not evaluated")
	}
	wantError(t, session.Interrupted(ctx, context.Canceled), "context canceled")
	wantError(t, session.Interrupted(ctx, context.Canceled), "context canceled") // tells nobody again
	wantEqual(t, "events", log, []string{
		"TrainBegin 0/0", "ValidationEnd 0/0", "EpochEnd 0/0", "BatchEnd 0/1",
		"ValidationEnd 1/1", "EpochEnd 1/1", "ValidationEnd 2/2", "EpochEnd 2/2",
		"Interrupted 2/2",
	})
}
