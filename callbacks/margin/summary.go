package margin

import (
	"math"

	"github.com/hessoscope/hessoscope/callbacks/quantile"
)

// Summary are the margins of the samples that are classified rightly; those
// that are not are counted apart.
type Summary struct {
	// Min is the margin of the network: the least distance. It is nil, as are the
	// quantiles, where no sample that is classified rightly has a boundary.
	Min    *float64  `json:"min"`
	Sample int       `json:"sample"` // row of the split whose distance it is; −1 for none
	Rival  int       `json:"rival"`  // the class beyond the boundary there; −1 for none
	Point  []float64 `json:"point"`  // the nearest boundary point

	Q05    *float64 `json:"q05"`
	Q25    *float64 `json:"q25"`
	Median *float64 `json:"median"`

	Samples       int     `json:"samples"`       // that were measured
	Misclassified int     `json:"misclassified"` // of them
	Unbounded     int     `json:"unbounded"`     // classified rightly, without any boundary found
	Unconverged   int     `json:"unconverged"`   // classified rightly, whose distance could still be much smaller
	Tolerance     float64 `json:"tolerance"`     // relative gain in distance that ended the searches
}

// Summary returns the minimum and quantiles.
func (m *Distances) Summary() Summary {
	s := Summary{Sample: -1, Rival: -1, Samples: len(m.Values), Tolerance: m.Tolerance}
	var distances []float64
	for n, distance := range m.Values {
		switch {
		case m.Predicted[n] != m.Labels[n]:
			s.Misclassified++
			continue
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
	width := m.width()
	nearest := s.Sample
	s.Min, s.Sample, s.Rival = &m.Values[nearest], m.Rows[nearest], m.Rivals[nearest]
	s.Point = m.Points[nearest*width : (nearest+1)*width]
	s.Q05, s.Q25, s.Median = quantileOf(distances, 0.05), quantileOf(distances, 0.25), quantileOf(distances, 0.5)
	return s
}

// quantileOf is quantile.Of, nil without values.
func quantileOf(values []float64, p float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	return new(quantile.Of(values, p))
}
