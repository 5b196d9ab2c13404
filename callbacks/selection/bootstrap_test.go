package selection

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/hessoscope/hessoscope/trainer"
)

// pairsOf compares all runs by exact values.
func pairsOf(x, y []float64) []pair {
	var all []pair
	for j := range x {
		for i := range j {
			all = append(all, pair{i: i, j: j, x: Interval{x[i], x[i]}.compare(Interval{x[j], x[j]}), y: Interval{y[i], y[i]}.compare(Interval{y[j], y[j]}), along: -1})
		}
	}
	return all
}

// numbers are 0, …, n−1.
func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// With one run in each cluster, the bootstrap is what one gets by drawing the rows
// and computing τ of them.
func TestBootstrap(t *testing.T) {
	const n, resamples, seed = 12, 200, 5
	rng := trainer.Stream(2, "test", 0)
	x, y := make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = float64(rng.IntN(6))
		y[i] = x[i] + 3*rng.Float64()
	}
	r := newResampling(pairsOf(x, y), numbers(n))
	low, high := r.interval(resamples, seed)
	var taus []float64
	for k := range resamples {
		rng := trainer.Stream(seed, "select/bootstrap", k)
		drawnX, drawnY := make([]float64, n), make([]float64, n)
		for i := range n {
			at := rng.IntN(n)
			drawnX[i], drawnY[i] = x[at], y[at]
		}
		if tau, ok := KendallTau(drawnX, drawnY); ok {
			taus = append(taus, tau)
		}
	}
	slices.Sort(taus)
	// For 12 clusters t is 2.201, and Φ(−2.201·√(12/11)) = 0.01076.
	wantLow, wantHigh := stat.Quantile(0.01076, stat.LinInterp, taus, nil), stat.Quantile(1-0.01076, stat.LinInterp, taus, nil)
	// The two interpolate differently between neighbours, which are near.
	if low == nil || math.Abs(*low-wantLow) > 0.05 || math.Abs(*high-wantHigh) > 0.05 || !(*low < *high) {
		t.Fatalf("from %v to %v; want about %v to %v", low, high, wantLow, wantHigh)
	}
	if tau, _ := KendallTau(x, y); !(*low < tau && tau < *high) {
		t.Errorf("τ = %v is not between %v and %v", tau, *low, *high)
	}
	if l, h := r.interval(resamples, seed); *l != *low || *h != *high {
		t.Errorf("again it is from %v to %v", *l, *h)
	}
}

// Two runs in cluster 0 and one in cluster 1. Of a resample with cluster 0 twice and
// cluster 1 three times, the pair within cluster 0 counts twice, and each of the
// pairs between the clusters 2·3 times.
func TestBootstrapByClusters(t *testing.T) {
	r := newResampling(pairsOf([]float64{1, 2, 3}, []float64{1, 2, 0}), []int{7, 7, 9})
	if have := r.drawn([]int{2, 3}); have != (tally{surplus: 2 - 12, untiedX: 14, untiedY: 14}) || r.clusters != 2 {
		t.Errorf("counts %+v in %d clusters", have, r.clusters)
	}
	if low, high := r.interval(100, 0); low != nil || high != nil {
		t.Error("two clusters have an interval")
	}
}

// Eight clusters of five runs that are copies of one another tell as much as eight
// runs, so that the interval is as wide. Resampling the 40 runs as independent would
// give one that is much narrower.
func TestBootstrapOfCopies(t *testing.T) {
	const clusters, copies = 16, 5
	rng := trainer.Stream(3, "test", 0)
	var x, y, xx, yy []float64
	var cluster []int
	for k := range clusters {
		a := rng.NormFloat64()
		b := a + rng.NormFloat64()
		x, y = append(x, a), append(y, b)
		for range copies {
			xx, yy, cluster = append(xx, a), append(yy, b), append(cluster, k)
		}
	}
	width := func(x, y []float64, cluster []int) float64 {
		low, high := newResampling(pairsOf(x, y), cluster).interval(1000, 0)
		return *high - *low
	}
	single, clustered, naive := width(x, y, numbers(clusters)), width(xx, yy, cluster), width(xx, yy, numbers(clusters*copies))
	if math.Abs(clustered-single) > 1e-12 || naive > 0.6*single {
		t.Errorf("widths %v of single runs, %v by clusters, %v of copies taken as independent", single, clustered, naive)
	}
}

// The interval holds the expected τ in about 95 % of samples of 12 clusters of 9
// runs, whose values have a part in common. Taken as independent, the runs give an
// interval that holds it in about half.
func TestBootstrapCoverage(t *testing.T) {
	const clusters, runs, samples = 12, 9, 400
	draw := func(sample int) ([]pair, []int) {
		rng := trainer.Stream(8, "test", sample)
		var x, y []float64
		var cluster []int
		for k := range clusters {
			u := rng.NormFloat64()
			v := 0.5*u + rng.NormFloat64()
			for range runs {
				x, y, cluster = append(x, u+0.5*rng.NormFloat64()), append(y, v+0.5*rng.NormFloat64()), append(cluster, k)
			}
		}
		return pairsOf(x, y), cluster
	}
	expected := 0.0
	for k := range samples {
		pairs, _ := draw(k)
		tau, _ := tallyOf(pairs).tau()
		expected += tau / samples
	}
	held, heldIndependent := 0, 0
	holds := func(r *resampling) int {
		if low, high := r.interval(200, 0); *low <= expected && expected <= *high {
			return 1
		}
		return 0
	}
	for k := range samples {
		pairs, cluster := draw(k)
		held += holds(newResampling(pairs, cluster))
		if k < 40 {
			heldIndependent += holds(newResampling(pairs, numbers(clusters*runs)))
		}
	}
	// The standard deviation of the first share is 1.1 %, of the second 8 %.
	if share := float64(held) / samples; share < 0.92 || share > 0.985 {
		t.Errorf("%.3f of the intervals hold the expected τ", share)
	}
	if share := float64(heldIndependent) / 40; share > 0.8 {
		t.Errorf("%.3f of the intervals of independent runs hold it; they should be too narrow", share)
	}
}
