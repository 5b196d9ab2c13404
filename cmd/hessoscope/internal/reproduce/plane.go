package reproduce

import (
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/plot"
)

// newPlane returns a square around points, n × 2, with nothing in its cells.
func (s *Settings) newPlane(x []float64) *plot.Plane {
	low, high := [2]float64{x[0], x[1]}, [2]float64{x[0], x[1]}
	for i, v := range x {
		low[i%2], high[i%2] = min(low[i%2], v), max(high[i%2], v)
	}
	const room = 1.12
	half := max(high[0]-low[0], high[1]-low[1]) / 2 * room
	p := &plot.Plane{Side: 120}
	if s.Quick {
		p.Side = 60
	}
	for i := range 2 {
		middle := (low[i] + high[i]) / 2
		p.Box[2*i], p.Box[2*i+1] = middle-half, middle+half
	}
	return p
}

// show puts what was measured at the centres into the cells of n's plane.
func (n *network) show(at *boundary.PointAlignments) {
	n.plane.Predicted, n.plane.Gaps = at.Predicted, at.Gaps
	_, k := at.Values.Dims()
	for i := range k {
		n.plane.Alignments = append(n.plane.Alignments, mat.Col(nil, i, at.Values))
	}
}

// samples returns the training samples of n.
func (n *network) samples() *plot.Samples {
	return &plot.Samples{X: n.split.Values(), Labels: n.split.Labels, Predicted: n.predicted}
}

// span returns count numbers from low to high.
func span(low, high float64, count int) []float64 {
	return floats.Span(make([]float64, count), low, high)
}
