package boundary

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// countBounds bounds the number of selected eigenvectors whose alignment with
// the samples' gradients is at least ε, for any ε. The eigenpairs may be
// approximate, and some of them unknown.
type countBounds struct {
	statistic  Statistic
	parameters int
	complete   bool
	alignments []float64 // of the known eigenvectors that are selected: max or mean over samples
	groups     []group
	missed     []float64 // upper bounds of rₙ, the energy of ĝ(xₙ) outside the known eigenvectors
	unknown    int       // eigenvectors that may be selected and belong to no group
}

// A group is a cluster of eigenvectors of which at least one may be selected.
// The alignment of any vector in its span is at most that of the gradients'
// projection onto the span, and every orthonormal basis has a vector with at
// least 1/size of that.
type group struct {
	size       int       // number of its vectors that may be selected
	certain    bool      // whether all of its vectors are selected for certain
	projection []float64 // ‖projection of ĝ(xₙ)‖₂, one a sample
	alignment  float64   // max or mean of projection over the samples
	error      float64   // bounds the error of projection and alignment
}

func (o *ordered) countBounds(a *mat.Dense, s ComplexitySettings, complete bool) *countBounds {
	b := &countBounds{statistic: s.Statistic, parameters: o.parameters, complete: complete}
	if !complete {
		b.unknown = o.parameters - len(o.values)
	}
	clusters := o.clusters(nearby)
	projections := make([][]float64, len(clusters))
	for i, cluster := range clusters {
		projections[i] = o.projection(a, cluster.first, cluster.last)
	}
	errors := o.projectionErrors(clusters, projections)
	b.missed = missedEnergy(projections, errors)
	for i, cluster := range clusters {
		g := o.group(cluster, s.Vectors)
		g.projection, g.alignment, g.error = projections[i], s.Statistic.of(projections[i]), errors[i]
		switch {
		case g.size == 0:
		case g.error == 1: // the bound is trivial: its vectors count as unknown
			b.unknown += g.size
		default:
			b.groups = append(b.groups, g)
		}
	}
	for i := range o.values {
		if s.Vectors == AllVectors || o.resolvable(i) {
			b.alignments = append(b.alignments, s.Statistic.of(o.projection(a, i, i+1)))
		}
	}
	return b
}

// group returns the group of a cluster, without projections.
func (o *ordered) group(c cluster, s Selection) group {
	g := group{certain: true}
	for i := c.first; i < c.last; i++ {
		certain, possible := o.resolvability(i)
		if s == AllVectors || possible {
			g.size++
		}
		g.certain = g.certain && (s == AllVectors || certain)
	}
	return g
}

// lower returns a lower bound of the number of eigenvectors whose alignment is
// at least ε.
func (b *countBounds) lower(epsilon float64) int {
	count := 0
	for _, g := range b.groups {
		if g.certain && g.alignment-g.error >= float64(g.size)*epsilon {
			count++
		}
	}
	return count
}

// upper returns an upper bound of the number of eigenvectors whose alignment is
// at least ε.
func (b *countBounds) upper(epsilon float64) int {
	count := 0
	for _, g := range b.groups {
		if g.alignment+g.error < epsilon {
			continue
		}
		const rounding = 1e-12
		energy := make([]float64, len(g.projection))
		for n, p := range g.projection {
			p += g.error
			energy[n] = p * p * (1 + rounding)
		}
		count += b.energyBound(epsilon, energy, g.size)
	}
	return count + b.energyBound(epsilon, b.missed, b.unknown)
}

// energyBound bounds from above how many of size orthonormal vectors have an
// alignment of at least ε, if the n-th gradient has energy[n] in their span.
// Each such vector takes at least ε² of the energy of one sample with the
// largest alignment, and at least Nε² of that of all samples with the mean
// alignment, since (meanₙ |A|)² ≤ meanₙ A².
func (b *countBounds) energyBound(epsilon float64, energy []float64, size int) int {
	count, total := 0.0, 0.0
	for _, e := range energy {
		count += math.Floor(e / epsilon / epsilon)
		total += e
	}
	if b.statistic == MeanAlignment {
		count = math.Floor(total / float64(len(energy)) / epsilon / epsilon)
	}
	return int(math.Min(count, float64(size)))
}
