package reproduce

import (
	"errors"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/plot/plotter"
)

// principal returns n samples in the plane of their first two principal components.
func principal(x []float64, n int) (plotter.XYs, error) {
	data := mat.NewDense(n, len(x)/n, x)
	var pc stat.PC
	if !pc.PrincipalComponents(data, nil) {
		return nil, errors.New("the principal components of the samples could not be computed")
	}
	var vectors mat.Dense
	pc.VectorsTo(&vectors)
	var at mat.Dense
	at.Mul(data, vectors.Slice(0, len(x)/n, 0, 2))
	points := make(plotter.XYs, n)
	for i := range points {
		points[i] = plotter.XY{X: at.At(i, 0), Y: at.At(i, 1)}
	}
	return points, nil
}
