package boundary

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// census is what can be known about the number of eigenvectors that are
// aligned with the samples' gradients, for any ε.
type census struct {
	statistic  Statistic
	parameters int
	complete   bool
	alignments []float64 // of the known eigenvectors that are selected: max or mean over samples
	groups     []group
	missed     []float64 // upper bounds of rₙ, the energy of ĝ(xₙ) that the known eigenvectors miss
	unknown    int       // eigenvectors that may be selected and are not known, not even within a group
}

// group is a cluster of eigenvectors with at least one that may be selected.
// No vector of it has more than the alignment of the gradients' projection, and
// in any orthonormal basis some vector has at least 1/size of that.
type group struct {
	size       int       // of the vectors that may be selected
	sure       bool      // whether all are
	projection []float64 // ‖projection of ĝ(xₙ)‖₂
	alignment  float64   // its max or mean over samples
	error      float64   // of projection and alignment
}

func (o *ordered) census(a *mat.Dense, s ComplexitySettings, complete bool) *census {
	c := &census{
		statistic: s.Statistic, parameters: o.parameters, complete: complete,
	}
	if !complete {
		c.unknown = o.parameters - len(o.values)
	}
	clusters := o.clusters(entangled)
	projections := make([][]float64, len(clusters))
	for i, cluster := range clusters {
		projections[i] = o.projection(a, cluster.first, cluster.last)
	}
	errors := o.projectionErrors(clusters, projections)
	c.missed = missedEnergy(projections, errors)
	for i, cluster := range clusters {
		g := o.group(cluster, s.Vectors)
		g.projection, g.alignment, g.error = projections[i], s.Statistic.of(projections[i]), errors[i]
		switch {
		case g.size == 0:
		case g.error == 1: // nothing is known of it, and its energy is missed
			c.unknown += g.size
		default:
			c.groups = append(c.groups, g)
		}
	}
	for i := range o.values {
		if s.Vectors == AllVectors || o.resolvable(i) {
			c.alignments = append(c.alignments, s.Statistic.of(o.projection(a, i, i+1)))
		}
	}
	return c
}

func (o *ordered) group(c cluster, s Selection) group {
	g := group{sure: true}
	for i := c.first; i < c.last; i++ {
		sure, possible := o.resolvability(i)
		if s == AllVectors || possible {
			g.size++
		}
		g.sure = g.sure && (s == AllVectors || sure)
	}
	return g
}

// certain returns how many eigenvectors have an alignment of at least ε,
// whatever is not known.
func (c *census) certain(epsilon float64) int {
	count := 0
	for _, g := range c.groups {
		if g.sure && g.alignment-g.error >= float64(g.size)*epsilon {
			count++
		}
	}
	return count
}

// possible returns how many at most have one.
func (c *census) possible(epsilon float64) int {
	count := 0
	for _, g := range c.groups {
		if g.alignment+g.error < epsilon {
			continue
		}
		const rounding = 1e-12
		energy := make([]float64, len(g.projection))
		for n, p := range g.projection {
			p += g.error
			energy[n] = p * p * (1 + rounding)
		}
		count += c.most(epsilon, energy, g.size)
	}
	return count + c.most(epsilon, c.missed, c.unknown)
}

// most returns how many of size orthonormal vectors at most have an alignment
// of ε with gradients that have the given energies in their span. Each takes
// ε² or more of the energy: of one sample by its largest alignment, of all
// together Nε² by its mean one, for (meanₙ |A|)² ≤ meanₙ A².
func (c *census) most(epsilon float64, energy []float64, size int) int {
	count, total := 0.0, 0.0
	for _, e := range energy {
		count += math.Floor(e / epsilon / epsilon)
		total += e
	}
	if c.statistic == MeanAlignment {
		count = math.Floor(total / float64(len(energy)) / epsilon / epsilon)
	}
	return int(math.Min(count, float64(size)))
}
