package curvature

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature/internal/parallel"
	"github.com/hessoscope/hessoscope/callbacks/curvature/symeig"
)

const (
	maxDenseDim = 20_000 // 22.4 GB
	denseBlock  = 64     // columns of H from one call of Apply
)

func checkDense(n int) error {
	if n > maxDenseDim {
		return fmt.Errorf("dense method refused for n = %d: it takes %.3g GB, and is meant for n ≤ %d; lanczos finds the ends of the spectrum",
			n, 56*float64(n)*float64(n)/1e9, maxDenseDim)
	}
	return nil
}

func solveDense(ctx context.Context, op Operator, s Settings) (*Spectrum, error) {
	n := op.Dim()
	columns, err := assemble(ctx, op, s)
	if err != nil {
		return nil, err
	}
	h, difference := symmetrise(columns)
	onDiagonal, norm := diagonal(h), mat.Norm(h, 2)
	eigen, ok := symeig.Decompose(h) // h is garbage from here on
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
	spectrum.Trace.Error += difference
	spectrum.Frobenius.Error += difference
	return spectrum, nil
}

// assemble returns the columns of H as rows.
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

// symmetrise returns (A + Aᵀ)/2 and ‖A − Aᵀ‖_F.
func symmetrise(a *mat.Dense) (*mat.SymDense, float64) {
	n, _ := a.Dims()
	h := mat.NewSymDense(n, nil)
	difference := make([]float64, n) // of a row of A and one of Aᵀ, left of the diagonal
	norms := make([]float64, n)
	for i := range n {
		row := a.RawRowView(i)
		for j := range i {
			h.SetSym(i, j, row[j]/2+a.At(j, i)/2)
			difference[j] = row[j] - a.At(j, i)
		}
		h.SetSym(i, i, row[i])
		norms[i] = floats.Norm(difference[:i], 2)
	}
	return h, math.Sqrt2 * floats.Norm(norms, 2)
}

// densePairs returns the pairs of the given indices, with residuals of the matrix
// as it was applied, H v = Aᵀ v, not as it was symmetrised.
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
	for i, value := range p.Values {
		floats.AddScaled(images.RawRowView(i), -value, p.Vectors.RawRowView(i))
	}
	p.Residuals = norms(images)
	return p
}

// ends returns the indices of count of n ascending values from one end, the upper
// one for side 1, the lower one for −1.
func ends(n, count, side int) []int {
	indices := make([]int, min(count, n))
	for i := range indices {
		indices[i] = i
		if side > 0 {
			indices[i] = n - 1 - i
		}
	}
	return indices
}

func relative(difference, norm float64) float64 {
	if norm == 0 {
		return 0
	}
	return difference / norm
}
