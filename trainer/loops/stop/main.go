// Command stop trains a network with Gorgonia and ends by a rule: when the
// validation loss has not been better for 20 epochs. It keeps the parameters of the
// best epoch, and records a metric and a learning rate of its own. The files of the
// run are in the folder that its argument names.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"math"
	"math/rand"
	"os"
	"path/filepath"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

const samples, epochs, decay = 100, 2000, 0.995

func main() {
	dir := filepath.Join(os.TempDir(), "stop")
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	rng := rand.New(rand.NewSource(2))
	inputs, classes := rings(rng)
	held, heldClasses := rings(rng)

	g := G.NewGraph()
	x := G.NewMatrix(g, G.Float64, G.WithName("x"), G.WithValue(matrix(inputs)))
	y := G.NewMatrix(g, G.Float64, G.WithName("y"), G.WithValue(oneHot(classes)))
	w1 := weights(g, rng, "w1", 2, 64)
	b1 := weights(g, rng, "b1", 1, 64)
	w2 := weights(g, rng, "w2", 64, 2)
	learnables := G.Nodes{w1, b1, w2}

	hidden := G.Must(G.Tanh(G.Must(G.BroadcastAdd(G.Must(G.Mul(x, w1)), b1, nil, []byte{0}))))
	logits := G.Must(G.Mul(hidden, w2))
	normalizer := G.Must(G.Log(G.Must(G.Sum(G.Must(G.Exp(logits)), 1))))
	cost := G.Must(G.Mean(G.Must(G.Sub(normalizer, G.Must(G.Sum(G.Must(G.HadamardProd(logits, y)), 1))))))
	grads, err := G.Grad(cost, learnables...)
	if err != nil {
		log.Fatal(err)
	}
	machine := G.NewTapeMachine(g, G.BindDualValues(learnables...))
	defer machine.Close()

	model, err1 := models.FromNodes(x, logits, learnables)
	data, err2 := datasets.FromSlices(datasets.Classification, inputs, classes)
	validation, err3 := datasets.FromSlices(datasets.Classification, held, heldClasses)
	if err := errors.Join(err1, err2, err3, data.Add("validation", validation)); err != nil {
		log.Fatal(err)
	}
	session, err := trainer.NewSession(model, data, trainer.SessionSettings{Epochs: epochs},
		&callbacks.Spectrum{Schedule: trainer.Schedule{Every: 10}},
		&callbacks.EarlyStopping{Rule: stopping.Rule{Monitor: "validation/loss", Patience: 20}, RestoreBest: "validation/loss"},
		&callbacks.JSONL{Path: filepath.Join(dir, "metrics.jsonl")},
		&callbacks.CSV{Path: filepath.Join(dir, "metrics.csv")},
		&callbacks.Logger{
			Slog:    slog.New(slog.NewTextHandler(os.Stderr, nil)),
			Metrics: []string{"train/loss", "validation/loss", "gradient/largest", "spectrum/lambda_max", "spectrum/edge_of_stability"},
		},
	)
	if err != nil {
		log.Fatal(err)
	}
	if err := session.Declare(trainer.Metric{Name: "gradient/largest", Better: trainer.Lower, Meaning: "largest |∂L/∂w2|"}); err != nil {
		log.Fatal(err)
	}

	rate := 0.5
	for epoch := range session.Epochs(context.Background()) {
		if err := machine.RunAll(); err != nil {
			log.Fatal(err)
		}
		loss := cost.Value().Data().(float64)
		largest := 0.0
		for _, d := range grads[2].Value().Data().([]float64) {
			largest = max(largest, math.Abs(d))
		}
		if err := G.NewVanillaSolver(G.WithLearnRate(rate)).Step(G.NodesToValueGrads(learnables)); err != nil {
			log.Fatal(err)
		}
		machine.Reset()
		// Errors of these three end the loop too, and Err returns them.
		_ = session.SetRate(rate)
		_ = session.Record("gradient/largest", largest)
		_ = session.BatchEnd(context.Background(), epoch, loss)
		rate *= decay
	}
	if err := session.Err(); err != nil {
		log.Fatal(err)
	}
	stop, _ := session.Stopped()
	restored, _ := session.State().Restored()
	fmt.Printf("stopped after epoch %d of %d by the rule %s, back to epoch %d\n", session.State().Epoch, epochs, stop.Rule, restored.Epoch)
}

// rings draws points from two rings, one inside the other, that overlap.
func rings(rng *rand.Rand) (points [][]float64, classes []int) {
	for i := range samples {
		class := i % 2
		sin, cos := math.Sincos(2 * math.Pi * rng.Float64())
		radius := float64(1+class) + 0.5*rng.NormFloat64()
		points, classes = append(points, []float64{radius * cos, radius * sin}), append(classes, class)
	}
	return points, classes
}

func weights(g *G.ExprGraph, rng *rand.Rand, name string, rows, columns int) *G.Node {
	values := make([]float64, rows*columns)
	for i := range values {
		values[i] = rng.NormFloat64()
	}
	return G.NewMatrix(g, G.Float64, G.WithName(name), G.WithValue(tensor.New(tensor.WithShape(rows, columns), tensor.WithBacking(values))))
}

func matrix(rows [][]float64) *tensor.Dense {
	var values []float64
	for _, row := range rows {
		values = append(values, row...)
	}
	return tensor.New(tensor.WithShape(len(rows), len(rows[0])), tensor.WithBacking(values))
}

func oneHot(classes []int) *tensor.Dense {
	values := make([]float64, 2*len(classes))
	for i, class := range classes {
		values[2*i+class] = 1
	}
	return tensor.New(tensor.WithShape(len(classes), 2), tensor.WithBacking(values))
}
