package boundary

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// Energy says where in the spectrum the gradients lie, without any threshold.
// The energy of an eigenvector is aᵢ = meanₙ Aᵢ(xₙ)²; over all P of them
// they add up to 1. All are over the known resolvable eigenvectors.
type Energy struct {
	// Participation is (Σaᵢ)²/Σaᵢ², the number of directions that share the energy.
	// A cluster of eigenvalues that residuals do not tell apart is one
	// direction, for the shares within are the solver's choice.
	Participation float64 `json:"participation"`
	// OutlierEnergy is the energy in the eigenvalues above λ₁/10.
	OutlierEnergy float64 `json:"outlier_energy"`
	// UnresolvedEnergy is 1 − Σaᵢ: the part that the complexity is blind to.
	UnresolvedEnergy float64 `json:"unresolved_energy"`
	// Energies are the aᵢ of the 25 largest eigenvalues, descending; those of a
	// cluster have its mean each.
	Energies []float64 `json:"energies"`
	// LargestAlignments are maxₙ |Aᵢ(xₙ)| of the same.
	LargestAlignments []float64 `json:"largest_alignments"`
}

func (o *ordered) energy(a *mat.Dense) Energy {
	var e Energy
	total, squares := 0.0, 0.0
	for _, c := range o.clusters(indistinct) {
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
	if squares > 0 {
		e.Participation = total * total / squares
	}
	e.UnresolvedEnergy = math.Max(0, 1-total)
	return e
}

func meanSquare(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v * v
	}
	return sum / float64(len(values))
}

// listed is how many of the top eigenvectors are recorded one by one.
const listed = 25
