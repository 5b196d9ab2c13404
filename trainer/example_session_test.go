package trainer_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"

	"gonum.org/v1/gonum/mat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// sharpness is a hook that measures how curved the training loss is along one
// random direction v of length 1: vᵀHv, with H the Hessian.
type sharpness struct{ loss *models.Objective }

func (h *sharpness) Name() string { return "sharpness" }

func (h *sharpness) Metrics() []trainer.Metric {
	return []trainer.Metric{{Name: "sharpness", Meaning: "vᵀHv along one random direction"}}
}

func (h *sharpness) TrainBegin(_ context.Context, s *trainer.State) error {
	train, err := s.Data.Split("train")
	if err != nil {
		return err
	}
	h.loss, err = models.NewObjective(s.Model, s.Loss, train, models.ObjectiveSettings{})
	return err
}

func (h *sharpness) EpochEnd(ctx context.Context, s *trainer.State) error {
	v, hv := mat.NewDense(1, h.loss.Dim(), nil), mat.NewDense(1, h.loss.Dim(), nil)
	rng := trainer.Stream(s.Seed, "sharpness", 0)
	v.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() }, v)
	v.Scale(1/mat.Norm(v, 2), v)
	if err := h.loss.Refresh(); err != nil {
		return err
	}
	if err := h.loss.HessianProducts(ctx, hv, v); err != nil {
		return err
	}
	return s.Record("sharpness", mat.Dot(v.RowView(0), hv.RowView(0)))
}

