package margin

import (
	"math"

	"github.com/hessoscope/hessoscope/callbacks/quantile"
)

// Summary summarises the distances of the samples that are classified correctly.
// Misclassified samples are counted separately.
type Summary struct {
	// Min is the margin of the network: the smallest distance. Min and the
	// quantiles are nil if no boundary was found from any of these samples.
	Min    *float64  `json:"min"`
	Sample int       `json:"sample"` // row in the split of the sample with that distance; −1 for none
	Rival  int       `json:"rival"`  // the class beyond the boundary there; −1 for none
	Point  []float64 `json:"point"`  // the nearest boundary point

	// MinLower is a lower bound of the margin: the smallest lower bound of a distance.
	// It is nil if there is a sample without one.
	MinLower *float64 `json:"min_lower"`

	Q05    *float64 `json:"q05"`
	Q25    *float64 `json:"q25"`
	Median *float64 `json:"median"`

	// Harmonic is the harmonic mean, in which the nearest samples weigh most.
	Harmonic *float64 `json:"harmonic"`

	Samples       int     `json:"samples"`       // samples measured
	Misclassified int     `json:"misclassified"` // samples that are misclassified
	Unbounded     int     `json:"unbounded"`     // samples classified correctly without a boundary found
	Unconverged   int     `json:"unconverged"`   // samples classified correctly whose search has not converged
	Certified     int     `json:"certified"`     // samples classified correctly whose distance is certified
	Tolerance     float64 `json:"tolerance"`     // relative gain in distance that ended the searches
}

// Summary returns the minimum and the quantiles of the distances.
func (m *Distances) Summary() Summary {
	s := Summary{Sample: -1, Rival: -1, Samples: len(m.Values), Tolerance: m.Tolerance}
	var distances []float64
	lower := math.Inf(1)
	for n, distance := range m.Values {
		if m.Predicted[n] != m.Labels[n] {
			s.Misclassified++
			continue
		}
		if m.Certified[n] {
			s.Certified++
		}
		lower = min(lower, m.Lower[n])
		switch {
		case math.IsInf(distance, 1):
			s.Unbounded++
			continue
		case !m.Converged[n]:
			s.Unconverged++
		}
		distances = append(distances, distance)
		if s.Sample < 0 || distance < m.Values[s.Sample] {
			s.Sample = n
		}
	}
	if s.Sample < 0 {
		return s
	}
	if lower > 0 || m.Values[s.Sample] == 0 {
		s.MinLower = &lower
	}
	width := m.width()
	nearest := s.Sample
	s.Min, s.Sample, s.Rival = &m.Values[nearest], m.Rows[nearest], m.Rivals[nearest]
	s.Point = m.Points[nearest*width : (nearest+1)*width]
	s.Q05, s.Q25, s.Median = quantileOf(distances, 0.05), quantileOf(distances, 0.25), quantileOf(distances, 0.5)
	s.Harmonic = new(harmonicMean(distances))
	return s
}

// harmonicMean returns that of non-negative values: 0 if one is 0.
func harmonicMean(values []float64) float64 {
	inverse := 0.0
	for _, v := range values {
		inverse += 1 / v
	}
	return float64(len(values)) / inverse
}

// quantileOf returns quantile.Of, or nil if there are no values.
func quantileOf(values []float64, p float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	return new(quantile.Of(values, p))
}
