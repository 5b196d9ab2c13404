package symeig

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A function of one pole, or of two around the root, is its own model: one step leads
// from anywhere to the root.
func TestStepIsExactForTwoPoles(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		for poles, d := range map[int][]float64{1: {rng.NormFloat64()}, 2: {-rng.Float64(), 1 + rng.Float64()}} {
			s := secular{d: d, z: gaussian(rng, poles), ρ: 0.1 + rng.Float64()}
			gaps := make([]float64, poles)
			root := s.root(0, gaps)
			high := s.d[0] + s.ρ*s.z[0]*s.z[0]
			if poles == 2 {
				high = s.d[1]
			}
			s.shift(gaps, 0)
			from := s.d[0] + (0.1+0.8*rng.Float64())*(high-s.d[0])
			f, dψ, dφ, _ := s.at(from, 0, gaps)
			if to := from + step(0, gaps, from, f, dψ, dφ); math.Abs(to-root) > 1e-9*(high-s.d[0]) {
				t.Errorf("poles %v, z %v, ρ %v: from %v to %v, want %v", s.d, s.z, s.ρ, from, to, root)
			}
		}
	}
}
