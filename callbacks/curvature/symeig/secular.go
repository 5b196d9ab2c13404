package symeig

import (
	"math"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/curvature/internal/parallel"
)

// secular is the eigenproblem of D + ρ z zᵀ, ρ > 0, where D is diagonal with
// strictly ascending d and no zᵢ is zero. Its eigenvalues are the roots of
//
//	f(λ) = 1 + ρ Σ zᵢ²/(dᵢ − λ),
//
// one between each two neighbouring d and one above them all.
type secular struct {
	d, z []float64
	ρ    float64
}

// solve returns the eigenvalues, ascending, and the eigenvectors as rows.
func (s secular) solve() ([]float64, *mat.Dense) {
	k := len(s.d)
	values := make([]float64, k)
	gaps := mat.NewDense(k, k, nil) // dᵢ − λⱼ at row j, column i, to full relative accuracy
	parallel.For(k, func(j int) { values[j] = s.root(j, gaps.RawRowView(j)) })
	z := s.weights(gaps)
	parallel.For(k, func(j int) {
		u := gaps.RawRowView(j)
		for i, gap := range u {
			u[i] = z[i] / gap
		}
		floats.Scale(1/blas64.Nrm2(vector(u)), u)
	})
	return values, gaps
}

// weights returns the z for which the computed eigenvalues are exact. With them
// the eigenvectors come out orthogonal (Gu & Eisenstat 1994).
func (s secular) weights(gaps *mat.Dense) []float64 {
	k := len(s.d)
	z := make([]float64, k)
	for i := range k {
		z[i] = -gaps.At(i, i)
	}
	for j := range k {
		for i, gap := range gaps.RawRowView(j) {
			if i != j {
				z[i] *= gap / (s.d[i] - s.d[j])
			}
		}
	}
	for i, square := range z {
		z[i] = math.Copysign(math.Sqrt(math.Abs(square)), s.z[i])
	}
	return z
}

// root returns eigenvalue λⱼ and sets gaps to all dᵢ − λⱼ. It works with the distance
// μ of λⱼ from the nearer pole of f, the origin, as only μ can be computed to full
// relative accuracy.
func (s secular) root(j int, gaps []float64) float64 {
	k := len(s.d)
	origin, low, high := s.d[j], 0.0, s.ρ*floats.Dot(s.z, s.z)
	if j < k-1 {
		high = (s.d[j+1] - s.d[j]) / 2
		s.shift(gaps, origin)
		if f, _, _, _ := s.at(high, j, gaps); f < 0 {
			origin, low, high = s.d[j+1], -high, 0
		}
	}
	s.shift(gaps, origin)
	μ := (low + high) / 2
	for range 100 { // usually about five
		f, dψ, dφ, noise := s.at(μ, j, gaps)
		if math.Abs(f) <= noise {
			break
		}
		if f < 0 {
			low = μ
		} else {
			high = μ
		}
		next := μ + step(j, gaps, μ, f, dψ, dφ)
		if !(low < next && next < high) {
			next = middle(low, high)
		}
		if next == low || next == high {
			break
		}
		μ = next
	}
	for i := range gaps {
		gaps[i] -= μ
	}
	return origin + μ
}

// shift sets gaps to all dᵢ − origin.
func (s secular) shift(gaps []float64, origin float64) {
	for i, d := range s.d {
		gaps[i] = d - origin
	}
}

// at returns f at the distance μ from the origin, the derivatives of its parts ψ, with
// the poles up to j, and φ, with the poles above, and the rounding error of f.
func (s secular) at(μ float64, j int, poles []float64) (f, dψ, dφ, noise float64) {
	ψ, φ := 0.0, 0.0
	for i, pole := range poles[:j+1] {
		q := s.z[i] / (pole - μ)
		ψ += s.z[i] * q
		dψ += q * q
	}
	for i, pole := range poles[j+1:] {
		z := s.z[j+1+i]
		q := z / (pole - μ)
		φ += z * q
		dφ += q * q
	}
	const roundings = 8 * 0x1p-53
	return 1 + s.ρ*(ψ+φ), s.ρ * dψ, s.ρ * dφ, roundings * (1 + s.ρ*(math.Abs(ψ)+math.Abs(φ)))
}

// step returns the way from μ to the root of the function r + p/(dⱼ − λ) +
// q/(dⱼ₊₁ − λ) whose two parts have the values and derivatives of ψ and φ
// (Bunch, Nielsen & Sorensen 1978).
func step(j int, poles []float64, μ, f, dψ, dφ float64) float64 {
	left := poles[j] - μ
	if j == len(poles)-1 {
		return left + left*left*dψ/(f-left*dψ)
	}
	right := poles[j+1] - μ
	a := (left+right)*f - left*right*(dψ+dφ)
	b := left * right * f
	c := f - left*dψ - right*dφ
	root := math.Sqrt(math.Abs(a*a - 4*b*c))
	if a <= 0 {
		return (a - root) / (2 * c)
	}
	return 2 * b / (a + root)
}

// middle returns a number between low and high: the mean or, if one bound is zero, the
// other one times 2⁻¹⁰.
func middle(low, high float64) float64 {
	switch {
	case low == 0:
		return high * 0x1p-10
	case high == 0:
		return low * 0x1p-10
	}
	return low + (high-low)/2
}

func vector(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Data: x, Inc: 1} }
