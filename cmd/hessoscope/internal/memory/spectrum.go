package memory

import (
	"runtime"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
)

// ReducedVectors is the typical dimension, per sample, of the space of all resolvable
// eigenvectors of trained networks. The dimension is also at most about half of the
// number of parameters in the support.
const ReducedVectors = 8

// objectiveVectors is what a worker of Hessian-vector products takes besides its samples,
// in vectors of the parameters. Measured on networks of 4 and 10 million parameters.
const objectiveVectors = 4.3

// objective returns about how many bytes Hessian-vector products take besides their
// samples: as many workers as there are processors share chunks of 128 samples or
// more, fewer where they would take over 4 GiB.
func objective(n, samples int) float64 {
	one := objectiveVectors * 8 * float64(n)
	workers := min(runtime.GOMAXPROCS(0), 1+samples/128, int(max(1, (4<<30)/one)))
	return one * float64(workers)
}

// Products returns what products in float32 take in addition to what [Spectrum] returns;
// none if not wanted.
func Products(wanted bool, n, samples int) float64 {
	if !wanted {
		return 0
	}
	return objective(n, samples) / 2
}

// Spectrum returns about how many bytes measuring the spectrum of n parameters on so
// many samples needs. It is 0 for settings that would be refused.
func Spectrum(s curvature.Settings, n, samples int) float64 {
	vector := 8 * float64(n)
	bytes, err := s.Memory(n, n, min(n/2, ReducedVectors*samples))
	if err != nil {
		return 0
	}
	if s.WantsSeeds(n) {
		bytes += vector * float64(samples)
	}
	return bytes + objective(n, samples)
}

// Pairs returns how many of the largest pairs Lanczos finds within the free bytes,
// beside those of the other end. It is 0 if there are none, or if all that the settings
// ask for fit.
func Pairs(s curvature.Settings, n, samples int, free float64) int {
	s.Method = curvature.Lanczos
	for top := s.Top - 1; top > 0; top-- {
		if s.Top = top; Spectrum(s, n, samples) <= free {
			return top
		}
	}
	return 0
}
