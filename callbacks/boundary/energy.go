package boundary

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// Energy describes, without any threshold, how the gradients are distributed
// over the spectrum. The energy of an eigenvector is aᵢ = meanₙ Aᵢ(xₙ)²; the
// energies of all P eigenvectors add up to 1. The sums below run over the known
// resolvable eigenvectors.
type Energy struct {
	// Participation is the participation number (Σaᵢ)²/Σaᵢ²: the number of
	// directions that share the energy. A cluster of eigenvalues that residuals do
	// not separate is one direction, since the energies of its vectors depend on
	// the solver's choice of basis. It is nil unless all resolvable eigenvectors
	// are known: from a part of them it may be far off in either direction, and
	// [Eigenpairs.Directions] bounds it.
	Participation *float64 `json:"participation"`
	// OutlierEnergy is the energy in the eigenvalues above λ₁/10.
	OutlierEnergy float64 `json:"outlier_energy"`
	// UnresolvedEnergy is 1 − Σaᵢ: the part of the energy that neither the
	// complexity nor the participation takes into account.
	UnresolvedEnergy float64 `json:"unresolved_energy"`
	// Energies are the aᵢ of the 25 largest eigenvalues, descending; each vector of
	// a cluster has the mean of the cluster.
	Energies []float64 `json:"energies"`
	// LargestAlignments are maxₙ |Aᵢ(xₙ)| of the same eigenvectors.
	LargestAlignments []float64 `json:"largest_alignments"`
}

// listed is the number of top eigenvectors whose energies are recorded.
const listed = 25

func (o *ordered) energy(a *mat.Dense) Energy {
	var e Energy
	total, squares := 0.0, 0.0
	for _, c := range o.clusters(indistinguishable) {
		direction := 0.0
		for i := c.first; i < c.last; i++ {
			if !o.resolvable(i) {
				continue
			}
			own := meanSquare(o.projection(a, i, i+1))
			direction += own
			if o.values[i] > o.values[0]/10 {
				e.OutlierEnergy += own
			}
		}
		total += direction
		squares += direction * direction
		mean := meanSquare(o.projection(a, c.first, c.last)) / float64(c.size())
		for i := c.first; i < min(c.last, listed, o.known()); i++ {
			e.Energies = append(e.Energies, mean)
			e.LargestAlignments = append(e.LargestAlignments, MaxAlignment.of(o.projection(a, i, i+1)))
		}
	}
	if squares > 0 && o.complete {
		e.Participation = new(total * total / squares)
	}
	e.UnresolvedEnergy = math.Max(0, 1-total)
	return e
}

// meanSquare returns the mean of the squared values.
func meanSquare(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v * v
	}
	return sum / float64(len(values))
}
