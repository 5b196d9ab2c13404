package curvature

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// outside is a part of what the images of a basis have outside its span: that of
// vector j has coefficients[j] times the vector.
type outside struct {
	vector       []float64
	coefficients []float64 // of the first vectors of the basis; the others have none
}

// along returns the sum of the coefficients times those of a Ritz vector, in column i
// of s.
func (o outside) along(s *mat.Dense, i int) float64 {
	sum := 0.0
	for j, c := range o.coefficients {
		sum += c * s.At(j, i)
	}
	return sum
}

// transform makes the coefficients those of the images of s·Q.
func (o *outside) transform(s *mat.Dense) {
	rows, _ := s.Dims()
	c := make([]float64, rows)
	for i := range c {
		for j, v := range o.coefficients {
			c[i] += v * s.At(i, j)
		}
	}
	o.coefficients = c
}

// leave keeps x, as the part of the last vector's image that it is, so that x can
// become another direction than that. There is nothing to do if the images are kept.
func (l *lanczos) leave() {
	if l.w != nil {
		return
	}
	last := make([]float64, l.k)
	last[l.k-1] = 1
	l.outside = append(l.outside, outside{slices.Clone(l.x), last})
}

// enter makes the residual of Ritz pair i, which is a sum of the parts outside, the
// next direction x. As x becomes a vector of the basis, one part less remains: that
// with the largest share is expressed by x and the others.
func (l *lanczos) enter(i int) {
	l.leave()
	share := make([]float64, len(l.outside))
	most, largest := 0, 0.0
	clear(l.x)
	for j, o := range l.outside {
		share[j] = o.along(&l.s, i)
		floats.AddScaled(l.x, share[j], o.vector)
		if size := math.Abs(share[j]) * euclidean(o.vector); size > largest {
			most, largest = j, size
		}
	}
	if largest == 0 {
		return
	}
	gone := l.outside[most]
	for j, o := range l.outside {
		if j != most {
			more := make([]float64, l.k)
			copy(more, o.coefficients)
			floats.AddScaled(more[:len(gone.coefficients)], -share[j]/share[most], gone.coefficients)
			l.outside[j].coefficients = more
		}
	}
	l.outside = slices.Delete(l.outside, most, most+1)
}

// outsideNorm returns the norm of the residual of Ritz pair i, by the parts outside.
func (l *lanczos) outsideNorm(i int) float64 {
	if l.krylov {
		return l.foreseen(i)
	}
	r := make([]float64, l.n)
	floats.AddScaled(r, l.s.At(l.k-1, i), l.x)
	for _, o := range l.outside {
		floats.AddScaled(r, o.along(&l.s, i), o.vector)
	}
	return euclidean(r)
}
