package margin

import "gonum.org/v1/gonum/floats"

// directions returns n random unit vectors, or n/8 in high dimension, where they
// rarely find a boundary point. They are the vectors of random orthonormal bases
// and their opposites, so that they cover the sphere evenly.
func (m *search) directions(n int) [][]float64 {
	if m.width > highDimension {
		n /= 8
	}
	var all [][]float64
	basis := 0 // index of the first vector of the current basis
	for len(all) < n {
		u := make([]float64, m.width)
		for i := range u {
			u[i] = m.rng.NormFloat64()
		}
		if len(all)-basis >= 2*m.width {
			basis = len(all)
		}
		for i := basis; i < len(all); i += 2 {
			floats.AddScaled(u, -floats.Dot(u, all[i]), all[i])
		}
		norm := floats.Norm(u, 2)
		if norm == 0 {
			continue
		}
		opposite := make([]float64, m.width)
		floats.ScaleTo(opposite, -1/norm, u)
		floats.Scale(1/norm, u)
		all = append(all, u, opposite)
	}
	return all[:n]
}
