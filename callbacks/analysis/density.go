package analysis

import (
	"math"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
)

// describeDensity is what is said of the distribution of all eigenvalues. Which
// of them count as positive or negative depends on the largest, the last node.
func describeDensity(d *curvature.Density) *Density {
	described := &Density{Nodes: d.Nodes, Weights: d.Weights, Error: d.Error}
	floor := boundary.Floor * math.Abs(d.Nodes[len(d.Nodes)-1])
	for _, part := range []struct {
		number   *Estimate
		from, to float64
	}{{&described.Positive, floor, math.Inf(1)}, {&described.Negative, math.Inf(-1), -floor}} {
		counted := d.Count(part.from, part.to)
		*part.number = Estimate{counted.Value, counted.Error, counted.Samples}
	}
	return described
}
