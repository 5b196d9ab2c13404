package selection

import (
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/hessoscope/hessoscope/trainer"
)

// sweep is the runs of a full grid: variants × widths × seeds, in one group. The
// function values returns the measure and the accuracy gap of a run.
func sweep(variants, widths, seeds int, testSamples int, values func(variant, width, seed int) (measure, gap float64)) *cohort {
	var g Group
	for v := range variants {
		for w := range widths {
			for s := range seeds {
				measure, gap := values(v, w, s)
				c := run(fmt.Sprint(v, w, s), map[string]float64{margin: -measure, trainAccuracy: 1, testAccuracy: 1 - gap, trainLoss: 0, testLoss: gap})
				c.Run.Seed = uint64(s)
				c.Run.Data.Samples = map[string]int{"train": 100, "test": testSamples}
				c.Axes = map[string]string{"variant": strconv.Itoa(v), "width": strconv.Itoa(w), "same": "x", SeedAxis: strconv.Itoa(s)}
				r := Ranked{Run: c.Path, candidate: &c, reading: c.final()}
				r.Outcome = r.reading.outcome(c.Run.Data)
				g.Runs = append(g.Runs, r)
			}
		}
	}
	return newCohort([]Group{g})
}

// evaluated is the association of the planted measure with a gap.
func (c *cohort) evaluated(gap Gap) Association {
	return c.association(Measure{margin, trainer.Higher}, gap, 200, 0)
}

func near(t *testing.T, what string, have *float64, want, tolerance float64) {
	t.Helper()
	if have == nil || !(math.Abs(*have-want) <= tolerance) {
		t.Errorf("%s is %v; want %v ± %v", what, optional(have), want, tolerance)
	}
}

// A measure that is the gap is right everywhere, and its negative is wrong
// everywhere, but tells as much.
func TestPerfectMeasure(t *testing.T) {
	rng := trainer.Stream(1, "test", 0)
	for _, sign := range []float64{1, -1} {
		a := sweep(3, 3, 4, 1e6, func(int, int, int) (float64, float64) {
			gap := 0.5 * rng.Float64()
			return sign * gap, gap
		}).evaluated(LossGap)
		near(t, "τ", a.Tau, sign, 0)
		near(t, "Ψ", a.Granulated, sign, 1e-15)
		near(t, "information", a.Information, 1, 1e-15)
		near(t, "90th percentile of the sign error", a.SignError90, (1-sign)/2, 0)
		near(t, "largest sign error", a.SignErrorMax, (1-sign)/2, 0)
		// Along variant 9 settings of 3 values in 3 environments, which the seeds share;
		// the same along width; along seed 9 settings of 4 in 9 environments.
		if len(a.Axes) != 3 || a.Environments != 3+3+9 || a.Axes[0].Axis != "variant" || a.Axes[2].Axis != SeedAxis {
			t.Fatalf("axes %+v, %d environments", a.Axes, a.Environments)
		}
		for i, want := range []Stratum{{Pairs: 12 * 3, Slices: 12}, {Pairs: 12 * 3, Slices: 12}, {Pairs: 9 * 6, Slices: 9}} {
			s := a.Axes[i]
			near(t, "τ along "+s.Axis, s.Tau, sign, 0)
			near(t, "ψ of "+s.Axis, s.Granulated, sign, 1e-15)
			if s.Pairs != want.Pairs || s.Slices != want.Slices {
				t.Errorf("%+v; want %+v", s, want)
			}
		}
	}
}

// A measure that is independent of the gap tells nothing.
func TestIndependentMeasure(t *testing.T) {
	rng := trainer.Stream(7, "test", 0)
	a := sweep(4, 4, 25, 1e6, func(int, int, int) (float64, float64) { return rng.NormFloat64(), rng.Float64() }).evaluated(LossGap)
	// 400 runs: the standard deviation of τ is 2/(3·√400) = 0.033.
	near(t, "τ", a.Tau, 0, 0.1)
	near(t, "Ψ", a.Granulated, 0, 0.15)
	near(t, "information", a.Information, 0, 0.01)
	near(t, "90th percentile of the sign error", a.SignError90, 0.5, 0.15)
	if *a.Low > 0 || *a.High < 0 {
		t.Errorf("interval from %v to %v", *a.Low, *a.High)
	}
}

