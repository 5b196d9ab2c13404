package memory

import (
	"math"
	"runtime"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/models"
)

// ReducedVectors is the typical dimension, per sample, of the space of all resolvable
// eigenvectors of trained networks. The dimension is also at most about half of the
// number of parameters in the support.
const ReducedVectors = 8

// What Hessian-vector products take besides their samples, in vectors of the parameters:
// the direction and the packed copies, which workers share, and the results of each.
// Measured on networks of 4 and 10 million parameters.
const (
	sharedVectors = 4.6
	workerVectors = 1.4
)

// A Spectrum is a measurement of eigenpairs, and of the complexity by them.
type Spectrum struct {
	Model      models.Model
	Parameters int // whose curvature is measured
	Samples    int
	Settings   curvature.Settings
	Float32    bool // whether pairs are searched with products in float32
	Complexity bool // whether it is measured, too
}

// Bytes returns about how many bytes the measurement needs. It is 0 for settings that
// would be refused.
func (s Spectrum) Bytes() float64 {
	n, solver := s.Parameters, s.solver()
	bytes, err := solver.Memory(n, n, min(n/2, ReducedVectors*s.Samples))
	if err != nil {
		return 0
	}
	objective := s.objective()
	if s.Float32 {
		objective *= 1.5
	}
	if s.Complexity {
		// At most half of the solver's memory is left for the pairs when they are found.
		bytes = math.Max(bytes, bytes/2+analysis.ComplexityMemory(s.Model, s.Samples, s.pairs(), n))
	}
	if solver.WantsSeeds(n) {
		bytes += boundary.SeedMemory(s.Samples, n)
	}
	return objective + bytes
}

// solver returns the settings, in which Auto means Lanczos if products are in float32.
func (s Spectrum) solver() curvature.Settings {
	if s.Float32 && (s.Settings.Method == "" || s.Settings.Method == curvature.Auto) {
		s.Settings.Method = curvature.Lanczos
	}
	return s.Settings
}

// pairs is the number of eigenpairs that the complexity is measured by.
func (s Spectrum) pairs() int {
	if s.solver().Chosen(s.Parameters) == curvature.Lanczos {
		return max(s.Settings.Top, 0) + max(s.Settings.Bottom, 0)
	}
	return s.Parameters
}

// objective returns about how many bytes Hessian-vector products take besides their
// samples: as many workers as there are processors share chunks of 128 samples or
// more, fewer where they would take over 4 GiB.
func (s Spectrum) objective() float64 {
	vector := 8 * float64(s.Parameters)
	one, more := (sharedVectors+workerVectors)*vector, workerVectors*vector
	workers := min(runtime.GOMAXPROCS(0), 1+s.Samples/128, 1+int(max(0, (4<<30)-one)/more))
	return one + more*float64(workers-1)
}

// Pairs returns how many of the largest pairs Lanczos finds within the free bytes,
// beside those of the other end. It is 0 if there are none, or if all that the settings
// ask for fit.
func (s Spectrum) Pairs(free float64) int {
	s.Settings.Method = curvature.Lanczos
	for top := s.Settings.Top - 1; top > 0; top-- {
		if s.Settings.Top = top; s.Bytes() <= free {
			return top
		}
	}
	return 0
}
