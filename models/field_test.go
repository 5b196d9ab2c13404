package models_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"

	"gonum.org/v1/gonum/floats"
	G "gorgonia.org/gorgonia"

	"github.com/hessoscope/hessoscope/models"
)

func newField(t testing.TB, m models.Model, workers int) *models.Field {
	t.Helper()
	f, err := models.NewField(m, models.ObjectiveSettings{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func logitsOf(t testing.TB, f *models.Field, x []float64) []float64 {
	t.Helper()
	z := make([]float64, len(x)/f.Width()*f.Classes())
	if err := f.Logits(context.Background(), z, x); err != nil {
		t.Fatal(err)
	}
	return z
}

// towards are the cotangents softmax(f) − onehot(y), with which the gradients
// are those of the cross-entropy.
func towards(labels []int) func(n int, logits, s []float64) {
	return func(n int, logits, s []float64) {
		sum := floats.LogSumExp(logits)
		for c, z := range logits {
			s[c] = math.Exp(z - sum)
		}
		s[labels[n]]--
	}
}

func gradientsOf(t testing.TB, f *models.Field, x []float64, labels []int) []float64 {
	t.Helper()
	g := make([]float64, len(x))
	if err := f.Gradients(context.Background(), g, x, towards(labels)); err != nil {
		t.Fatal(err)
	}
	return g
}

// fivePoint is the derivative of values, at step 0, by the five-point central
// difference.
func fivePoint(h float64, values func(step float64) []float64) []float64 {
	var quotient []float64
	for _, s := range []struct{ at, weight float64 }{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}} {
		v := values(s.at * h)
		if quotient == nil {
			quotient = make([]float64, len(v))
		}
		floats.AddScaled(quotient, s.weight/(12*h), v)
	}
	return quotient
}

// moved are the points x, each h further along coordinate j.
func moved(x []float64, width, j int, h float64) []float64 {
	x = append([]float64(nil), x...)
	for i := j; i < len(x); i += width {
		x[i] += h
	}
	return x
}

func TestFieldLogitsAreThoseOfAnObjective(t *testing.T) {
	ctx := context.Background()
	squared := func(x *G.Node, params G.Nodes) (*G.Node, error) { // what is computed of parameters alone is kept
		return G.Mul(x, G.Must(G.HadamardProd(params[0], params[0])))
	}
	for _, n := range []int{1, 128, 300} {
		split := blobs(n, 3, 4, 1)
		for name, m := range map[string]models.Model{
			"MLP":             newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{7, 6}, Classes: 4, Activation: models.GELU}),
			"gated":           newGated(3, 6, 4),
			"squared weights": &broken{newGated(3, 4, 4), squared},
		} {
			o, f := newObjective(t, m, models.CrossEntropy, split, 2), newField(t, m, 2)
			for range 2 { // before and after a change of the parameters
				want := make([]float64, n*4)
				if err := o.Logits(ctx, want); err != nil {
					t.Fatal(err)
				}
				// Products of other numbers of rows may be rounded otherwise.
				if !floats.EqualApprox(logitsOf(t, f, split.X), want, 1e-12) {
					t.Errorf("%s, %d points: the logits are not those of an Objective", name, n)
				}
				move(t, o, m, normal(o.Dim(), 2), 0.1)
				if err := f.Refresh(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// Gradients of the cross-entropy by the points against its differences: 300
// points make three chunks, the last one not full.
func TestFieldGradients(t *testing.T) {
	const n, width, classes = 300, 3, 4
	split := blobs(n, width, classes, 2)
	for _, c := range []struct {
		activation models.Activation
		hidden     []int
		smooth     int // points without a kink near, at least
	}{
		{models.GELU, []int{7, 6}, n},
		{models.Tanh, []int{9, 8, 7}, n},
		{models.ReLU, []int{9, 8}, n * 9 / 10},
		{models.ReLU, nil, n},
	} {
		t.Run(fmt.Sprint(c.activation, c.hidden), func(t *testing.T) {
			m := newMLP(t, models.MLPConfig{Input: width, Hidden: c.hidden, Classes: classes, Activation: c.activation})
			f := newField(t, m, 2)
			exact := gradientsOf(t, f, split.X, split.Labels)
			kinked := make([]bool, n)
			const h = 1e-3
			z := logitsOf(t, f, split.X)
			for j := range width {
				quotient := fivePoint(h, func(step float64) []float64 {
					return crossEntropies(logitsOf(t, f, moved(split.X, width, j, step)), split.Labels)
				})
				up, down := logitsOf(t, f, moved(split.X, width, j, 2*h)), logitsOf(t, f, moved(split.X, width, j, -2*h))
				for i := range n {
					for k := i * classes; k < (i+1)*classes && c.activation == models.ReLU; k++ {
						kinked[i] = kinked[i] || math.Abs(up[k]+down[k]-2*z[k]) > 1e-12
					}
					if e := math.Abs(quotient[i] - exact[i*width+j]); e > 1e-10 && !kinked[i] {
						t.Errorf("point %d: ∂/∂x%d is %v, by differences %v", i, j, exact[i*width+j], quotient[i])
					}
				}
			}
			smooth := 0
			for _, k := range kinked {
				if !k {
					smooth++
				}
			}
			if smooth < c.smooth {
				t.Errorf("%d points are away from kinks; want %d to compare", smooth, c.smooth)
			}
			for _, workers := range []int{1, 3, 8} {
				of := newField(t, m, workers)
				if !floats.Equal(gradientsOf(t, of, split.X, split.Labels), exact) || !floats.Equal(logitsOf(t, of, split.X), z) {
					t.Errorf("%d workers: not the same bits as with 2", workers)
				}
			}
		})
	}
}

// crossEntropies are those of each row of logits.
func crossEntropies(logits []float64, labels []int) []float64 {
	classes := len(logits) / len(labels)
	losses := make([]float64, len(labels))
	for i, y := range labels {
		z := logits[i*classes : (i+1)*classes]
		losses[i] = floats.LogSumExp(z) - z[y]
	}
	return losses
}

// Every point is asked for its cotangent once, with its own logits and zeros
// to fill in.
func TestFieldAsksForEveryCotangentOnce(t *testing.T) {
	const n, classes = 300, 3
	split := blobs(n, 2, classes, 3)
	f := newField(t, newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{5}, Classes: classes, Activation: models.Tanh}), 3)
	want := logitsOf(t, f, split.X)
	for range 2 { // nothing is left of the call before
		var mu sync.Mutex
		asked := make([]int, n)
		g := normal(n*2, 4)
		err := f.Gradients(context.Background(), g, split.X, func(i int, logits, s []float64) {
			mu.Lock()
			defer mu.Unlock()
			asked[i]++
			if !floats.Equal(logits, want[i*classes:(i+1)*classes]) || len(s) != classes || floats.Norm(s, 1) != 0 {
				t.Errorf("point %d was asked with logits %v and s %v", i, logits, s)
			}
			if i%2 == 0 {
				s[0] = 1
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, times := range asked {
			if zero := floats.Norm(g[2*i:2*i+2], 2) == 0; times != 1 || zero != (i%2 == 1) {
				t.Errorf("point %d was asked %d times; gradient %v", i, times, g[2*i:2*i+2])
			}
		}
	}
}
