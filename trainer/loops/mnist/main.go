// Command mnist trains a perceptron on the digits of MNIST with Gorgonia, and has
// hessoscope watch it. The perceptron has dropout and ends in a softmax, and its
// targets are smoothed: 0.9 for the digit, 0.1 for each other. The first argument
// is the folder of the files train-images-idx3-ubyte and train-labels-idx1-ubyte;
// the second, if given, the number of epochs.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/gorgonia/examples/mnist"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

const batch, dropped = 100, 0.25

var widths = []int{mnist.Width * mnist.Height, 128, 64, 10}

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: mnist FOLDER [EPOCHS]")
	}
	epochs := 20
	if len(os.Args) > 2 {
		var err error
		if epochs, err = strconv.Atoi(os.Args[2]); err != nil {
			log.Fatal(err)
		}
	}
	inputs, targets, err := mnist.Load("train", os.Args[1], G.Float64)
	if err != nil {
		log.Fatal(err)
	}
	samples := inputs.Shape()[0]

	g := G.NewGraph()
	x := G.NewMatrix(g, G.Float64, G.WithShape(batch, widths[0]), G.WithName("x"))
	y := G.NewMatrix(g, G.Float64, G.WithShape(batch, 10), G.WithName("y"))
	probabilities, learnables := perceptron(x)
	evidence := G.Must(G.HadamardProd(y, G.Must(G.Log(probabilities))))
	cost := G.Must(G.Neg(G.Must(G.Mean(G.Must(G.Sum(evidence, 1))))))
	if _, err := G.Grad(cost, learnables...); err != nil {
		log.Fatal(err)
	}
	machine := G.NewTapeMachine(g, G.BindDualValues(learnables...))
	defer machine.Close()
	solver := G.NewAdamSolver(G.WithLearnRate(0.001))

	// Added.
	model, err1 := models.FromNodes(x, probabilities, learnables, models.WithCost(cost, y))
	data, err2 := datasets.FromTensors(datasets.Classification, inputs, targets)
	session, err3 := trainer.NewSession(model, data, trainer.SessionSettings{Epochs: epochs, Steps: samples / batch}, &callbacks.Spectrum{}, &callbacks.Logger{})

	// Was: for range epochs {
	for range session.Epochs(context.Background()) {
		for first := 0; first+batch <= samples; first += batch {
			rows := tensor.S(first, first+batch)
			some, err1 := inputs.Slice(rows)
			theirs, err2 := targets.Slice(rows)
			if err := errors.Join(err1, err2, G.Let(x, some), G.Let(y, theirs), machine.RunAll(), solver.Step(G.NodesToValueGrads(learnables))); err != nil {
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

// perceptron is the probabilities of the classes, (batch, 10), for the images x,
// (batch, 784).
func perceptron(x *G.Node) (probabilities *G.Node, learnables G.Nodes) {
	layer := x
	for i, width := range widths[1:] {
		if i > 0 {
			layer = G.Must(G.Dropout(G.Must(G.Rectify(layer)), dropped))
		}
		w := G.NewMatrix(x.Graph(), G.Float64, G.WithShape(widths[i], width), G.WithName(fmt.Sprint("w", i)), G.WithInit(G.GlorotN(1)))
		b := G.NewMatrix(x.Graph(), G.Float64, G.WithShape(1, width), G.WithName(fmt.Sprint("b", i)), G.WithInit(G.Zeroes()))
		layer = G.Must(G.BroadcastAdd(G.Must(G.Mul(layer, w)), b, nil, []byte{0}))
		learnables = append(learnables, w, b)
	}
	return G.Must(G.SoftMax(layer)), learnables
}
