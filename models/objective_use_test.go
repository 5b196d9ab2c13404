package models_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	"github.com/hessoscope/hessoscope/models"
)

// What an Objective was asked before changes nothing, although it builds its
// graphs anew for each order of derivative.
func TestOrderOfUseDoesNotMatter(t *testing.T) {
	split := blobs(300, 3, 3, 1)
	m := newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{8, 8}, Classes: 3})
	v := normal(models.Size(m), 2)
	uses := []func(*models.Objective) []float64{
		func(o *models.Objective) []float64 {
			e, err := o.Evaluate(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			return []float64{e.Loss, e.Accuracy}
		},
		func(o *models.Objective) []float64 {
			g, loss := gradient(t, o)
			return append(g, loss)
		},
		func(o *models.Objective) []float64 { return slices.Clone(product(t, o, v)) },
		func(o *models.Objective) []float64 {
			slopes := make([]float64, o.Samples())
			if err := o.Slopes(context.Background(), row(slopes), row(v)); err != nil {
				t.Fatal(err)
			}
			return slopes
		},
		func(o *models.Objective) []float64 {
			dst := mat.NewDense(1, len(v), nil)
			if err := o.GaussNewtonProducts(t.Context(), dst, mat.NewDense(1, len(v), v)); err != nil {
				t.Fatal(err)
			}
			return dst.RawRowView(0)
		},
		func(o *models.Objective) []float64 { return slices.Clone(fisherProduct(t, o, v)) },
		func(o *models.Objective) []float64 {
			e, err := o.EvaluateAt(t.Context(), v, 0.1)
			if err != nil {
				t.Fatal(err)
			}
			return []float64{e.Loss, e.Accuracy}
		},
	}
	var want [][]float64
	for _, use := range uses {
		want = append(want, use(newObjective(t, m, models.CrossEntropy, split, 2)))
	}
	for _, order := range [][]int{{0, 1, 2, 3, 0, 1, 2, 3}, {3, 2, 1, 0, 1}, {2, 2, 0, 3, 1, 2}, {1, 3, 1, 2, 0}, {4, 5, 6, 0, 1, 2, 3, 4, 5}, {6, 5, 4, 2, 6, 0}} {
		o := newObjective(t, m, models.CrossEntropy, split, 2)
		for i, k := range order {
			if !floats.Equal(uses[k](o), want[k]) {
				t.Errorf("order %v: result %d is not that of a fresh objective", order, i)
			}
		}
	}
}

// Several directions at once give what one after the other gives.
func TestHessianProductsOfManyDirections(t *testing.T) {
	for _, n := range []int{300, 8300} { // 3 chunks, kept; 65, loaded in turn
		split := blobs(n, 2, 3, 2)
		m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{5}, Classes: 3, Activation: models.Softplus})
		o := newObjective(t, m, models.CrossEntropy, split, 2)
		const k = 4
		src, dst := mat.NewDense(k, o.Dim(), normal(k*o.Dim(), 3)), mat.NewDense(k, o.Dim(), nil)
		if err := o.HessianProducts(context.Background(), dst, src); err != nil {
			t.Fatal(err)
		}
		for j := range k {
			if !floats.Equal(dst.RawRowView(j), product(t, o, src.RawRowView(j))) {
				t.Errorf("%d samples: product %d is not that of the direction alone", n, j)
			}
		}
	}
}

// So many chunks that replicas are loaded in turn, full ones and then the last,
// against two halves whose chunks are all kept.
func TestChunksLoadedInTurnAddUp(t *testing.T) {
	const n = 8300 // 65 chunks of 128, the last of 108
	split := blobs(n, 2, 3, 5)
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{5}, Classes: 3, Activation: models.Tanh})
	v := normal(models.Size(m), 6)
	parts := func(rows ...int) [][]float64 {
		part, err := split.Subset(rows)
		if err != nil {
			t.Fatal(err)
		}
		o := newObjective(t, m, models.CrossEntropy, part, 1)
		g, loss := gradient(t, o)
		slopes := make([]float64, o.Samples())
		if err := o.Slopes(context.Background(), row(slopes), row(v)); err != nil {
			t.Fatal(err)
		}
		return [][]float64{{loss}, g, product(t, o, v), {floats.Sum(slopes) / float64(len(slopes))}}
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	got, a, b := parts(all...), parts(all[:n/2]...), parts(all[n/2:]...)
	for i, what := range []string{"loss", "gradient", "H·v", "mean slope"} {
		want := slices.Clone(a[i])
		floats.Add(want, b[i])
		floats.Scale(0.5, want)
		if e, scale := floats.Distance(got[i], want, 2), floats.Norm(want, 2); e > 1e-13*scale {
			t.Errorf("%s: off by %g of %g", what, e, scale)
		}
	}
}

func TestHessianProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		config := models.MLPConfig{
			Input:   rapid.IntRange(1, 4).Draw(t, "input"),
			Hidden:  rapid.SliceOfN(rapid.IntRange(1, 6), 0, 3).Draw(t, "hidden"),
			Classes: rapid.IntRange(2, 4).Draw(t, "classes"),
			Activation: rapid.SampledFrom([]models.Activation{
				models.ReLU, models.LeakyReLU, models.Tanh, models.Sigmoid, models.Softplus, models.GELU,
			}).Draw(t, "activation"),
			Init: rapid.SampledFrom([]models.Init{models.PyTorch, models.Kaiming, models.Xavier}).Draw(t, "init"),
		}
		loss := rapid.SampledFrom([]models.Loss{models.CrossEntropy, models.SquaredError}).Draw(t, "loss")
		split := blobs(rapid.IntRange(1, 150).Draw(t, "samples"), config.Input, config.Classes, rapid.Uint64().Draw(t, "data"))
		m := newMLP(t, config)
		o := newObjective(t, m, loss, split, rapid.IntRange(1, 3).Draw(t, "workers"))

		seed := rapid.Uint64().Draw(t, "directions")
		a, b := rapid.Float64Range(-3, 3).Draw(t, "a"), rapid.Float64Range(-3, 3).Draw(t, "b")
		u, v := normal(o.Dim(), seed), normal(o.Dim(), seed+1)
		w := make([]float64, o.Dim())
		for i := range w {
			w[i] = a*u[i] + b*v[i]
		}
		hu, hv, hw := product(t, o, u), product(t, o, v), product(t, o, w)

		// Rounding, relative to the largest that the terms can be.
		size := floats.Norm(hu, 2)*floats.Norm(v, 2) + floats.Norm(hv, 2)*floats.Norm(u, 2)
		if d := math.Abs(floats.Dot(v, hu) - floats.Dot(u, hv)); d > 1e-12*size {
			t.Errorf("vᵀHu − uᵀHv = %g of %g", d, size)
		}
		for i := range hw {
			hw[i] -= a*hu[i] + b*hv[i]
		}
		if e, size := floats.Norm(hw, 2), math.Abs(a)*floats.Norm(hu, 2)+math.Abs(b)*floats.Norm(hv, 2); e > 1e-12*size {
			t.Errorf("H(au + bv) − aHu − bHv = %g of %g", e, size)
		}
	})
}

func TestObjectiveArguments(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 2, Classes: 2}) // 6 parameters
	o := newObjective(t, m, models.CrossEntropy, blobs(10, 2, 2, 1), 1)
	ctx := context.Background()
	_, err := o.Gradient(ctx, make([]float64, 5))
	wantError(t, err, "models: gradient into 5 values; want 6")
	wantError(t, o.HessianProducts(ctx, mat.NewDense(1, 5, nil), mat.NewDense(1, 5, nil)), "models: Hessian products of 1 × 5 into 1 × 5; want rows of 6")
	wantError(t, o.HessianProducts(ctx, mat.NewDense(2, 6, nil), mat.NewDense(1, 6, nil)), "models: Hessian products of 1 × 6 into 2 × 6; want rows of 6")
	wantError(t, o.HessianProducts(ctx, &mat.Dense{}, &mat.Dense{}), "models: Hessian products of 0 × 0 into 0 × 0; want rows of 6")
	wantError(t, o.Slopes(ctx, row(make([]float64, 9)), row(make([]float64, 6))), "models: slopes along 1 × 6 into 1 × 9; want rows of 6 into rows of 10")
	_, err = models.NewObjective(m, models.CrossEntropy, blobs(10, 2, 2, 1), models.ObjectiveSettings{Precision: tensor.Int})
	wantError(t, err, "models: precision is int; want float32 or float64")
}

