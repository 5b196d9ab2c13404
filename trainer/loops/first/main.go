// Command first trains a network with Gorgonia, and has hessoscope watch it.
package main

import (
	"cmp"
	"context"
	"errors"
	"log"
	"math"
	"math/rand"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

const (
	samples = 400
	batch   = 50
	epochs  = 60
)

func main() {
	inputs, targets := rings()

	g := G.NewGraph()
	x := G.NewMatrix(g, G.Float64, G.WithShape(batch, 2), G.WithName("x"))
	y := G.NewMatrix(g, G.Float64, G.WithShape(batch, 2), G.WithName("y"))
	w1 := G.NewMatrix(g, G.Float64, G.WithShape(2, 16), G.WithName("w1"), G.WithInit(G.GlorotN(1)))
	b1 := G.NewMatrix(g, G.Float64, G.WithShape(1, 16), G.WithName("b1"), G.WithInit(G.Zeroes()))
	w2 := G.NewMatrix(g, G.Float64, G.WithShape(16, 2), G.WithName("w2"), G.WithInit(G.GlorotN(1)))
	b2 := G.NewMatrix(g, G.Float64, G.WithShape(1, 2), G.WithName("b2"), G.WithInit(G.Zeroes()))
	learnables := G.Nodes{w1, b1, w2, b2}

	hidden := G.Must(G.Tanh(G.Must(G.BroadcastAdd(G.Must(G.Mul(x, w1)), b1, nil, []byte{0}))))
	logits := G.Must(G.BroadcastAdd(G.Must(G.Mul(hidden, w2)), b2, nil, []byte{0}))
	normalizer := G.Must(G.Log(G.Must(G.Sum(G.Must(G.Exp(logits)), 1))))
	evidence := G.Must(G.Sum(G.Must(G.HadamardProd(logits, y)), 1))
	cost := G.Must(G.Mean(G.Must(G.Sub(normalizer, evidence))))
	if _, err := G.Grad(cost, learnables...); err != nil {
		log.Fatal(err)
	}
	machine := G.NewTapeMachine(g, G.BindDualValues(learnables...))
	defer machine.Close()
	solver := G.NewAdamSolver(G.WithLearnRate(0.01))

	// Added.
	model, err1 := models.FromNodes(x, logits, learnables)
	data, err2 := datasets.FromTensors(datasets.Classification, inputs, targets)
	session, err3 := trainer.NewSession(model, data, trainer.SessionSettings{Epochs: epochs, Steps: samples / batch}, &callbacks.Spectrum{Schedule: trainer.Schedule{Log: 10}}, &callbacks.Logger{})

	// Was: for epoch := 0; epoch < epochs; epoch++ {
	for range session.Epochs(context.Background()) {
		for first := 0; first < samples; first += batch {
			rows := tensor.S(first, first+batch)
			some, err := inputs.Slice(rows)
			if err != nil {
				log.Fatal(err)
			}
			theirs, err := targets.Slice(rows)
			if err != nil {
				log.Fatal(err)
			}
			if err := errors.Join(G.Let(x, some), G.Let(y, theirs)); err != nil {
				log.Fatal(err)
			}
			if err := machine.RunAll(); err != nil {
				log.Fatal(err)
			}
			if err := solver.Step(G.NodesToValueGrads(learnables)); err != nil {
				log.Fatal(err)
			}
			machine.Reset()
		}
	}

	// Added.
	if err := cmp.Or(err1, err2, err3, session.Err()); err != nil {
		log.Fatal(err)
	}
}

// rings draws points from two noisy rings, one inside the other: (samples, 2)
// inputs and one-hot targets.
func rings() (inputs, targets *tensor.Dense) {
	rng := rand.New(rand.NewSource(1))
	var points, rows []float64
	for i := range samples {
		class := i % 2
		sin, cos := math.Sincos(2 * math.Pi * rng.Float64())
		radius := float64(1+class) + 0.1*rng.NormFloat64()
		points = append(points, radius*cos, radius*sin)
		rows = append(rows, float64(1-class), float64(class))
	}
	return tensor.New(tensor.WithShape(samples, 2), tensor.WithBacking(points)),
		tensor.New(tensor.WithShape(samples, 2), tensor.WithBacking(rows))
}
