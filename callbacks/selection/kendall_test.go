package selection

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"
	"pgregory.net/rapid"

	"github.com/hessoscope/hessoscope/trainer"
)

func TestKendallTau(t *testing.T) {
	for _, test := range []struct {
		name string
		x, y []float64
		want float64
	}{
		{"in order", []float64{1, 2, 3}, []float64{-5, 0, 9}, 1},
		{"reversed", []float64{1, 2, 3}, []float64{3, 2, 1}, -1},
		{"one pair the other way", []float64{1, 2, 3}, []float64{1, 3, 2}, 1. / 3},
		{"a tie in x: 5 of 6 pairs", []float64{1, 2, 2, 3}, []float64{1, 3, 2, 4}, 5 / math.Sqrt(5*6)},
		{"the same tie in both", []float64{1, 2, 2, 3}, []float64{1, 2, 2, 4}, 1},
		{"ties in both: C = 2, D = 6, 8 and 9 untied", []float64{12, 2, 1, 12, 2}, []float64{1, 4, 7, 1, 0}, -4 / math.Sqrt(8*9)},
	} {
		if have, ok := KendallTau(test.x, test.y); !ok || math.Abs(have-test.want) > 1e-15 {
			t.Errorf("%s: τ is %v, %v; want %v", test.name, have, ok, test.want)
		}
	}
	for _, x := range [][]float64{nil, {1}, {2, 2, 2}} {
		if tau, ok := KendallTau(x, []float64{1, 2, 3}[:len(x)]); ok {
			t.Errorf("τ of %v is %v; want it undefined", x, tau)
		}
	}
}

// rows draws two sequences of few different numbers, so that there are many ties.
func rows(t *rapid.T) (x, y []float64) {
	n := rapid.IntRange(2, 30).Draw(t, "n")
	values := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(-4, 4).Draw(t, "value")) }), n, n)
	return values.Draw(t, "x"), values.Draw(t, "y")
}

// tauByDefinition computes τ-b from the signs of all ordered pairs.
func tauByDefinition(x, y []float64) (float64, bool) {
	var xy, xx, yy float64
	sign := func(d float64) float64 { return math.Copysign(min(math.Abs(d), 1), d) } // of whole numbers
	for i := range x {
		for j := range x {
			a, b := sign(x[i]-x[j]), sign(y[i]-y[j])
			xy, xx, yy = xy+a*b, xx+a*a, yy+b*b
		}
	}
	return xy / math.Sqrt(xx*yy), xx > 0 && yy > 0
}

func TestKendallTauByDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := rows(t)
		have, ok := KendallTau(x, y)
		want, defined := tauByDefinition(x, y)
		if ok != defined || ok && math.Abs(have-want) > 1e-14 {
			t.Fatalf("τ is %v, %v; want %v, %v", have, ok, want, defined)
		}
		if !ok {
			return
		}
		if swapped, _ := KendallTau(y, x); swapped != have {
			t.Errorf("τ is %v, and %v the other way round", have, swapped)
		}
		negative := slices.Clone(x)
		for i := range negative {
			negative[i] = -math.Exp(x[i]) // a decreasing function
		}
		if turned, _ := KendallTau(negative, y); turned != -have {
			t.Errorf("τ is %v, and %v of a decreasing function", have, turned)
		}
	})
}

// Without ties it is the τ that gonum computes.
func TestKendallTauWithoutTies(t *testing.T) {
	rng := trainer.Stream(1, "test", 0)
	x, y := make([]float64, 40), make([]float64, 40)
	for i := range x {
		x[i] = rng.NormFloat64()
		y[i] = x[i] + rng.NormFloat64()
	}
	have, _ := KendallTau(x, y)
	if want := stat.Kendall(x, y, nil); math.Abs(have-want) > 1e-14 {
		t.Errorf("τ is %v; want %v", have, want)
	}
}
