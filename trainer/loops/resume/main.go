// Command resume trains a network with Gorgonia and can be interrupted and run
// again: it goes on after the last complete epoch, and ends with the same bits as a
// run that was not interrupted. The first argument is the folder of the run; the
// second, if given, an epoch to interrupt it in.
package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log"
	"math/rand"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

const samples, batch, epochs, rate, momentum = 200, 20, 40, 0.05, 0.9

// heavyBall is a solver with momentum: v ← momentum·v − rate·g, θ ← θ + v. It is a
// hook, too, so that its velocities are part of every checkpoint.
type heavyBall struct{ velocity map[string][]float64 }

func (*heavyBall) Name() string { return "heavy_ball" }

func (h *heavyBall) Snapshot() ([]byte, error) { return trainer.EncodeState(h.velocity) }

func (h *heavyBall) Restore(state []byte) error { return trainer.DecodeState(state, &h.velocity) }

func (h *heavyBall) step(learnables G.Nodes) error {
	for _, n := range learnables {
		grad, err := n.Grad()
		if err != nil {
			return err
		}
		values, v := n.Value().Data().([]float64), h.velocity[n.Name()]
		if v == nil {
			v = make([]float64, len(values))
			h.velocity[n.Name()] = v
		}
		gradients := grad.Data().([]float64)
		for i := range v {
			v[i] = momentum*v[i] - rate*gradients[i]
			values[i] += v[i]
			gradients[i] = 0
		}
	}
	return nil
}

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: resume FOLDER [EPOCH]")
	}
	dir, breakIn := os.Args[1], 0
	if len(os.Args) > 2 {
		var err error
		if breakIn, err = strconv.Atoi(os.Args[2]); err != nil {
			log.Fatal(err)
		}
	}
	inputs, targets := stripes()

	g := G.NewGraph()
	x := G.NewMatrix(g, G.Float64, G.WithShape(batch, 2), G.WithName("x"))
	y := G.NewMatrix(g, G.Float64, G.WithShape(batch, 2), G.WithName("y"))
	rng := rand.New(rand.NewSource(3))
	w1, w2 := weights(g, rng, "w1", 2, 12), weights(g, rng, "w2", 12, 2)
	learnables := G.Nodes{w1, w2}
	logits := G.Must(G.Mul(G.Must(G.Rectify(G.Must(G.Mul(x, w1)))), w2))
	normalizer := G.Must(G.Log(G.Must(G.Sum(G.Must(G.Exp(logits)), 1))))
	cost := G.Must(G.Mean(G.Must(G.Sub(normalizer, G.Must(G.Sum(G.Must(G.HadamardProd(logits, y)), 1))))))
	if _, err := G.Grad(cost, learnables...); err != nil {
		log.Fatal(err)
	}
	machine := G.NewTapeMachine(g, G.BindDualValues(learnables...))
	defer machine.Close()
	solver := &heavyBall{velocity: make(map[string][]float64)}

	model, err1 := models.FromNodes(x, logits, learnables)
	data, err2 := datasets.FromTensors(datasets.Classification, inputs, targets)
	session, err3 := trainer.NewSession(model, data, trainer.SessionSettings{Epochs: epochs, Steps: samples / batch},
		solver,
		&callbacks.Spectrum{Schedule: trainer.Schedule{Every: 10}},
		&callbacks.JSONL{Path: filepath.Join(dir, "metrics.jsonl")},
		&callbacks.Checkpoint{Dir: dir},
	)
	if err := errors.Join(err1, err2, err3); err != nil {
		log.Fatal(err)
	}
	checkpoint, err := trainer.ReadCheckpoint(filepath.Join(dir, "last.npz"))
	switch {
	case errors.Is(err, os.ErrNotExist): // a new run
	case err != nil:
		log.Fatal(err)
	default:
		if err := session.Restore(checkpoint); err != nil {
			log.Fatal(err)
		}
		fmt.Println("goes on after epoch", session.State().Epoch)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for epoch := range session.Epochs(ctx) {
		// The order of the samples depends on the epoch alone, so that it is the
		// same after an interruption.
		order := rand.New(rand.NewSource(int64(epoch))).Perm(samples / batch)
		for _, k := range order {
			rows := tensor.S(k*batch, (k+1)*batch)
			some, err1 := inputs.Slice(rows)
			theirs, err2 := targets.Slice(rows)
			if err := errors.Join(err1, err2, G.Let(x, some), G.Let(y, theirs), machine.RunAll(), solver.step(learnables)); err != nil {
				log.Fatal(err)
			}
			machine.Reset()
		}
		if epoch == breakIn {
			cancel() // as Ctrl-C does
		}
	}
	if err := session.Err(); errors.Is(err, context.Canceled) {
		fmt.Println("interrupted in epoch", session.State().Epoch)
		return
	} else if err != nil {
		log.Fatal(err)
	}
	sum := fnv.New64a()
	for _, n := range learnables {
		fmt.Fprint(sum, n.Value().Data())
	}
	last, _ := session.State().Last("train/loss")
	fmt.Printf("%d epochs, loss %.6f, weights %x\n", session.State().Epoch, last.Value, sum.Sum64())
}

// stripes draws points of two classes, in four stripes of a square: (samples, 2)
// inputs and one-hot targets.
func stripes() (inputs, targets *tensor.Dense) {
	rng := rand.New(rand.NewSource(1))
	var points, rows []float64
	for range samples {
		px, py := rng.Float64(), rng.Float64()
		class := float64(int(4*px) % 2)
		points, rows = append(points, 4*px-2, py), append(rows, 1-class, class)
	}
	return tensor.New(tensor.WithShape(samples, 2), tensor.WithBacking(points)),
		tensor.New(tensor.WithShape(samples, 2), tensor.WithBacking(rows))
}

func weights(g *G.ExprGraph, rng *rand.Rand, name string, rows, columns int) *G.Node {
	values := make([]float64, rows*columns)
	for i := range values {
		values[i] = rng.NormFloat64()
	}
	return G.NewMatrix(g, G.Float64, G.WithName(name), G.WithValue(tensor.New(tensor.WithShape(rows, columns), tensor.WithBacking(values))))
}
