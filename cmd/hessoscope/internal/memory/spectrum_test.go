package memory

import (
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/network"
)

// A measurement takes 0.5 to 1.5 of what is stated, garbage included.
func TestSpectrumBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("with the race detector more garbage is left")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // each worker takes memory
	rng := rand.New(rand.NewPCG(1, 2))
	mlp, err := models.NewMLP(models.MLPConfig{Input: 200, Hidden: []int{500, 500}, Classes: 10}, rng)
	if err != nil {
		t.Fatal(err)
	}
	lenet, err := network.New(network.LeNet5(10), network.Settings{}, rng)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name       string
		model      models.Model
		samples    int
		settings   curvature.Settings
		complexity bool
	}{
		{"eigenpairs", mlp, 40, curvature.Settings{Method: curvature.Lanczos, Top: 3, Bottom: -1, Tolerance: 0.1}, false},
		{"complexity", mlp, 40, curvature.Settings{Method: curvature.Lanczos, Top: 3, Bottom: -1, Tolerance: 0.1}, true},
		{"complexity of kernels", lenet, 500, curvature.Settings{Method: curvature.Lanczos, Top: 1, Bottom: -1, Tolerance: 0.1}, true},
		{"reduced", mlp, 10, curvature.Settings{Method: curvature.Reduced, Top: 3, Bottom: -1, MaxBasis: 50}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			split := noise(rng, test.samples, test.model)
			settings := analysis.Settings{Spectrum: test.settings, NoComplexity: !test.complexity, Memory: 1}
			got := peak(func() {
				if _, err := analysis.Analyze(t.Context(), test.model, split, settings); err != nil {
					t.Fatal(err)
				}
			})
			want := Spectrum{
				Model: test.model, Parameters: models.Size(test.model), Samples: test.samples,
				Settings: settings.Solver(), Complexity: test.complexity,
			}.Bytes()
			t.Logf("%.3g MB, stated %.3g MB", got/1e6, want/1e6)
			if ratio := got / want; ratio < 0.5 || ratio > 1.5 {
				t.Errorf("a peak of %.2f of what is stated", ratio)
			}
		})
	}
}

// noise returns random samples for a model.
func noise(rng *rand.Rand, n int, m models.Model) *datasets.Split {
	width := 1
	for _, d := range m.InputShape() {
		width *= d
	}
	s := &datasets.Split{Name: "train", X: make([]float64, n*width), Labels: make([]int, n), Index: make([]int, n)}
	for i := range s.X {
		s.X[i] = rng.NormFloat64()
	}
	for i := range n {
		s.Labels[i], s.Index[i] = i%m.Classes(), i
	}
	return s
}

// peak returns by how many bytes the heap was larger during f than before, at most.
func peak(f func()) float64 {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	heap := func() float64 {
		metrics.Read(samples)
		return float64(samples[0].Value.Uint64())
	}
	runtime.GC()
	before := heap()
	done, most := make(chan struct{}), make(chan float64)
	go func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for largest := 0.0; ; {
			select {
			case <-done:
				most <- largest
				return
			case <-tick.C:
				largest = max(largest, heap()-before)
			}
		}
	}()
	f()
	close(done)
	return <-most
}
