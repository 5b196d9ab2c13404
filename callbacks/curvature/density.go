package curvature

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/callbacks/quantile"
)

// Density is the distribution of the eigenvalues of H, each with the weight 1/n:
// that of the k eigenvalues found and deflated, exact, and that of the other
// n − k, the bulk, as the mean of the quadrature rules of some random vectors.
type Density struct {
	Dim      int
	Deflated []float64 // the eigenvalues found, descending
	Rules    []Rule    // one a random vector; none if k = n

	// Nodes, ascending, and Weights are all of this as one discrete distribution.
	// The weights sum to 1.
	Nodes, Weights []float64

	// Error bounds the Wasserstein-1 distance to the true distribution, that is
	// the mean |λᵢ − λ̂ᵢ| over the ordered eigenvalues, with a probability of about
	// 0.95. It is the sum of three terms.
	//
	// A rule of s nodes integrates polynomials of degree 2s − 1 exactly. By
	// Jackson's theorem it is at most π·I/(4s) from the measure it stands for, if
	// I is the width of the bulk; that is the idea of Chen, Trogdon & Ubaru (2021),
	// with the constant of Favard. The term is zero where Lanczos ended early.
	//
	// At any λ, the share F of the bulk below λ is measured by v vectors, uniform
	// on the sphere in ℝᵈ, with the variance 2F(1 − F)/(v(d + 2)), that of v(d + 2)/2
	// yes-or-no answers. The term is the larger arm of Wilson's 95 % interval for
	// F, integrated over λ.
	//
	// The last is 2/n times the residuals of the deflated pairs.
	Error float64
}

// Rule is a Gauss quadrature rule for the spectral measure Σ ⟨uᵢ, z⟩²·δ(λ − λᵢ)
// of a random unit vector z orthogonal to the deflated eigenvectors. The weights
// sum to 1. It is the measure itself if Exact.
type Rule struct {
	Nodes, Weights []float64
	Exact          bool
}

// bulk returns n − k.
func (d *Density) bulk() int { return d.Dim - len(d.Deflated) }

// merge sets Nodes and Weights.
func (d *Density) merge() {
	n := float64(d.Dim)
	for _, value := range d.Deflated {
		d.Nodes = append(d.Nodes, value)
		d.Weights = append(d.Weights, 1/n)
	}
	share := float64(d.bulk()) / n / float64(len(d.Rules))
	for _, r := range d.Rules {
		for i, node := range r.Nodes {
			d.Nodes = append(d.Nodes, node)
			d.Weights = append(d.Weights, share*r.Weights[i])
		}
	}
	quantile.Weighted{Values: d.Nodes, Weights: d.Weights}.Sort()
}

// mean returns Σ wᵢ f(θᵢ).
func (r Rule) mean(f func(λ float64) float64) float64 {
	sum := 0.0
	for i, node := range r.Nodes {
		sum += r.Weights[i] * f(node)
	}
	return sum
}

// bulkNodes returns the nodes of all rules in ascending order.
func (d *Density) bulkNodes() quantile.Weighted {
	bulk := Density{Dim: d.Dim, Rules: d.Rules}
	bulk.merge()
	return quantile.Weighted{Values: bulk.Nodes, Weights: bulk.Weights}
}

// setError sets Error. Overhang is how far the bulk may reach beyond the nodes.
func (d *Density) setError(overhang float64, residuals []float64) {
	n, dim := float64(d.Dim), float64(d.bulk())
	d.Error = 2 * floats.Sum(residuals) / n
	if len(d.Rules) == 0 {
		return
	}
	bulk := d.bulkNodes()
	last := len(bulk.Values) - 1
	width := bulk.Values[last] - bulk.Values[0] + 2*overhang
	discretisation, sampling := 0.0, 0.0
	for _, r := range d.Rules {
		if !r.Exact {
			discretisation += math.Pi / 4 * width / float64(len(r.Nodes)) / float64(len(d.Rules))
		}
	}
	below := 0.0
	for i := range last {
		below += bulk.Weights[i] * n / dim
		sampling += wilson(below, float64(len(d.Rules))*(dim+2)/2) * (bulk.Values[i+1] - bulk.Values[i])
	}
	d.Error += dim / n * (discretisation + sampling)
}

// wilson returns the larger distance of the bounds of Wilson's (1927) 95 %
// interval from p, a share measured by n answers.
func wilson(p, n float64) float64 {
	const z = 1.96
	shift := z * z / n
	arm := z * math.Sqrt(max(p*(1-p), 0)/n+shift/(4*n))
	return (arm + math.Abs(1-2*p)*shift/2) / (1 + shift)
}

// complement returns what the rules say of H outside the deflated space.
func (d *Density) complement() *complement {
	c := &complement{}
	for _, r := range d.Rules {
		c.quadratic = append(c.quadratic, float64(d.bulk())*r.mean(func(λ float64) float64 { return λ }))
		c.squares = append(c.squares, float64(d.bulk())*r.mean(func(λ float64) float64 { return λ * λ }))
	}
	return c
}

// newRule returns the rule of a Lanczos process with the given coefficients: the
// eigenvalues of its tridiagonal matrix, and the squared first components of the
// eigenvectors (Golub & Welsch 1969).
func newRule(nodes, first []float64, exact bool) Rule {
	r := Rule{Nodes: slices.Clone(nodes), Weights: make([]float64, len(nodes)), Exact: exact}
	for i, c := range first {
		r.Weights[i] = c * c
	}
	floats.Scale(1/floats.Sum(r.Weights), r.Weights)
	return r
}
