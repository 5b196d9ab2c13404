package curvature

import (
	"context"
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Method is an algorithm that finds eigenpairs of an [Operator].
type Method int

const (
	// Auto is Dense up to [Settings.DenseLimit] dimensions and Lanczos above.
	Auto Method = iota

	// Dense stores H, column by column from n applications, and decomposes it
	// fully. It takes 32·n² bytes and O(n³) time, and refuses n > 20,000.
	Dense

	// Lanczos finds the pairs at the ends of the spectrum by thick-restart
	// Lanczos with full reorthogonalisation. It takes 2·m·n·8 bytes, where
	// m = 2(Top+Bottom) + 20, and refuses more than 12.8 GB. Usually it takes
	// some hundred applications.
	Lanczos
)

var methodNames = [...]string{Auto: "auto", Dense: "dense", Lanczos: "lanczos"}

// String returns the method's name in lower case.
func (m Method) String() string {
	if m < 0 || int(m) >= len(methodNames) {
		return fmt.Sprintf("Method(%d)", int(m))
	}
	return methodNames[m]
}

// MarshalText returns the method's name; an unknown method is an error.
func (m Method) MarshalText() ([]byte, error) {
	if m < 0 || int(m) >= len(methodNames) {
		return nil, fmt.Errorf("curvature: no method has the number %d", int(m))
	}
	return []byte(methodNames[m]), nil
}

// UnmarshalText sets m to the method of that name.
func (m *Method) UnmarshalText(text []byte) error {
	for i, name := range methodNames {
		if name == string(text) {
			*m = Method(i)
			return nil
		}
	}
	return fmt.Errorf("unknown eigenvalue method %q: want one of %s", text, strings.Join(methodNames[:], ", "))
}

// Settings says which eigenpairs to find, how well, and at what cost. The zero
// value means the defaults.
type Settings struct {
	Method Method

	// DenseLimit is the largest dimension for which Auto means Dense. If it
	// equals zero, it is 500: about 0.3 s. The time grows faster than n³.
	DenseLimit int

	// Top and Bottom are the numbers of algebraically largest and smallest
	// eigenpairs to find. If they equal zero they are 10 and 5; if negative,
	// none. Above n they are n. Ask Lanczos for no bottom pairs of a positive
	// semidefinite operator with values decaying to zero: in that crowd hardly
	// any pair converges.
	Top, Bottom int

	// Tolerance is the largest residual ‖H v − θ v‖₂ of a converged pair,
	// relative to the largest |θ|. If it equals zero, it is 1e-8. Below about
	// 1e-14 it cannot be met.
	Tolerance float64

	// MaxApplications bounds the H·v of Lanczos and is not less than the number
	// of pairs. Reaching it is not an error: the spectrum is then not Converged.
	// If it equals zero, it is 40 a pair, and at least 300.
	MaxApplications int

	// Seed determines the random vectors of Lanczos. The same seed gives the
	// same spectrum, bit for bit.
	Seed uint64

	// Start has approximate eigenvectors as rows of length n, such as
	// [Spectrum.Vectors] of an earlier measurement. They may be any number and
	// need not be independent: Lanczos starts from the sum of the normalised
	// rows, whose Krylov space soon holds the vectors near them. If it is nil, the
	// start is random. Dense does not use it.
	Start *mat.Dense

	// Progress, if not nil, is called now and then with the numbers of pairs
	// known to have converged, of pairs wanted and of H·v so far.
	Progress func(converged, wanted, applications int)
}

// Pairs are approximate eigenpairs (θᵢ, vᵢ) of an [Operator] H.
type Pairs struct {
	Values    []float64  // θᵢ
	Vectors   *mat.Dense // vᵢ as row i; ‖vᵢ‖₂ = 1, the entry of largest magnitude positive; nil if there are none
	Residuals []float64  // ‖H vᵢ − θᵢ vᵢ‖₂
}

// Estimate is a measured number and the error it may have.
type Estimate struct {
	Value, Error float64
}

// Spectrum is what [Solve] found.
//
// Guaranteed, up to rounding, is each pair by itself: an eigenvalue of H lies
// within Residuals[i] of Values[i]; and the vectors are orthonormal, so no
// eigenvector is counted twice. Dense also misses none.
//
// With Lanczos it is not guaranteed that none is missing. From a single start,
// further copies of a repeated eigenvalue appear through rounding alone, and a
// direction absent from a warm start likewise. So the solver ends with a
// probe, eight steps from a random vector orthogonal to all it has, and goes
// on if that brings a wanted pair which has not converged. The probe catches
// what stands out from the rest of the spectrum. It can overlook a further
// copy of a value in the crowd where the wanted pairs end; the values listed
// after it are then each one further in than they should be.
type Spectrum struct {
	Method      Method // never Auto
	Dim         int
	Top, Bottom Pairs // Top descending, Bottom ascending; they overlap if Top+Bottom > n

	// Converged reports whether every residual is at most Threshold, which is
	// Tolerance times the largest |θ|, and Lanczos' final probe found nothing more.
	Converged bool
	Threshold float64

	// Applications is the number of H·v spent.
	Applications int

	// All has every eigenvalue in ascending order, from Dense; else it is nil.
	All []float64

	// Trace is Σ Hⱼⱼ, from Dense; else it is nil. Its error is that of summation
	// plus ‖H − Hᵀ‖_F, the size of the error the images themselves admit to.
	Trace *Estimate

	// Asymmetry is ‖H − Hᵀ‖_F / ‖H‖_F, from Dense; else it is NaN.
	Asymmetry float64
}

// Vectors returns a copy of the vectors of Top and then Bottom, one a row: the
// [Settings.Start] of a later measurement. It returns nil if there are none.
func (s *Spectrum) Vectors() *mat.Dense {
	top, bottom := len(s.Top.Values), len(s.Bottom.Values)
	if top+bottom == 0 {
		return nil
	}
	v := mat.NewDense(top+bottom, s.Dim, nil)
	if top > 0 {
		v.Slice(0, top, 0, s.Dim).(*mat.Dense).Copy(s.Top.Vectors)
	}
	if bottom > 0 {
		v.Slice(top, top+bottom, 0, s.Dim).(*mat.Dense).Copy(s.Bottom.Vectors)
	}
	return v
}

// Solve finds eigenpairs of the symmetric op. Settings that make no sense are
// errors, and so are images that are not finite; op's own errors and ctx.Err()
// come back wrapped. A cancelled ctx is noticed before every H·v.
func Solve(ctx context.Context, op Operator, s Settings) (*Spectrum, error) {
	s, err := s.resolve(op.Dim())
	if err != nil {
		return nil, fmt.Errorf("curvature: %w", err)
	}
	if s.Method == Dense {
		return solveDense(ctx, op, s)
	}
	return solveLanczos(ctx, op, s)
}

// resolve puts numbers in place of defaults for an operator on ℝⁿ, and checks
// them.
func (s Settings) resolve(n int) (Settings, error) {
	if n < 1 {
		return s, fmt.Errorf("the operator has dimension %d: want at least 1", n)
	}
	if s.Method < 0 || int(s.Method) >= len(methodNames) {
		return s, fmt.Errorf("no method has the number %d", int(s.Method))
	}
	s.Top = pairCount(s.Top, 10, n)
	s.Bottom = pairCount(s.Bottom, 5, n)
	if s.Tolerance == 0 {
		s.Tolerance = 1e-8
	}
	if !(s.Tolerance > 0 && s.Tolerance < 1) {
		return s, fmt.Errorf("tolerance %v: want 0 < tolerance < 1", s.Tolerance)
	}
	if s.DenseLimit == 0 {
		s.DenseLimit = 500
	}
	if s.Method == Auto && n <= s.DenseLimit {
		s.Method = Dense
	}
	if s.Method == Auto {
		s.Method = Lanczos
	}
	if s.Method == Dense {
		return s, checkDense(n)
	}
	return s, s.checkLanczos(n)
}

// Validate is the error that [Solve] has for these settings and any operator on
// ℝⁿ: better known before a training than in it.
func (s Settings) Validate(n int) error {
	if _, err := s.resolve(n); err != nil {
		return fmt.Errorf("curvature: %w", err)
	}
	return nil
}

func pairCount(setting, byDefault, n int) int {
	if setting == 0 {
		setting = byDefault
	}
	return min(max(setting, 0), n)
}

// settle fixes the vectors' length and sign.
func (p *Pairs) settle() {
	for i := range p.Values {
		v := p.Vectors.RawRowView(i)
		scale := 1 / floats.Norm(v, 2)
		if v[blas64.Iamax(blas64.Vector{N: len(v), Data: v, Inc: 1})] < 0 {
			scale = -scale
		}
		floats.Scale(scale, v)
	}
}

// conclude sets what follows from the pairs themselves.
func (s *Spectrum) conclude(tolerance, scale float64) {
	s.Threshold = tolerance * scale
	s.Converged = true
	for _, p := range []Pairs{s.Top, s.Bottom} {
		for _, r := range p.Residuals {
			s.Converged = s.Converged && r <= s.Threshold
		}
	}
}

// maxAbs returns the largest magnitude in ascending values.
func maxAbs(values []float64) float64 {
	return math.Max(math.Abs(values[0]), math.Abs(values[len(values)-1]))
}
