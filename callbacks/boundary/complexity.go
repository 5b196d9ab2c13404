package boundary

import (
	"math"
)

// sweep holds the ε at which G is always recorded; 0.04728 is that of the
// paper's figure 4.
var sweep = [...]float64{1e-6, 1e-3, 1e-2, 0.03, 0.04728, 0.05, 0.1, 0.2, 0.3, 0.5}

// Complexity is the complexity of the decision boundary near the samples: the
// share of all P eigenvectors that are aligned with some sample's gradient,
//
//	G(ε) = (1/P) · #{ i : |λᵢ| > τ|λ₁| and maxₙ |Aᵢ(xₙ)| ≥ ε }.
//
// A lower G means a simpler boundary. G depends on ε, so ε is recorded with it,
// and G at other ε too.
type Complexity struct {
	Tally

	// EpsilonOrigin is "calibrated" or "given". If the pairs are not complete, the
	// number m that ε is calibrated for is known as an interval only. Epsilon is
	// then that of its upper end, Resolvable, and Low and High hold for every m in
	// the interval.
	EpsilonOrigin string  `json:"epsilon_origin"`
	Alpha         float64 `json:"alpha,omitempty"` // of a calibrated ε

	Parameters int `json:"parameters"` // P
	// Resolvable is the number m of resolvable eigenvectors; an upper bound of it
	// if the pairs are not complete; P if Vectors is AllVectors.
	Resolvable int       `json:"resolvable"`
	Complete   bool      `json:"complete"` // whether all eigenvectors to be counted are known
	Statistic  Statistic `json:"statistic"`
	Vectors    Selection `json:"vectors"`
	// PaperVariant reports whether the statistic or the selection is the paper's;
	// such values are for comparison only.
	PaperVariant bool `json:"paper_variant,omitempty"`

	Energy
	Sweep []Tally `json:"sweep"`
}

// Tally is G at one ε.
type Tally struct {
	Epsilon float64 `json:"epsilon"`
	// Count is the number of known eigenvectors with an alignment of at least ε.
	Count int `json:"count"`
	// Value is G; nil if Low and High differ.
	Value *float64 `json:"value"`
	// Low and High bound G. They are equal if the pairs are complete.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Nearest is the smallest distance between ε and the statistic of a known
	// eigenvector, at most 1.
	Nearest float64 `json:"nearest"`
	// Resolved is false if rounding or the solver's error could change the count:
	// Value is nil, Nearest is at most 1e-6, or an alignment differs from ε by
	// less than its error bound, which follows from its vector's residual and the
	// distances to other eigenvalues. Within a cluster of eigenvalues that
	// residuals do not separate, the basis is the solver's choice, and so is the
	// count if the projection onto the cluster reaches ε.
	Resolved bool `json:"resolved"`
}

// roundingTolerance is how far the alignments of two implementations that round
// differently may be apart.
const roundingTolerance = 1e-6

// Complexity measures the complexity of the boundary. If the pairs are not
// complete, G is known as an interval. The energy rₙ = 1 − Σᵢ Aᵢ(xₙ)² of ĝ(xₙ) lies
// outside the known vectors, so at most Σₙ ⌊rₙ/ε²⌋ of the unknown vectors count,
// and at most as many as there are. A known vector counts for certain, or may
// count, according to the error bound that follows from its residual. The
// innermost vectors at either end have unknown neighbours, so their bounds are
// trivial. The interval presumes that no pair is missing between the known ones.
func (e *Eigenpairs) Complexity(s ComplexitySettings) (*Complexity, error) {
	s, err := s.resolve()
	if err != nil {
		return nil, err
	}
	if err := e.validate(); err != nil {
		return nil, err
	}
	if e.Alignments == nil {
		return nil, errNoAlignments
	}
	o := e.order()
	c := &Complexity{
		EpsilonOrigin: "given", Parameters: e.Parameters, Statistic: s.Statistic, Vectors: s.Vectors,
		Complete:     o.complete && s.Vectors == ResolvableVectors || len(o.values) == e.Parameters,
		PaperVariant: s.Statistic != MaxAlignment || s.Vectors != ResolvableVectors,
		Energy:       o.energy(e.Alignments),
	}
	lower, upper := o.selectionBounds(s.Vectors)
	c.Resolvable = upper
	epsilon, smallest := s.Epsilon, s.Epsilon
	if epsilon == 0 {
		c.EpsilonOrigin, c.Alpha = "calibrated", s.Alpha
		samples, _ := e.Alignments.Dims()
		if epsilon, err = CalibratedEpsilon(e.Parameters, max(1, upper), samples, s.Alpha); err != nil {
			return nil, err
		}
		if smallest, err = CalibratedEpsilon(e.Parameters, max(1, lower), samples, s.Alpha); err != nil {
			return nil, err
		}
	}
	bounds := o.countBounds(e.Alignments, s, c.Complete)
	c.Tally = bounds.tally(epsilon, smallest)
	for _, epsilon := range sweep {
		c.Sweep = append(c.Sweep, bounds.tally(epsilon, epsilon))
	}
	return c, nil
}

// selectionBounds returns bounds of the number of eigenvectors in a selection.
func (o *ordered) selectionBounds(s Selection) (lower, upper int) {
	if s == AllVectors {
		return o.parameters, o.parameters
	}
	upper = o.parameters
	resolvable := 0
	for i := range o.values {
		certain, possible := o.resolvability(i)
		if certain {
			lower++
		}
		if !possible {
			upper--
		}
		if o.resolvable(i) {
			resolvable++
		}
	}
	if o.complete {
		return resolvable, resolvable
	}
	return lower, upper
}

// tally returns G(ε), with bounds that hold for every ε down to smallest.
func (b *countBounds) tally(epsilon, smallest float64) Tally {
	t := Tally{Epsilon: epsilon, Nearest: 1}
	for _, a := range b.alignments {
		if a >= epsilon {
			t.Count++
		}
		t.Nearest = math.Min(t.Nearest, math.Abs(a-epsilon))
	}
	low, high := b.lower(epsilon), b.upper(smallest)
	t.Resolved = low == high && t.Nearest > roundingTolerance
	if b.complete {
		low, high = t.Count, t.Count
	}
	p := float64(b.parameters)
	t.Low, t.High = float64(low)/p, float64(high)/p
	if low == high {
		value := t.Low
		t.Value = &value
	}
	return t
}
