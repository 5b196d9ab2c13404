package boundary

import (
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
)

// NewBulk returns the bulk of the positive eigenvalues that a density has
// beside those found one by one: those above τ|λ₁|, for a network's Hessian is
// zero in most directions. It is nil if there are none.
func NewBulk(d *curvature.Density) *Bulk {
	if len(d.Deflated) == 0 {
		return nil
	}
	floor := Floor * math.Abs(d.Deflated[0])
	var nodes, weights []float64
	for i, node := range d.Nodes { // ascending
		if node > floor && !slices.Contains(d.Deflated, node) {
			nodes, weights = append(nodes, node), append(weights, d.Weights[i])
		}
	}
	if len(nodes) == 0 {
		return nil
	}
	b := &Bulk{Median: stat.Quantile(0.5, stat.Empirical, nodes, weights), Error: (1 + 2*edgeWidth) * d.Error}
	for i, node := range nodes {
		nodes[i] = math.Abs(node - b.Median)
	}
	sort.Sort(byNode{nodes, weights})
	b.MAD = stat.Quantile(0.5, stat.Empirical, nodes, weights)
	return b
}

// byNode sorts nodes, each with its weight.
type byNode struct{ nodes, weights []float64 }

func (s byNode) Len() int           { return len(s.nodes) }
func (s byNode) Less(i, j int) bool { return s.nodes[i] < s.nodes[j] }
func (s byNode) Swap(i, j int) {
	s.nodes[i], s.nodes[j] = s.nodes[j], s.nodes[i]
	s.weights[i], s.weights[j] = s.weights[j], s.weights[i]
}
