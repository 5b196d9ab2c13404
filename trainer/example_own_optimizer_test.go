package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// lion is the update rule of Chen et al. 2023, for parameters in float64:
//
//	w −= η·sign(β₁m + (1−β₁)g);  m = β₂m + (1−β₂)g
type lion struct{ beta1, beta2 float64 }

func (r lion) NewOptimizer(params []models.Parameter) (trainer.Optimizer, error) {
	o := &lionOptimizer{lion: r, params: params}
	for _, p := range params {
		if p.Value.Dtype() != tensor.Float64 {
			return nil, errors.New("lion trains in float64")
		}
		o.momentum = append(o.momentum, tensor.New(tensor.WithShape(p.Value.Shape()...), tensor.Of(tensor.Float64)))
	}
	return o, nil
}

type lionOptimizer struct {
	lion
	params   []models.Parameter
	momentum []*tensor.Dense // one a parameter
}

func (*lionOptimizer) Name() string { return "lion" }

func (o *lionOptimizer) Step(_ int, rate, scale float64, grads []*tensor.Dense) {
	for i, p := range o.params {
		if grads[i] == nil {
			continue
		}
		w, m := p.Value.Float64s(), o.momentum[i].Float64s()
		for j, g := range grads[i].Float64s() {
			g *= scale
			w[j] -= rate * math.Copysign(1, o.beta1*m[j]+(1-o.beta1)*g)
			m[j] = o.beta2*m[j] + (1-o.beta2)*g
		}
	}
}

// State returns the momentum, so that checkpoints contain it.
func (o *lionOptimizer) State() []models.Parameter {
	var state []models.Parameter
	for i, p := range o.params {
		state = append(state, models.Parameter{Name: "momentum/" + p.Name, Value: o.momentum[i]})
	}
	return state
}

// stopAt interrupts a run after an epoch.
type stopAt struct {
	epoch  int
	cancel context.CancelFunc
}

func (*stopAt) Name() string { return "stop_at" }

func (s *stopAt) EpochEnd(_ context.Context, state *trainer.State) error {
	if state.Epoch == s.epoch {
		s.cancel()
	}
	return nil
}

// A user-defined optimizer. A run that was interrupted and resumed from its
// checkpoint ends with the same parameters, bit for bit, as an uninterrupted run.
func ExampleUpdateRule() {
	data, err := datasets.Load(context.Background(), "gauss", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	// run trains to the end or to an epoch. It starts from a checkpoint if there is
	// one.
	run := func(stop int, checkpoint string) *trainer.Trainer {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		model, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{20}, Classes: 3}, trainer.Stream(1, "init", 0))
		if err != nil {
			log.Fatal(err)
		}
		t, err := trainer.New(trainer.Config{
			Epochs: 20, BatchSize: 25, Rate: trainer.Rate{Base: 0.003}, Optimizer: lion{0.9, 0.99},
		}, model, data, &stopAt{stop, cancel})
		if err != nil {
			log.Fatal(err)
		}
		if c, err := trainer.ReadCheckpoint(checkpoint); err == nil {
			if err := t.Restore(c); err != nil {
				log.Fatal(err)
			}
		}
		if _, err := t.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			log.Fatal(err)
		}
		return t
	}
	dir, err := os.MkdirTemp("", "lion")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "run.npz")

	whole := run(-1, "")
	half := run(10, "")
	checkpoint, err := half.State().Checkpoint()
	if err != nil {
		log.Fatal(err)
	}
	if err := checkpoint.Write(file); err != nil {
		log.Fatal(err)
	}
	resumed := run(-1, file)

	accuracy, _ := resumed.State().Fresh("train/accuracy")
	fmt.Printf("accuracy %.2f at epoch %d\n", accuracy, resumed.State().Epoch)
	same := slices.EqualFunc(whole.State().Model.Parameters(), resumed.State().Model.Parameters(), func(a, b models.Parameter) bool {
		return slices.Equal(a.Value.Float64s(), b.Value.Float64s())
	})
	fmt.Println("the same as without interruption:", same)
	// Output:
	// accuracy 1.00 at epoch 20
	// the same as without interruption: true
}
