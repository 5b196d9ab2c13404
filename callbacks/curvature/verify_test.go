package curvature

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// solverFunc is a solver from outside.
type solverFunc func(ctx context.Context, op Operator, s Settings) (*Spectrum, error)

func (f solverFunc) Solve(ctx context.Context, op Operator, s Settings) (*Spectrum, error) {
	return f(ctx, op, s)
}

// bare has what a solver must return of diag(5, 4, …, 0), and nothing else.
func bare(_ context.Context, op Operator, s Settings) (*Spectrum, error) {
	n := op.Dim()
	spectrum := &Spectrum{Method: "bare", Dim: n}
	for _, end := range []struct {
		pairs *Pairs
		index []int
	}{{&spectrum.Top, ends(n, s.Top, -1)}, {&spectrum.Bottom, ends(n, s.Bottom, 1)}} {
		if len(end.index) == 0 {
			continue
		}
		end.pairs.Vectors = mat.NewDense(len(end.index), n, nil)
		for i, j := range end.index {
			end.pairs.Values = append(end.pairs.Values, float64(n-1-j))
			end.pairs.Vectors.Set(i, j, -1)
		}
	}
	return spectrum, nil
}

// spoiled is bare with a change.
func spoiled(change func(s *Spectrum)) Solver {
	return solverFunc(func(ctx context.Context, op Operator, s Settings) (*Spectrum, error) {
		spectrum, err := bare(ctx, op, s)
		change(spectrum)
		return spectrum, err
	})
}

func diagonalOfSix() *conjugated { return conjugate([]float64{5, 4, 3, 2, 1, 0}, 0) }

func TestForeignSolverCompleted(t *testing.T) {
	for _, test := range []struct {
		name        string
		top, bottom int
		complete    bool
	}{
		{"two ends", 2, 1, false},
		{"top only", 3, -1, false},
		{"neither", -1, -1, false},
		{"all", 4, 2, true},
		{"overlapping", 4, 4, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			op := diagonalOfSix()
			s, err := Solve(t.Context(), op, Settings{Method: "ignored", Top: test.top, Bottom: test.bottom, Solver: solverFunc(bare)})
			if err != nil {
				t.Fatal(err)
			}
			if s.Method != "bare" || !s.Converged || s.Reason != "" || s.Applications != op.calls || !math.IsNaN(s.Asymmetry) {
				t.Errorf("%v, converged %v, reason %q, %d H·v (%d counted), asymmetry %v", s.Method, s.Converged, s.Reason, s.Applications, op.calls, s.Asymmetry)
			}
			if len(s.Top.Values) != max(test.top, 0) || len(s.Bottom.Values) != max(test.bottom, 0) {
				t.Errorf("%d and %d pairs", len(s.Top.Values), len(s.Bottom.Values))
			}
			checkSpectrum(t, op, s, op.diagonal, 0)
			checkEigenspace(t, op, s.Resolved)
			if s.Resolved.Complete != test.complete || test.complete && !slices.Equal(s.Resolved.Values, []float64{5, 4, 3, 2, 1}) {
				t.Errorf("resolved %v, complete %v", s.Resolved.Values, s.Resolved.Complete)
			}
		})
	}
}

