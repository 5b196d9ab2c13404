package curvature

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/callbacks/quantile"
)

// Density is the distribution of the eigenvalues of H, each with the weight 1/n. Of
// these, k were found and deflated; they are in it as they are. The distribution of
// the other n − k, the bulk, is the mean of quadrature rules, one for each of some
// random vectors.
type Density struct {
	Dim      int
	Deflated []float64 // the eigenvalues found, descending
	Rules    []Rule    // one a random vector; none if k = n

	// Nodes, ascending, and Weights are the whole as one discrete distribution. The
	// weights sum to 1.
	Nodes, Weights []float64

	// Error is a bound, with a probability of about 0.95, of the Wasserstein-1
	// distance to the true distribution: the mean |λᵢ − λ̂ᵢ| over the ordered
	// eigenvalues. It is the sum of three terms.
	//
	// Discretisation: a rule of s nodes integrates polynomials of degree 2s − 1
	// exactly. By Jackson's theorem, its distance to the measure that it approximates
	// is at most π·I/(4s), where I is the width of the bulk. This is the bound of Chen,
	// Trogdon & Ubaru (2021) with Favard's constant. The term is zero for rules that
	// are exact.
	//
	// Sampling: at any λ, the share F of the bulk below λ is measured by v vectors,
	// uniform on the sphere in ℝᵈ. The variance is 2F(1 − F)/(v(d + 2)), as that of a
	// share counted in v(d + 2)/2 independent trials. The term is the longer side of
	// Wilson's 95 % interval for F, integrated over λ.
	//
	// Deflation: 2/n times the sum of the residuals of the deflated pairs.
	Error float64
}

// Rule is a Gauss quadrature rule for the spectral measure Σ ⟨uᵢ, z⟩²·δ(λ − λᵢ)
// of a random unit vector z orthogonal to the deflated eigenvectors. The weights
// sum to 1. If Exact is true, the rule is the measure itself.
type Rule struct {
	Nodes, Weights []float64
	Exact          bool
}

// bulk returns n − k, the number of eigenvalues not deflated.
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

// bulkNodes returns the nodes of all rules in ascending order.
func (d *Density) bulkNodes() quantile.Weighted {
	bulk := Density{Dim: d.Dim, Rules: d.Rules}
	bulk.merge()
	return quantile.Weighted{Values: bulk.Nodes, Weights: bulk.Weights}
}

// setError sets Error. overhang is how far the bulk may extend beyond the nodes, at
// either end; residuals are those of the deflated pairs.
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

// wilson returns the longer side of Wilson's (1927) 95 % interval around p, a share
// counted in n trials.
func wilson(p, n float64) float64 {
	const z = 1.96
	shift := z * z / n
	arm := z * math.Sqrt(max(p*(1-p), 0)/n+shift/(4*n))
	return (arm + math.Abs(1-2*p)*shift/2) / (1 + shift)
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
