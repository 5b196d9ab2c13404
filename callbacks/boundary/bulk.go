package boundary

import (
	"math"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/quantile"
)

// NewBulk estimates the bulk from a density of states: the positive eigenvalues
// above τ|λ₁| that were not found one by one. Those below do not belong to it,
// since a network's Hessian is zero in most directions. NewBulk returns nil if
// the density has none above.
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

// Bulk describes the bulk of the positive eigenvalues, as a density of states
// estimates it. The edge of the bulk is Median + 6·MAD.
type Bulk struct {
	Median float64
	MAD    float64 // the median absolute deviation from the median
	Error  float64 // bounds the error of the edge
}

const edgeWidth = 6 // in MAD

func (b Bulk) edge() float64 { return b.Median + edgeWidth*b.MAD }
