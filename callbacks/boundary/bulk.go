package boundary

import (
	"math"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/quantile"
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
	positive := quantile.Weighted{Values: nodes, Weights: weights}
	b := &Bulk{Median: positive.Quantile(0.5), Error: (1 + 2*edgeWidth) * d.Error}
	for i, node := range nodes {
		nodes[i] = math.Abs(node - b.Median)
	}
	positive.Sort()
	b.MAD = positive.Quantile(0.5)
	return b
}

// Bulk is the bulk of the spectrum's positive part, as estimated by a density
// of states.
type Bulk struct {
	Median, MAD float64
	Error       float64 // of Median + 6·MAD
}

const edgeWidth = 6

func (b Bulk) edge() float64 { return b.Median + edgeWidth*b.MAD }
