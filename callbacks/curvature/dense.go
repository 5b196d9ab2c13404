package curvature

import (
	"context"
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature/internal/parallel"
	"github.com/hessoscope/hessoscope/callbacks/curvature/symeig"
)

const (
	maxDenseDim = 20_000 // it takes 22.4 GB
	denseBlock  = 64     // columns of H computed by one call of Apply
)

// denseSolver is the method [Dense].
type denseSolver struct{}

func (d denseSolver) resolve(s Settings, n int) (Settings, error) {
	if n > maxDenseDim {
		return s, fmt.Errorf("dense method refused for n = %d: it takes %.3g GB, and is meant for n ≤ %d; lanczos finds the ends of the spectrum",
			n, d.memory(s, float64(n), float64(n), 0)/1e9, maxDenseDim)
	}
	return s, nil
}

func (denseSolver) memory(_ Settings, n, support, _ float64) float64 {
	return 8 * (3*n*n + 4*support*support)
}

// Solve implements [Solver].
func (denseSolver) Solve(ctx context.Context, op Operator, s Settings) (*Spectrum, error) {
	n := op.Dim()
	columns, err := assemble(ctx, op, s)
	if err != nil {
		return nil, err
	}
	h, difference := symmetrise(columns)
	onDiagonal, norm := diagonal(h), mat.Norm(h, 2)
	eigen, ok := symeig.Decompose(h) // h is not used from here on, so that its memory is free
	if !ok {
		return nil, errors.New("curvature: the decomposition of the dense matrix did not converge")
	}
	spectrum := &Spectrum{
		Method:       Dense,
		Dim:          n,
		Top:          densePairs(columns, eigen, ends(n, s.Top, 1)),
		Bottom:       densePairs(columns, eigen, ends(n, s.Bottom, -1)),
		Applications: n,
		All:          eigen.Values,
		Asymmetry:    relative(difference, mat.Norm(columns, 2)),
	}
	spectrum.conclude(s.Tolerance, maxAbs(eigen.Values))
	spectrum.Resolved = densePairs(columns, eigen, resolvable(eigen.Values, s.Resolution)).eigenspace(n, 0)
	spectrum.Resolved.Complete = true
	spectrum.estimate(onDiagonal, norm, 0, &complement{})
	*spectrum.Trace = spectrum.Trace.widened(difference)
	*spectrum.Frobenius = spectrum.Frobenius.widened(difference)
	return spectrum, nil
}

// assemble returns the matrix of op, with its columns as rows.
func assemble(ctx context.Context, op Operator, s Settings) (*mat.Dense, error) {
	n := op.Dim()
	columns := mat.NewDense(n, n, nil)
	unit := mat.NewDense(min(denseBlock, n), n, nil)
	for j := 0; j < n; j += denseBlock {
		b := min(denseBlock, n-j)
		unit.Zero()
		for i := range b {
			unit.Set(i, j+i, 1)
		}
		dst := columns.Slice(j, j+b, 0, n).(*mat.Dense)
		src := unit.Slice(0, b, 0, n).(*mat.Dense)
		if err := applyFinite(ctx, op, dst, src); err != nil {
			return nil, fmt.Errorf("curvature: dense method, columns %d to %d of %d: %w", j+1, j+b, n, err)
		}
		if s.Progress != nil {
			s.Progress(0, s.Top+s.Bottom, j+b)
		}
	}
	return columns, nil
}

// densePairs returns the pairs of the given indices. Their residuals are those of the
// matrix as it was applied, not as it was symmetrised.
func densePairs(columns *mat.Dense, eigen *symeig.Decomposition, indices []int) Pairs {
	count := len(indices)
	if count == 0 {
		return Pairs{}
	}
	p := Pairs{Values: make([]float64, count), Vectors: eigen.Vectors(indices)}
	for i, index := range indices {
		p.Values[i] = eigen.Values[index]
	}
	p.settle()
	images := mat.NewDense(count, len(eigen.Values), nil)
	parallel.AddProduct(images, p.Vectors, columns)
	p.setResiduals(images)
	return p
}
