package margin

import (
	"slices"

	"github.com/hessoscope/hessoscope/models/weights"
)

// Distances holds the Euclidean distances, in input space, from samples to the
// decision boundary, that is, to the nearest point that is predicted otherwise
// than the sample. Every distance is that to a point which the search has found,
// so it is an upper bound; where Converged, it is a local minimum, and where
// Certified, the global one. A model that is not smooth and whose layers are not
// known never counts as converged.
type Distances struct {
	Rows      []int // row of each sample in the split, ascending
	Labels    []int // label of each sample
	Predicted []int // class predicted for each sample
	Rivals    []int // class predicted beyond the boundary; −1 where none was found

	Values    []float64 // distances; +Inf where no boundary was found
	Points    []float64 // N × d, the boundary points; the sample itself where none was found
	Converged []bool    // whether the search ended because no step, or no linear region next to the point, was nearer

	// Lower has certified lower bounds of the distances, 0 where none is known: no
	// point that is nearer is predicted otherwise, allowing for rounding.
	Lower     []float64
	Certified []bool // whether the distance is its lower bound, within 1e-6 of itself

	// Tolerance is the relative gain in distance below which a search ends. Every
	// boundary point is bracketed to 1e-10 of its distance.
	Tolerance float64
	// Evaluations is the number of points that the model was evaluated at; a
	// gradient counts as three.
	Evaluations int
}

func (m *Distances) width() int { return len(m.Points) / len(m.Values) }

// Arrays returns the distances for a .npz file: margin_rows (N), of the split;
// margin_distances (N), −1 where no boundary was found; margin_lower (N);
// margin_points (N, d), margin_predicted and margin_rivals (N).
func (m *Distances) Arrays() []weights.Array {
	n := len(m.Values)
	distances := slices.Clone(m.Values)
	for i, rival := range m.Rivals {
		if rival < 0 {
			distances[i] = -1
		}
	}
	return []weights.Array{
		{Name: "margin_rows", Shape: []int{n}, Data: asFloats(m.Rows)},
		{Name: "margin_distances", Shape: []int{n}, Data: distances},
		{Name: "margin_lower", Shape: []int{n}, Data: m.Lower},
		{Name: "margin_points", Shape: []int{n, m.width()}, Data: m.Points},
		{Name: "margin_predicted", Shape: []int{n}, Data: asFloats(m.Predicted)},
		{Name: "margin_rivals", Shape: []int{n}, Data: asFloats(m.Rivals)},
	}
}

func asFloats(numbers []int) []float64 {
	values := make([]float64, len(numbers))
	for i, n := range numbers {
		values[i] = float64(n)
	}
	return values
}

// rival returns the class with the largest logit, the first of equal ones, other
// than the given class.
func rival(z []float64, class int) int {
	best := -1
	for c, v := range z {
		if c != class && (best < 0 || v > z[best]) {
			best = c
		}
	}
	return best
}