func TestNotFiniteDerivatives(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 2, Classes: 2})
	o := newObjective(t, m, models.CrossEntropy, blobs(10, 2, 2, 1), 1)
	ctx := context.Background()
	v := normal(6, 1)
	v[3] = math.NaN()
	if err := o.HessianProducts(ctx, mat.NewDense(1, 6, nil), mat.NewDense(1, 6, v)); !errors.Is(err, models.ErrNotFinite) {
		t.Errorf("H·v of a direction with NaN: error %v", err)
	}
	if err := o.Slopes(ctx, row(make([]float64, 10)), row(v)); !errors.Is(err, models.ErrNotFinite) {
		t.Errorf("slopes along NaN: error %v", err)
	}
	// And is none the worse for it.
	v[3] = 1
	if err := o.Slopes(ctx, row(make([]float64, 10)), row(v)); err != nil {
		t.Error(err)
	}
	m.Parameters()[0].Value.Float64s()[0] = math.Inf(1)
	if err := o.Refresh(); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Gradient(ctx, make([]float64, 6)); !errors.Is(err, models.ErrNotFinite) {
		t.Errorf("gradient at infinity: error %v", err)
	}
}

// Workers end with the call, whether it succeeds, fails or is cancelled.
func TestNoGoroutineIsLeft(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	split := blobs(2000, 2, 2, 1)
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{8}, Classes: 2})
	o := newObjective(t, m, models.CrossEntropy, split, 4)
	v := normal(o.Dim(), 1)
	product(t, o, v)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dst, src := mat.NewDense(1, len(v), nil), mat.NewDense(1, len(v), v)
	if err := o.HessianProducts(ctx, dst, src); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	for _, sample := range []int{0, 700, 1999} {
		bad := blobs(2000, 2, 2, 1)
		bad.X[2*sample] = math.NaN()
		if _, err := newObjective(t, m, models.CrossEntropy, bad, 4).Evaluate(context.Background()); !errors.Is(err, models.ErrNotFinite) {
			t.Errorf("sample %d: error %v", sample, err)
		}
	}
}

// Derivatives in float32 are those in float64 but for rounding.
func TestPrecisionOfAnObjective(t *testing.T) {
	split := blobs(300, 3, 3, 1)
	m := newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{8}, Classes: 3, Activation: models.Tanh})
	want := objectiveResults(t, newObjective(t, m, models.CrossEntropy, split, 1))
	o, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{Precision: tensor.Float32})
	if err != nil {
		t.Fatal(err)
	}
	got := objectiveResults(t, o)
	if e, scale := floats.Distance(got, want, 2), floats.Norm(want, 2); o.Precision() != tensor.Float32 || e == 0 || e > 1e-5*scale {
		t.Errorf("%v: off by %g of %g", o.Precision(), e, scale)
	}
	if o.Bytes() <= 0 {
		t.Errorf("%d bytes", o.Bytes())
	}
}

// LogitsAt gives the logits of a model that has been moved. The model itself is where
// it was.
func TestLogitsAt(t *testing.T) {
	split := blobs(20, 3, 2, 1)
	for name, precision := range map[string]tensor.Dtype{"float64": tensor.Float64, "float32": tensor.Float32} {
		m := newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{4}, Classes: 2, Precision: precision})
		before := models.Export(m.Parameters())
		o, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{})
		if err != nil {
			t.Fatal(err)
		}
		v := normal(o.Dim(), 7)
		have, want, back := make([]float64, 40), make([]float64, 40), make([]float64, 40)
		if err := o.LogitsAt(t.Context(), have, v, 0.5); err != nil {
			t.Fatal(err)
		}
		moved := newMLP(t, models.MLPConfig{Input: 3, Hidden: []int{4}, Classes: 2})
		rest := v
		for i, p := range moved.Parameters() {
			values := models.Values(m.Parameters()[i].Value)
			floats.AddScaled(values, 0.5, rest[:len(values)])
			rest = rest[len(values):]
			models.SetValues(p.Value, values)
		}
		if err := newObjective(t, moved, models.CrossEntropy, split, 1).Logits(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if err := o.Logits(t.Context(), back); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(have, want) || slices.Equal(have, back) {
			t.Errorf("%s: logits %v, want %v; %v without the move", name, have, want, back)
		}
		if diff := cmp.Diff(before, models.Export(m.Parameters())); diff != "" {
			t.Errorf("%s: parameters (-before +after):\n%s", name, diff)
		}
		if err := o.LogitsAt(t.Context(), have, v[1:], 0.5); err == nil {
			t.Error("no error for a move of too few parameters")
		}
	}
}
