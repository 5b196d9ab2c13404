package memory

import "github.com/hessoscope/hessoscope/callbacks/curvature"

// ReducedVectors is the typical dimension, per sample, of the space of all resolvable
// eigenvectors of trained networks. The dimension is also at most about half of the
// number of parameters in the support.
const ReducedVectors = 8

// objectiveVectors is what a Hessian-vector product takes besides its samples, in
// vectors of the parameters. Measured on networks of 4 million parameters.
const objectiveVectors = 4

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
	return bytes + objectiveVectors*vector
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