// The variant determines the gap up to noise, and the measure reflects the variant
// and else nothing: τ is high over all runs, and 0 among those trained alike.
func TestConfounder(t *testing.T) {
	rng := trainer.Stream(5, "test", 0)
	a := sweep(4, 4, 16, 1e6, func(v, _, _ int) (float64, float64) {
		return float64(v) + 0.2*rng.NormFloat64(), 0.1*float64(v) + 0.01*rng.Float64()
	}).evaluated(LossGap)
	if *a.Tau < 0.7 {
		t.Errorf("τ is %v; want it high", *a.Tau)
	}
	near(t, "information", a.Information, 0, 0.02)
	if len(a.Given) == 0 || a.Given[0] != "variant" && a.Given[len(a.Given)-1] != "variant" {
		t.Errorf("conditioned on %v; want the variant", a.Given)
	}
	near(t, "ψ of variant", a.Axes[0].Granulated, 1, 0.05)
	near(t, "τ among runs trained alike", a.Axes[2].Tau, 0, 0.1)
	// Along width and seed the measure is at chance, which the mean of environments would hide.
	if *a.SignErrorMax < 0.5 {
		t.Errorf("largest sign error %v", *a.SignErrorMax)
	}

	// Without noise the variant leaves nothing to tell.
	exact := sweep(3, 2, 4, 1e6, func(v, _, _ int) (float64, float64) { return float64(v), 0.1 * float64(v) }).evaluated(LossGap)
	near(t, "information of a gap that the variant determines", exact.Information, 0, 0)
	near(t, "τ", exact.Tau, 1, 0)
}

// A gap that depends on the variant, and a measure that tells the rest of it.
func TestMeasureWithinVariants(t *testing.T) {
	rng := trainer.Stream(6, "test", 0)
	a := sweep(3, 3, 12, 1e6, func(v, _, _ int) (float64, float64) {
		rest := rng.Float64()
		return rest, 0.2*float64(v) + 0.1*rest
	}).evaluated(LossGap)
	near(t, "τ among runs trained alike", a.Axes[2].Tau, 1, 0)
	near(t, "ψ of seed", a.Axes[2].Granulated, 1, 1e-15)
	if *a.Tau > 0.6 {
		t.Errorf("τ is %v; the variants hide most of it", *a.Tau)
	}
}

// By hand: two axes of two values. Along the variant the measure is right once and
// wrong once, along the width it is always right.
func TestByHand(t *testing.T) {
	gap := [2][2]float64{{0.1, 0.3}, {0.2, 0.2 + 0.3}}
	measure := [2][2]float64{{2, 3}, {1, 4}}
	a := sweep(2, 2, 1, 1e6, func(v, w, _ int) (float64, float64) { return measure[v][w], gap[v][w] }).evaluated(LossGap)
	near(t, "τ: 5 of 6 pairs", a.Tau, 4.0/6, 1e-15)
	near(t, "ψ of variant", a.Axes[0].Granulated, 0, 0)
	near(t, "ψ of width", a.Axes[1].Granulated, 1, 0)
	near(t, "Ψ", a.Granulated, 0.5, 0)
	near(t, "largest sign error", a.SignErrorMax, 1, 0)
	near(t, "90th percentile of 0, 0, 0, 1", a.SignError90, 0.7, 1e-15)
	if a.Environments != 4 || a.Low != nil || a.Clusters != 1 {
		t.Errorf("%+v", a)
	}
	// With nothing given 5 of 6 pairs agree; h is the binary entropy.
	h := func(p float64) float64 { return -(p*math.Log2(p) + (1-p)*math.Log2(1-p)) }
	pairs, _ := sweep(2, 2, 1, 1e6, func(v, w, _ int) (float64, float64) { return measure[v][w], gap[v][w] }).compare(Measure{margin, trainer.Higher}, LossGap)
	have, ok := conditional(pairs, nil)
	near(t, "information with nothing given", &have, 1-h(5.0/6), 1e-14)
	if !ok {
		t.Error("undefined")
	}
}