// What a solver claims of its pairs is not believed.
func TestForeignSolverNotBelieved(t *testing.T) {
	settings := Settings{Top: 2, Bottom: 1, Tolerance: 1e-3}
	resolved, err := NewEigenspace(Pairs{Values: []float64{5, 3.5}, Vectors: mat.NewDense(2, 6, []float64{1, 11: 0, 7: 1}), Residuals: []float64{0, 0}}, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name      string
		change    func(s *Spectrum)
		converged bool
		reason    string
		residual  float64 // of the first top pair
	}{
		{"false modesty", func(s *Spectrum) { s.Converged, s.Top.Residuals, s.Threshold = false, []float64{9, 9}, 9 }, true, "", 0},
		{"false pride", func(s *Spectrum) { s.Converged, s.Top.Values[0] = true, 5.5 }, false, "1 of 3 pairs have residuals above 0.0055", 0.5},
		{"lost pair", func(s *Spectrum) { s.Bottom = Pairs{Vectors: &mat.Dense{}} }, false, "2 of 3 pairs were found", 0},
		{"a reason of its own", func(s *Spectrum) { s.Converged, s.Reason = true, "out of time" }, false, "out of time", 0},
		{"residuals of Resolved", func(s *Spectrum) { s.Resolved = resolved }, true, "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			op := diagonalOfSix()
			settings.Solver = spoiled(test.change)
			s, err := Solve(t.Context(), op, settings)
			if err != nil {
				t.Fatal(err)
			}
			if s.Converged != test.converged || s.Reason != test.reason || s.Applications != op.calls {
				t.Errorf("converged %v, reason %q, %d H·v (%d counted)", s.Converged, s.Reason, s.Applications, op.calls)
			}
			if s.Top.Residuals[0] != test.residual || s.Threshold != 1e-3*s.Top.Values[0] {
				t.Errorf("residuals %v, threshold %v", s.Top.Residuals, s.Threshold)
			}
		})
	}
	settings.Solver = spoiled(func(s *Spectrum) { s.Resolved = resolved })
	s, err := Solve(t.Context(), diagonalOfSix(), settings)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Resolved.Residuals, []float64{0, 0.5}) || !slices.Equal(resolved.Residuals, []float64{0, 0}) || !s.Resolved.Complete {
		t.Errorf("residuals %v, those of the solver %v", s.Resolved.Residuals, resolved.Residuals)
	}
}

func TestForeignSolverErrors(t *testing.T) {
	broken := errors.New("broken")
	other, err := NewEigenspace(Pairs{Values: []float64{1}, Vectors: mat.NewDense(1, 2, []float64{1, 0}), Residuals: []float64{0}}, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		solver Solver
		want   string
	}{
		{"its own", solverFunc(func(context.Context, Operator, Settings) (*Spectrum, error) { return nil, broken }), "broken"},
		{"nothing", solverFunc(func(context.Context, Operator, Settings) (*Spectrum, error) { return nil, nil }), "neither a spectrum nor an error"},
		{"no name", spoiled(func(s *Spectrum) { s.Method = "" }), `its Method is "": want the solver's name`},
		{"auto", spoiled(func(s *Spectrum) { s.Method = Auto }), `its Method is "auto"`},
		{"dimension", spoiled(func(s *Spectrum) { s.Dim = 5 }), "its Dim is 5: want the operator's dimension, 6"},
		{"applications", spoiled(func(s *Spectrum) { s.Applications = -1 }), "its Applications are -1"},
		{"too few values", spoiled(func(s *Spectrum) { s.Top.Values = s.Top.Values[:1] }), "its Top: 1 values and 2 vectors"},
		{"no vectors", spoiled(func(s *Spectrum) { s.Bottom.Vectors = nil }), "its Bottom: 1 values and 0 vectors"},
		{"short vectors", spoiled(func(s *Spectrum) { s.Bottom.Vectors = mat.NewDense(1, 5, []float64{1, 0, 0, 0, 0}) }), "vectors in ℝ^5: want vectors in ℝ^6"},
		{"residuals", spoiled(func(s *Spectrum) { s.Top.Residuals = []float64{1} }), "2 values and 1 residuals"},
		{"more than asked for", spoiled(func(s *Spectrum) { s.Bottom = s.Top }), "its Bottom: 2 pairs: want at most 1"},
		{"NaN value", spoiled(func(s *Spectrum) { s.Top.Values[1] = math.NaN() }), "value 1 is NaN"},
		{"NaN in a vector", spoiled(func(s *Spectrum) { s.Top.Vectors.Set(1, 3, math.NaN()) }), "vector 1 has NaN at component 3"},
		{"order", spoiled(func(s *Spectrum) { slices.Reverse(s.Top.Values) }), "value 1 is 5, after 4: want descending values"},
		{"norm", spoiled(func(s *Spectrum) { s.Top.Vectors.Scale(2, s.Top.Vectors) }), "vector 0 has the norm 2: want 1"},
		{"product", spoiled(func(s *Spectrum) { s.Top.Vectors.Set(1, 0, 1e-5) }), "vectors 0 and 1 have the product -1e-05"},
		{"the same twice", spoiled(func(s *Spectrum) { s.Bottom.Vectors.SetRow(0, s.Top.Vectors.RawRowView(1)) }), "its Top and then Bottom: vectors 1 and 2 have the product 1"},
		{"trace without bounds", spoiled(func(s *Spectrum) { s.Trace = &Estimate{Value: 15} }), "its Trace is 15, from 0 to 0: want Low ≤ Value ≤ High"},
		{"too few of all", spoiled(func(s *Spectrum) { s.All = []float64{1} }), "its All has 1 eigenvalues: want none or all 6"},
		{"all descending", spoiled(func(s *Spectrum) { s.All = []float64{5, 4, 3, 2, 1, 0} }), "want ascending values"},
		{"all with a NaN", spoiled(func(s *Spectrum) { s.All = []float64{5, 4, 3, 2, 1, math.NaN()} }), "value 5 is NaN"},
		{"another space", spoiled(func(s *Spectrum) { s.Resolved = other }), "1 vectors in ℝ^2: want what NewEigenspace returns of vectors in ℝ^6"},
		{"no space", spoiled(func(s *Spectrum) { s.Resolved = &Eigenspace{Values: []float64{1}} }), "0 vectors in ℝ^0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := Solve(t.Context(), diagonalOfSix(), Settings{Top: 2, Bottom: 1, Solver: test.solver})
			if err == nil || !strings.HasPrefix(err.Error(), "curvature: solver curvature.solverFunc: ") || !strings.Contains(err.Error(), test.want) || s != nil {
				t.Errorf("error %v: want one with %q", err, test.want)
			}
			if test.want == "broken" && !errors.Is(err, broken) {
				t.Errorf("%v does not wrap the solver's error", err)
			}
		})
	}
	op := failing{6, func(_, _ *mat.Dense) error { return broken }}
	if _, err := Solve(t.Context(), op, Settings{Solver: solverFunc(bare)}); !errors.Is(err, broken) || !strings.Contains(err.Error(), "residuals of its pairs") {
		t.Errorf("error %v of the operator", err)
	}
}

