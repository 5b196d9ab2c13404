package piecewise

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// leastSquares returns the norm of the residual over u ≥ 0, from the least-squares
// solution of every set of columns.
func leastSquares(columns [][]float64, f []float64) float64 {
	best := floats.Norm(f, 2)
	for set := 1; set < 1<<len(columns); set++ {
		var chosen [][]float64
		for j := range columns {
			if set>>j&1 == 1 {
				chosen = append(chosen, columns[j])
			}
		}
		e := mat.NewDense(len(f), len(chosen), nil)
		for j, c := range chosen {
			e.SetCol(j, c)
		}
		var svd mat.SVD
		svd.Factorize(e, mat.SVDThin)
		rank := svd.Rank(1e-10)
		if rank < len(chosen) {
			continue // a set that is independent has the same solution
		}
		var u, residual mat.VecDense
		var solution mat.Dense
		svd.SolveTo(&solution, mat.NewDense(len(f), 1, f), rank)
		u.CloneFromVec(solution.ColView(0))
		if mat.Min(&u) < 0 {
			continue
		}
		residual.MulVec(e, &u)
		residual.SubVec(mat.NewVecDense(len(f), f), &residual)
		best = min(best, mat.Norm(&residual, 2))
	}
	return best
}

func problem(columns [][]float64, f []float64) *nnls {
	s := &nnls{
		column: func(j int, dst []float64) { copy(dst, columns[j]) },
		slope:  func(j int, r []float64) float64 { return floats.Dot(columns[j], r) },
	}
	s.resize(len(f), len(columns))
	copy(s.f, f)
	return s
}

func never() bool { return false }

func TestNonNegativeLeastSquares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		rows, n := rapid.IntRange(1, 5).Draw(t, "rows"), rapid.IntRange(1, 7).Draw(t, "columns")
		columns := make([][]float64, n)
		for j := range columns {
			columns[j] = make([]float64, rows)
			switch kind := rng.IntN(6); {
			case kind == 0 && j > 0: // equal to another
				copy(columns[j], columns[j-1])
			case kind == 1 && j > 1: // between two others
				floats.AddTo(columns[j], columns[j-1], columns[j-2])
			case kind == 2: // of small whole numbers: degenerate vertices
				for i := range columns[j] {
					columns[j][i] = float64(rng.IntN(3) - 1)
				}
			default:
				for i := range columns[j] {
					columns[j][i] = rng.NormFloat64()
				}
			}
			if norm := floats.Norm(columns[j], 2); norm > 1e-6 {
				floats.Scale(1/norm, columns[j])
			} else {
				clear(columns[j])
			}
		}
		f := make([]float64, rows)
		for i := range f {
			f[i] = rng.NormFloat64()
		}
		var start []int
		for j := range columns {
			if rng.IntN(3) == 0 {
				start = append(start, j)
			}
		}
		s := problem(columns, f)
		if !s.solve(start, never) {
			t.Fatalf("no end for columns %v and target %v", columns, f)
		}
		want := leastSquares(columns, f)
		if have := floats.Norm(s.residual, 2); math.Abs(have-want) > 1e-9 {
			t.Fatalf("residual %g, want %g; columns %v, target %v, start %v", have, want, columns, f, start)
		}
		sum := make([]float64, rows)
		for i, j := range s.passive {
			if s.u[i] < 0 {
				t.Fatalf("coefficient %g", s.u[i])
			}
			floats.AddScaled(sum, s.u[i], columns[j])
		}
		floats.Add(sum, s.residual)
		if !floats.EqualApprox(sum, f, 1e-9) {
			t.Fatalf("E·u + r = %v, want %v", sum, f)
		}
	})
}

func TestLeastDistance(t *testing.T) {
	for _, c := range []struct {
		name  string
		forms [][]float64 // (g, h) with g·t + h ≥ 0
		want  []float64   // nil: no point
	}{
		{"no constraint", nil, []float64{0, 0}},
		{"one that holds", [][]float64{{1, 0, 1}}, []float64{0, 0}},
		{"half plane", [][]float64{{3, 4, -10}}, []float64{1.2, 1.6}},
		{"corner", [][]float64{{1, 0, -1}, {0, 1, -2}}, []float64{1, 2}},
		{"one twice", [][]float64{{1, 0, -1}, {1, 0, -1}, {2, 0, -2}}, []float64{1, 0}},
		{"three lines through the point", [][]float64{{1, 0, -1}, {0, 1, -1}, {1, 1, -2}}, []float64{1, 1}},
		{"a line", [][]float64{{1, 1, -1}, {-1, -1, 1}}, []float64{0.5, 0.5}},
		{"none", [][]float64{{1, 0, -1}, {-1, 0, 0}}, nil},
		{"constant that holds", [][]float64{{0, 0, 1}, {1, 0, -1}}, []float64{1, 0}},
		{"constant that does not", [][]float64{{0, 0, -1}}, nil},
		{"0 ≥ 0", [][]float64{{0, 0, 0}, {0, 1, -1}}, []float64{0, 1}},
	} {
		var p leastDistance
		for _, form := range c.forms {
			p.require(form, 1, length(form))
		}
		norm, ok := p.solve(3, math.Inf(1), nil)
		switch {
		case !ok:
			t.Errorf("%s: no end", c.name)
		case c.want == nil && !math.IsInf(norm, 1):
			t.Errorf("%s: %g at %v, want no point", c.name, norm, p.point)
		case c.want != nil && !floats.EqualApprox(p.point, c.want, 1e-12):
			t.Errorf("%s: %v, want %v", c.name, p.point, c.want)
		}
		sum := make([]float64, 2)
		for k, j := range p.passive {
			if c.want != nil {
				floats.AddScaled(sum, p.multipliers[k], c.forms[j][:2])
			}
		}
		if c.want != nil && !floats.EqualApprox(sum, c.want, 1e-12) {
			t.Errorf("%s: the multipliers give %v, want %v", c.name, sum, c.want)
		}
	}
}
