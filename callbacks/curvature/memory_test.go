package curvature

import (
	"context"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"
)

// peak returns by how many bytes the heap was larger during f than before, at
// most.
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
		tick := time.NewTicker(200 * time.Microsecond)
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

func TestMemory(t *testing.T) {
	for name, test := range map[string]struct {
		op       Operator
		settings Settings
	}{
		"dense":                 {conjugate(hessianLike(900), 3), Settings{Method: Dense}},
		"lanczos":               {conjugate(hessianLike(40_000), 1), Settings{Method: Lanczos}},
		"lanczos, 30 pairs":     {conjugate(hessianLike(20_000), 1), Settings{Method: Lanczos, Top: 20, Bottom: 10}},
		"lanczos, no images":    {conjugate(hessianLike(40_000), 1), Settings{Method: Lanczos, Top: 5, Bottom: -1, Exact: conjugate(hessianLike(40_000), 1)}},
		"lanczos, both ends":    {conjugate(hessianLike(40_000), 1), Settings{Method: Lanczos, Exact: conjugate(hessianLike(40_000), 1)}},
		"quadrature, pairs":     {conjugate(hessianLike(20_000), 1), Settings{Method: Quadrature, Top: 10, Bottom: -1, QuadratureSteps: 20, QuadratureVectors: 2}},
		"quadrature, steps":     {conjugate(hessianLike(10_000), 1), Settings{Method: Quadrature, Top: 1, Bottom: -1, QuadratureSteps: 200, QuadratureVectors: 2}},
		"quadrature, vectors":   {conjugate(hessianLike(10_000), 1), Settings{Method: Quadrature, Top: 1, Bottom: -1, QuadratureSteps: 2, QuadratureVectors: 100}},
		"reduced":               {conjugate(append(decayed(300, 1, 1e-9), make([]float64, 9700)...), 1), Settings{Method: Reduced}},
		"reduced, at the limit": {conjugate(hessianLike(20_000), 1), Settings{Method: Reduced, Top: 3, Bottom: -1, MaxBasis: 80}},
		"reduced, a large part": {conjugate(append(decayed(600, 1, 1e-9), make([]float64, 1400)...), 1), Settings{Method: Reduced}},
	} {
		t.Run(name, func(t *testing.T) {
			// When garbage is collected is up to chance, so that a single peak may
			// be higher than is promised.
			for attempt := 1; ; attempt++ {
				var s *Spectrum
				got := peak(func() {
					var err error
					if s, err = Solve(context.Background(), test.op, test.settings); err != nil {
						t.Fatal(err)
					}
				})
				want, err := test.settings.Memory(test.op.Dim(), test.op.Dim(), s.Basis)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%.3g MB, stated %.3g MB", got/1e6, want/1e6)
				if ratio := got / want; 0.75 <= ratio && ratio <= 1.25 {
					return
				} else if attempt == 10 {
					t.Fatalf("a peak of %.2f of what is stated", ratio)
				}
			}
		})
	}
	if _, err := (Settings{Method: Dense}).Memory(maxDenseDim+1, maxDenseDim+1, 0); err == nil || !strings.Contains(err.Error(), "it takes 22.4 GB") {
		t.Errorf("error %v for what would be refused", err)
	}
}