// Settings that only a method of this package uses do not matter to another solver.
func TestForeignSolverSettings(t *testing.T) {
	var got Settings
	s := Settings{Method: Reduced, MaxBasis: 1, Solver: solverFunc(func(ctx context.Context, op Operator, s Settings) (*Spectrum, error) {
		got = s
		return bare(ctx, op, s)
	})}
	if s.WantsSeeds(6) || s.Validate(6) != nil {
		t.Errorf("wants seeds %v, error %v", s.WantsSeeds(6), s.Validate(6))
	}
	if _, err := s.Memory(6, 6, 0); err == nil || !strings.Contains(err.Error(), "not known") {
		t.Errorf("error %v of Memory: want one that says it is not known", err)
	}
	if _, err := Solve(t.Context(), diagonalOfSix(), s); err != nil {
		t.Error(err)
	}
	if got.Top != 6 || got.Bottom != 5 || got.Tolerance != 1e-8 || got.Resolution != 1e-10 || got.Solver != nil {
		t.Errorf("settings %+v", got)
	}
	s.Tolerance = -1
	if err := s.Validate(6); err == nil {
		t.Error("no error for a negative tolerance")
	}
}

// A solver may hand its settings on to Solve, for example to change the operator.
func TestForeignSolverDelegates(t *testing.T) {
	op := conjugate(hessianLike(600), 2)
	s, err := Solve(t.Context(), op, Settings{Method: Reduced, Top: 3, Bottom: 1, Solver: solverFunc(Solve)})
	if err != nil {
		t.Fatal(err)
	}
	want := reduce(t, op, Settings{Top: 3, Bottom: 1})
	if s.Method != Reduced || !s.Converged || !s.Resolved.Complete || s.Resolved.Len() != want.Resolved.Len() {
		t.Errorf("%v, converged %v, %d resolved pairs, want %d", s.Method, s.Converged, s.Resolved.Len(), want.Resolved.Len())
	}
	if s.Applications != want.Applications+4+s.Resolved.Len() {
		t.Errorf("%d H·v, want one more for each pair than %d", s.Applications, want.Applications)
	}
	checkSpectrum(t, op, s, op.diagonal, 1e-13)
	checkEigenspace(t, op, s.Resolved)
}
