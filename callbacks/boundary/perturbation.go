package boundary

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// A cluster is values[first:last], eigenvalues so near to each other that their
// residuals do not separate them. H determines the space that their vectors
// span; the basis of that space is the solver's choice.
type cluster struct {
	first, last int
	residual    float64 // the largest of its residuals
}

func (c cluster) size() int { return c.last - c.first }

// Two neighbouring eigenvalues belong to one cluster if their distance is at
// most so many times the sum of their residuals.
const (
	indistinguishable = 1 // the two may be the same eigenvalue

	// The bounds of projectionErrors are loose for neighbours nearer than this;
	// the computed vectors of others hardly mix.
	nearby = 4
)

// clusters divides the eigenvalues into clusters.
func (o *ordered) clusters(width float64) []cluster {
	var found []cluster
	for first := 0; first < len(o.values); {
		last := first + 1
		for last < len(o.values) && o.values[last-1]-o.values[last] <= width*(o.residuals[last-1]+o.residuals[last]) {
			last++
		}
		found = append(found, cluster{first, last, floats.Max(o.residuals[first:last])})
		first = last
	}
	return found
}

// projectionErrors bounds, for each cluster, the difference between the
// lengths of the samples' unit gradients projected onto the computed space of
// the cluster, which are given, and onto the true one. A bound of 1 is trivial.
//
// Let a cluster's residuals together have the norm r. By the theorem of Davis
// and Kahan the sine s of the angle between the spaces is at most r over the
// distance to all other eigenvalues, and s bounds the difference. But most of
// the error comes from the nearest neighbours, where the gradients may have
// little energy: if a gradient's projection onto cluster j, at the distance dⱼ, is at
// most bⱼ, the difference is also at most
//
//	s²b + r·√(Σⱼ (bⱼ/dⱼ)²),
//
// where b, of the cluster itself, is its computed projection plus this error.
// Every bound sharpens the others; after three rounds they hardly change. The
// unknown eigenvectors are one more neighbour, with the missed energy.
func (o *ordered) projectionErrors(clusters []cluster, projections [][]float64) []float64 {
	size := len(clusters)
	residuals, sines, bounds := make([]float64, size), make([]float64, size), make([]float64, size)
	for i, c := range clusters {
		residuals[i] = floats.Norm(o.residuals[c.first:c.last], 2)
		distance := o.unknownDistance(c)
		for j, other := range clusters {
			if j != i {
				distance = math.Min(distance, o.distance(c, other))
			}
		}
		sines[i] = 1
		if distance > residuals[i] {
			sines[i] = residuals[i] / distance
		}
	}
	errors := slices.Clone(sines)
	for range 3 {
		missed := math.Sqrt(floats.Max(missedEnergy(projections, errors)))
		for i, p := range projections {
			bounds[i] = math.Min(1, floats.Max(p)+errors[i])
		}
		for i, c := range clusters {
			if sines[i] == 1 {
				continue
			}
			component := residuals[i] * missed / o.unknownDistance(c)
			mixed := component * component
			for j, other := range clusters {
				if j != i {
					component = residuals[i] * bounds[j] / o.distance(c, other)
					mixed += component * component
				}
			}
			square := sines[i] * sines[i]
			errors[i] = math.Min(errors[i], (square*floats.Max(projections[i])+math.Sqrt(mixed))/(1-square))
		}
	}
	return errors
}

// distance is a lower bound of the distance from c to the true eigenvalues of
// other.
func (o *ordered) distance(c, other cluster) float64 {
	if other.first < c.first {
		return o.values[other.last-1] - other.residual - o.values[c.first]
	}
	return o.values[c.last-1] - o.values[other.first] - other.residual
}

// unknownDistance is a lower bound of the distance from c to the unknown
// eigenvalues.
func (o *ordered) unknownDistance(c cluster) float64 {
	highest, lowest := o.values[c.first], o.values[c.last-1]
	switch {
	case len(o.values) == o.parameters:
		return math.Inf(1)
	case o.complete:
		return math.Max(lowest, -highest) - o.floor()
	case c.last < o.top:
		return lowest - o.values[o.top-1] - o.residuals[o.top-1]
	case c.first > o.top:
		return o.values[o.top] - o.residuals[o.top] - highest
	}
	return 0 // unknown eigenvalues may be next to it
}

// missedEnergy returns an upper bound of rₙ = 1 − Σᵢ Aᵢ(xₙ)² for each sample:
// the energy of its gradient outside the known eigenvectors.
func missedEnergy(projections [][]float64, errors []float64) []float64 {
	const rounding = 1e-12 // of the sum
	missed := make([]float64, len(projections[0]))
	for n := range missed {
		missed[n] = 1 + rounding
		for i, p := range projections {
			known := math.Max(0, p[n]-errors[i])
			missed[n] -= known * known
		}
		missed[n] = math.Max(0, missed[n])
	}
	return missed
}
