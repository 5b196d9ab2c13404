package margin

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"gonum.org/v1/gonum/mat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

var errFailing = errors.New("no computation")

// failing is the model tanh(x·Wᵀ), W = (1, −1), for samples of one value, of which one
// run fails.
type failing struct {
	weight *tensor.Dense
	left   *atomic.Int64 // runs before that
}

func newFailing() failing {
	return failing{tensor.New(tensor.WithShape(2, 1), tensor.WithBacking([]float64{1, -1})), new(atomic.Int64)}
}

func (m failing) Parameters() []models.Parameter {
	return []models.Parameter{{Name: "w", Value: m.weight}}
}
func (m failing) InputShape() []int { return []int{1} }
func (m failing) Classes() int      { return 2 }

func (m failing) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	z, err := op.MatMul(x, params[0], false, true)
	if err != nil {
		return nil, err
	}
	tanh, err := op.Tanh(z)
	if err != nil {
		return nil, err
	}
	return G.ApplyOp(failingOp{tanh.Op().(G.SDOp), m.left}, z)
}

type failingOp struct {
	G.SDOp
	left *atomic.Int64
}

func (o failingOp) Do(in ...G.Value) (G.Value, error) {
	if o.left.Add(-1) == -1 {
		return nil, errFailing
	}
	return o.SDOp.Do(in...)
}

func (o failingOp) Hashcode() uint32 { return o.SDOp.Hashcode() + 1 } // or it is taken for the same

// Whichever run fails, its error is returned, unless it only tells that the model is not
// made of dense layers.
func TestEveryErrorIsReturned(t *testing.T) {
	const many = 1 << 40 // runs of which none fails
	m := newFailing()
	settings := models.ObjectiveSettings{Workers: 1}
	split := &datasets.Split{X: []float64{0.3, 0.1, -0.2}, Labels: []int{0, 0, 1}, Index: []int{0, 1, 2}}
	for name, run := range map[string]func() ([]float64, error){
		"Measure": func() ([]float64, error) {
			field, err := models.NewField(m, settings)
			if err != nil {
				return nil, err
			}
			d, err := Measure(t.Context(), field, split, Settings{})
			if err != nil {
				return nil, err
			}
			return d.Values, nil
		},
		"searchBalls": func() ([]float64, error) { // with a ray far beyond the boundary
			field, err := models.NewField(m, settings)
			if err != nil {
				return nil, err
			}
			s := &search{
				Distances: &Distances{Predicted: make([]int, 3), Rivals: make([]int, 3), Values: make([]float64, 3), Converged: make([]bool, 3)},
				field:     field, x: split.X, width: 1, classes: 2, rng: rand.New(rand.NewPCG(1, 2)),
			}
			if err := s.predict(t.Context()); err != nil {
				return nil, err
			}
			rays := make(sampleRays, 3)
			rays.add([]ray{{owner: 0, direction: []float64{-1}, hi: 2, gapLo: s.sampleGaps[0], gapHi: -1, step: 1}})
			if _, err := s.searchBalls(t.Context(), rays); err != nil {
				return nil, err
			}
			return []float64{rays.nearest(0)}, nil
		},
	} {
		m.left.Store(many)
		want, err := run()
		if err != nil || math.Abs(want[0]-0.3) > 1e-3 {
			t.Fatalf("%s: %v, error %v; want a distance of 0.3", name, want, err)
		}
		runs := many - m.left.Load()
		failed := int64(0)
		for k := range runs {
			m.left.Store(k)
			switch have, err := run(); {
			case errors.Is(err, errFailing):
				failed++
			case err != nil || !slices.Equal(have, want) || name != "Measure":
				t.Errorf("%s: run %d of %d fails: %v, error %v; want %v", name, k, runs, have, err, want)
			}
		}
		if passed := runs - failed; passed > 2 { // two tell of the layers
			t.Errorf("%s: no error of %d runs that fail", name, passed)
		}
	}
	vectors, alignments := mat.NewDense(1, 2, []float64{0.6, 0.8}), mat.NewDense(3, 1, nil)
	m.left.Store(many)
	if _, err := Published(t.Context(), m, split, vectors, alignments, 0, settings); err != nil {
		t.Fatal(err)
	}
	last := many - m.left.Load() - 1
	for _, k := range []int64{0, 1, 2, 3, 4, 5, last} { // in the first of many steps, and at the end
		m.left.Store(k)
		if _, err := Published(t.Context(), m, split, vectors, alignments, 0, settings); !errors.Is(err, errFailing) {
			t.Errorf("Published: run %d fails, error %v", k, err)
		}
	}
}
