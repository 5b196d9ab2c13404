package boundary

import (
	"math"
)

// sweep are the ε that are always recorded; 0.04728 is the paper's of figure 4.
var sweep = [...]float64{1e-6, 1e-3, 1e-2, 0.03, 0.04728, 0.05, 0.1, 0.2, 0.3, 0.5}

// Complexity is the complexity of the decision boundary near the samples: the
// share of all P eigenvectors that are aligned with some sample's gradient,
//
//	G(ε) = (1/P) · #{ i : |λᵢ| > τ|λ₁| and maxₙ |Aᵢ(xₙ)| ≥ ε }.
//
// Lower is simpler. It depends on ε, so ε is recorded, and G for others too.
type Complexity struct {
	Tally

	// EpsilonOrigin is "calibrated" or "given". Calibrated for pairs that are not
	// complete, ε is that for Resolvable, and Low and High hold for that of any
	// smaller possible number.
	EpsilonOrigin string  `json:"epsilon_origin"`
	Alpha         float64 `json:"alpha,omitempty"` // of a calibrated ε

	Parameters int `json:"parameters"` // P
	// Resolvable is the number m of resolvable eigenvectors, or of all that may be
	// if the pairs are not complete; P if Vectors is AllVectors.
	Resolvable int       `json:"resolvable"`
	Complete   bool      `json:"complete"` // whether all of those are known
	Statistic  Statistic `json:"statistic"`
	Vectors    Selection `json:"vectors"`
	// PaperVariant marks a measure with the paper's statistic or selection, for
	// comparison only.
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
	// Nearest is the least distance from ε of a known eigenvector's max or mean
	// alignment, at most 1.
	Nearest float64 `json:"nearest"`
	// Resolved is false if the count could be another: Value is nil, Nearest is
	// at most 1e-6, or an alignment's error bar, from its vector's residual and
	// distance to other eigenvalues, reaches ε. Within a cluster of eigenvalues
	// that residuals do not tell apart, the basis, and so the count, is the
	// solver's choice as soon as the projection onto the cluster reaches ε.
	Resolved bool `json:"resolved"`
}

const hair = 1e-6 // what implementations with other rounding may differ by

// Complexity measures the complexity of the boundary. Of pairs that are not
// complete it is certain only within an interval: of ĝ(xₙ) the known vectors miss
// the energy rₙ = 1 − Σᵢ Aᵢ(xₙ)², and so at most Σₙ ⌊rₙ/ε²⌋ further vectors
// can be counted, and at most as many as there are. The known ones count
// as far as their residuals allow; the innermost at either end, with unknown
// neighbours, are therefore not certain at all. The interval takes for granted
// that no pair is missing from between the known ones.
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
	least, most := o.selected(s.Vectors)
	c.Resolvable = most
	epsilon, lowest := s.Epsilon, s.Epsilon
	if epsilon == 0 {
		c.EpsilonOrigin, c.Alpha = "calibrated", s.Alpha
		samples, _ := e.Alignments.Dims()
		if epsilon, err = CalibratedEpsilon(e.Parameters, max(1, most), samples, s.Alpha); err != nil {
			return nil, err
		}
		if lowest, err = CalibratedEpsilon(e.Parameters, max(1, least), samples, s.Alpha); err != nil {
			return nil, err
		}
	}
	census := o.census(e.Alignments, s, c.Complete)
	c.Tally = census.tally(epsilon, lowest)
	for _, epsilon := range sweep {
		c.Sweep = append(c.Sweep, census.tally(epsilon, epsilon))
	}
	return c, nil
}

// selected returns the least and the largest possible number of eigenvectors
// in a selection.
func (o *ordered) selected(s Selection) (least, most int) {
	if s == AllVectors {
		return o.parameters, o.parameters
	}
	most = o.parameters
	counted := 0
	for i := range o.values {
		sure, possible := o.resolvability(i)
		if sure {
			least++
		}
		if !possible {
			most--
		}
		if o.resolvable(i) {
			counted++
		}
	}
	if o.complete {
		return counted, counted
	}
	return least, most
}

// tally returns G(ε) of an ε that may be as small as lowest.
func (c *census) tally(epsilon, lowest float64) Tally {
	t := Tally{Epsilon: epsilon, Nearest: 1}
	for _, a := range c.alignments {
		if a >= epsilon {
			t.Count++
		}
		t.Nearest = math.Min(t.Nearest, math.Abs(a-epsilon))
	}
	low, high := c.certain(epsilon), c.possible(lowest)
	t.Resolved = low == high && t.Nearest > hair
	if c.complete {
		low, high = t.Count, t.Count
	}
	p := float64(c.parameters)
	t.Low, t.High = float64(low)/p, float64(high)/p
	if low == high {
		value := t.Low
		t.Value = &value
	}
	return t
}