// An existing training loop on a Gorgonia graph for batches of 50, which counts the
// epochs by itself. The lines that a Session adds are marked. With Session.Epochs
// they are fewer.
func Example_session() {
	ctx := context.Background()
	data, err := datasets.Load(ctx, "gauss", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	train, err := data.Split("train")
	if err != nil {
		log.Fatal(err)
	}

	const batch, epochs = 50, 60
	g := G.NewGraph()
	x := G.NewMatrix(g, G.Float64, G.WithShape(batch, 2), G.WithName("x"))
	y := G.NewMatrix(g, G.Float64, G.WithShape(batch, 3), G.WithName("y"))
	rng := trainer.Stream(1, "init", 0)
	normal := func(_ tensor.Dtype, shape ...int) any {
		w := make([]float64, tensor.Shape(shape).TotalSize())
		for i := range w {
			w[i] = 0.5 * rng.NormFloat64()
		}
		return w
	}
	w1 := G.NewMatrix(g, G.Float64, G.WithShape(2, 20), G.WithName("w1"), G.WithInit(normal))
	b1 := G.NewMatrix(g, G.Float64, G.WithShape(1, 20), G.WithName("b1"), G.WithInit(G.Zeroes()))
	w2 := G.NewMatrix(g, G.Float64, G.WithShape(20, 3), G.WithName("w2"), G.WithInit(normal))
	b2 := G.NewMatrix(g, G.Float64, G.WithShape(1, 3), G.WithName("b2"), G.WithInit(G.Zeroes()))
	learnables := G.Nodes{w1, b1, w2, b2}

	hidden := G.Must(G.Rectify(G.Must(G.BroadcastAdd(G.Must(G.Mul(x, w1)), b1, nil, []byte{0}))))
	logits := G.Must(G.BroadcastAdd(G.Must(G.Mul(hidden, w2)), b2, nil, []byte{0}))
	normalizer := G.Must(G.Log(G.Must(G.Sum(G.Must(G.Exp(logits)), 1))))
	evidence := G.Must(G.Sum(G.Must(G.HadamardProd(logits, y)), 1))
	cost := G.Must(G.Mean(G.Must(G.Sub(normalizer, evidence))))
	if _, err := G.Grad(cost, learnables...); err != nil {
		log.Fatal(err)
	}
	machine := G.NewTapeMachine(g, G.BindDualValues(learnables...))
	defer machine.Close()
	solver := G.NewAdamSolver(G.WithLearnRate(0.02))

	// Added: the graph as a Model, and a Session that watches it.
	model, err := models.FromNodes(x, logits, learnables)
	if err != nil {
		log.Fatal(err)
	}
	session, err := trainer.NewSession(model, data, trainer.SessionSettings{Epochs: epochs}, &sharpness{})
	if err != nil {
		log.Fatal(err)
	}
	if err := session.Begin(ctx); err != nil { // Added.
		log.Fatal(err)
	}
	step := 0
	for epoch := 1; epoch <= epochs; epoch++ {
		for first := 0; first < train.Len(); first += batch {
			samples, labels := train.X[2*first:2*(first+batch)], make([]float64, 3*batch)
			for i, label := range train.Labels[first : first+batch] {
				labels[3*i+label] = 1
			}
			if err := errors.Join(
				G.Let(x, tensor.New(tensor.WithShape(batch, 2), tensor.WithBacking(samples))),
				G.Let(y, tensor.New(tensor.WithShape(batch, 3), tensor.WithBacking(labels))),
			); err != nil {
				log.Fatal(err)
			}
			if err := machine.RunAll(); err != nil {
				log.Fatal(err)
			}
			if err := solver.Step(G.NodesToValueGrads(learnables)); err != nil {
				log.Fatal(err)
			}
			machine.Reset()
			step++
		}
		if err := session.EpochEnd(ctx, epoch, step); err != nil { // Added.
			log.Fatal(err)
		}
		if _, stopped := session.Stopped(); stopped { // Added, for hooks that end the run.
			break
		}
	}
	if err := session.End(ctx); err != nil { // Added.
		log.Fatal(err)
	}

	accuracy, _ := session.State().Fresh("validation/accuracy")
	sharp, _ := session.State().Fresh("sharpness")
	fmt.Printf("%d parameters, accuracy %.2f\n", models.Size(model), accuracy)
	fmt.Printf("the loss curves upwards along the direction: %v\n", sharp > 0)
	// Output:
	// 123 parameters, accuracy 1.00
	// the loss curves upwards along the direction: true
}

// The same with Epochs, which begins and ends the session, and ends the loop when a
// hook asks for it.
func ExampleSession_Epochs() {
	data, err := datasets.FromSlices(datasets.Binary, [][]float64{{-2}, {-1}, {1}, {3}}, []int{0, 0, 1, 1})
	if err != nil {
		log.Fatal(err)
	}
	g := G.NewGraph()
	x := G.NewMatrix(g, G.Float64, G.WithName("x"), G.WithValue(tensor.New(tensor.WithShape(4, 1), tensor.WithBacking([]float64{-2, -1, 1, 3}))))
	y := G.NewMatrix(g, G.Float64, G.WithName("y"), G.WithValue(tensor.New(tensor.WithShape(4, 2), tensor.WithBacking([]float64{1, 0, 1, 0, 0, 1, 0, 1}))))
	w := G.NewMatrix(g, G.Float64, G.WithName("w"), G.WithValue(tensor.New(tensor.WithShape(1, 2), tensor.WithBacking([]float64{0, 0}))))
	logits := G.Must(G.Mul(x, w))
	normalizer := G.Must(G.Log(G.Must(G.Sum(G.Must(G.Exp(logits)), 1))))
	cost := G.Must(G.Mean(G.Must(G.Sub(normalizer, G.Must(G.Sum(G.Must(G.HadamardProd(logits, y)), 1))))))
	if _, err := G.Grad(cost, w); err != nil {
		log.Fatal(err)
	}
	machine := G.NewTapeMachine(g, G.BindDualValues(w))
	defer machine.Close()
	solver := G.NewVanillaSolver(G.WithLearnRate(0.5))

	model, err1 := models.FromNodes(x, logits, G.Nodes{w})
	session, err2 := trainer.NewSession(model, data, trainer.SessionSettings{Epochs: 100}, enough{0.1})
	for range session.Epochs(context.Background()) {
		if err := machine.RunAll(); err != nil {
			log.Fatal(err)
		}
		if err := solver.Step(G.NodesToValueGrads(G.Nodes{w})); err != nil {
			log.Fatal(err)
		}
		machine.Reset()
	}
	if err := cmp.Or(err1, err2, session.Err()); err != nil {
		log.Fatal(err)
	}
	stop, _ := session.Stopped()
	fmt.Printf("epoch %d of 100: stopped by %q\n", session.State().Epoch, stop.By)
	// Output:
	// epoch 6 of 100: stopped by "enough"
}

// enough is a hook that ends a run when the training loss is small.
type enough struct{ loss float64 }

func (enough) Name() string { return "enough" }

func (enough) Phase() trainer.Phase { return trainer.Decide }

func (h enough) EpochEnd(_ context.Context, s *trainer.State) error {
	if loss, fresh := s.Fresh("train/loss"); fresh && loss < h.loss {
		s.RequestStop(trainer.Stop{Reason: trainer.Requested, By: h.Name()})
	}
	return nil
}

// Metrics of the loop's own are declared before it begins and recorded in it. Hooks
// read them at the end of the epoch, under the name of the metric.
func ExampleSession_Record() {
	data, err := datasets.Load(context.Background(), "intro1D", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	model, err := models.NewMLP(models.MLPConfig{Input: data.Width(), Classes: len(data.Classes)}, trainer.Stream(0, "init", 0))
	if err != nil {
		log.Fatal(err)
	}
	session, err := trainer.NewSession(model, data, trainer.SessionSettings{Epochs: 2})
	if err != nil {
		log.Fatal(err)
	}
	if err := session.Declare(trainer.Metric{Name: "loop/temperature", Unit: "°C", Meaning: "of the processor"}); err != nil {
		log.Fatal(err)
	}
	for epoch := range session.Epochs(context.Background()) {
		if err := session.Record("loop/temperature", 40+float64(epoch)); err != nil {
			log.Fatal(err)
		}
	}
	if err := session.Err(); err != nil {
		log.Fatal(err)
	}
	last, _ := session.State().Last("loop/temperature")
	fmt.Println(last.Value, "at epoch", last.Epoch)
	// Output:
	// 42 at epoch 2
}
