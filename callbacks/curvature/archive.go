package curvature

import (
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/models/weights"
)

// Arrays returns the spectrum for a .npz file: top_values (k), top_residuals (k) and
// top_vectors (k, P), one vector a row; the same for bottom; and all_values (P),
// ascending, if every eigenvalue is known. From Reduced there are also
// resolved_values and resolved_residuals, in descending order of the values, and
// from Quadrature density_nodes, ascending, and density_weights, which sum to 1.
func (s *Spectrum) Arrays() []weights.Array {
	var arrays []weights.Array
	add := func(name string, values []float64, shape ...int) {
		if len(values) > 0 {
			arrays = append(arrays, weights.Array{Name: name, Shape: shape, Data: values})
		}
	}
	for _, end := range []struct {
		name  string
		pairs Pairs
	}{{"top", s.Top}, {"bottom", s.Bottom}} {
		k := len(end.pairs.Values)
		add(end.name+"_values", end.pairs.Values, k)
		add(end.name+"_residuals", end.pairs.Residuals, k)
		if k > 0 {
			add(end.name+"_vectors", mat.DenseCopyOf(end.pairs.Vectors).RawMatrix().Data, k, s.Dim)
		}
	}
	add("all_values", s.All, len(s.All))
	if s.Method == Reduced {
		add("resolved_values", s.Resolved.Values, s.Resolved.Len())
		add("resolved_residuals", s.Resolved.Residuals, s.Resolved.Len())
	}
	if s.Density != nil {
		add("density_nodes", s.Density.Nodes, len(s.Density.Nodes))
		add("density_weights", s.Density.Weights, len(s.Density.Weights))
	}
	return arrays
}