// Of U with a single pair each nothing is known.
func TestInformationOfSinglePairs(t *testing.T) {
	c := sweep(3, 1, 2, 1e6, func(v, _, s int) (float64, float64) { return float64(v + s), 0.1*float64(v) + 0.01*float64(s) })
	pairs, _ := c.compare(Measure{margin, trainer.Higher}, LossGap)
	if _, ok := conditional(pairs, c.axes); ok {
		t.Error("settings that tell every run from every other leave information")
	}
	if v, _ := c.information(nil); v != nil {
		t.Errorf("information of no pair is %v", *v)
	}
}

// The sign error weighs pairs by how sure their order is.
func TestSignErrorWeights(t *testing.T) {
	c := sweep(2, 1, 3, 1e6, func(_, _, _ int) (float64, float64) { return 0, 0 })
	along := func(i, j, x, y int, sure float64) pair {
		return pair{i: i, j: j, x: x, y: y, sure: sure, along: 0}
	}
	// Runs 0, 1, 2 are of variant 0 and 3, 4, 5 of variant 1, by seed: one environment.
	for _, test := range []struct {
		pairs []pair
		want  []float64
	}{
		{[]pair{along(0, 3, 1, 1, 1), along(1, 4, 1, -1, 0.5), along(2, 5, 0, 1, 0.5)}, []float64{(0.5 + 0.25) / 2}},
		{[]pair{along(0, 3, 1, -1, 0.4), along(1, 4, 1, -1, 0.5)}, nil}, // noise alone
		{[]pair{{i: 0, j: 4, x: 1, y: -1, sure: 1, along: -1}}, nil},
	} {
		have := c.signErrors(test.pairs)
		if len(have) != len(test.want) || len(have) > 0 && math.Abs(have[0]-test.want[0]) > 1e-15 {
			t.Errorf("sign errors %v; want %v", have, test.want)
		}
	}
}

// A difference of the gaps counts from twice its standard error on.
func TestNoise(t *testing.T) {
	// Test accuracies 0.9 and 0.9 − d of 1000 samples, all training samples right:
	// for d = 0.03 the error is √(0.09 + 0.1131)/√1000 = 0.01425, for d = 0.02 0.0139.
	for _, test := range []struct {
		d       float64
		leftOut int
	}{{0.03, 0}, {0.02, 1}, {0, 1}} {
		c := sweep(2, 1, 1, 1000, func(v, _, _ int) (float64, float64) { return float64(v), 0.1 + test.d*float64(v) })
		a := c.evaluated(AccuracyGap)
		if a.LeftOut != test.leftOut || a.Pairs != 1-test.leftOut || a.N != 2 {
			t.Errorf("d = %g: %d pairs, %d left out", test.d, a.Pairs, a.LeftOut)
		}
		if loss := c.evaluated(LossGap); loss.LeftOut != 0 {
			t.Errorf("d = %g: %d pairs left out by their loss gap, whose error is not known", test.d, loss.LeftOut)
		}
		near(t, "error of the gap", c.runs[0].Outcome.AccuracyGapError, math.Sqrt(0.09/1000), 1e-15)
	}
	for _, test := range []struct {
		difference, err float64
		sign            int
		sure            float64
		leftOut         bool
	}{
		{-1, 0.5, -1, 0.9544997361036416, false}, // 2 standard errors: 95.45 %
		{1, 1, 1, 0.6826894921370859, true},
		{0, 0, 0, 0, false},
		{1e-9, 0, 1, 1, false},
	} {
		if sign, sure, leftOut := compareGaps(test.difference, test.err); sign != test.sign || math.Abs(sure-test.sure) > 1e-12 || leftOut != test.leftOut {
			t.Errorf("%g ± %g: sign %d, sure %v, left out %v", test.difference, test.err, sign, sure, leftOut)
		}
	}
}
