package margin

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/models"
)

// squaredAlignment evaluates cos²(g(x), v) at one point x at a time, and its
// gradient there.
type squaredAlignment struct {
	point    *models.Point
	g, u     []float64
	gradient []float64 // ∇ₓ cos²(g(x), v)
	dot, sq  float64   // g·v and g·g
}

func newSquaredAlignment(m models.Model, s models.ObjectiveSettings) (*squaredAlignment, error) {
	p, err := models.NewPoint(m, s)
	if err != nil {
		return nil, err
	}
	return &squaredAlignment{point: p, g: make([]float64, p.Dim()), u: make([]float64, p.Dim()), gradient: make([]float64, p.Width())}, nil
}

// at moves to x and returns cos²(g(x), v), or 0 where g vanishes.
func (q *squaredAlignment) at(ctx context.Context, v, x []float64) (float64, error) {
	if _, err := q.point.Gradient(ctx, q.g, x); err != nil {
		return 0, fmt.Errorf("margin: alignment at a point: %w", err)
	}
	q.dot, q.sq = floats.Dot(q.g, v), floats.Dot(q.g, q.g)
	if q.sq == 0 {
		return 0, nil
	}
	return q.dot * q.dot / q.sq, nil
}

// differentiate sets gradient, at the point of the last call of at:
//
//	∇ₓ (g·v)²/(g·g) = (∂g/∂x)ᵀ·u,   u = 2(g·v)/(g·g)·v − 2(g·v)²/(g·g)²·g
func (q *squaredAlignment) differentiate(ctx context.Context, v []float64) error {
	clear(q.gradient)
	if q.sq == 0 {
		return nil
	}
	floats.ScaleTo(q.u, 2*q.dot/q.sq, v)
	floats.AddScaled(q.u, -2*q.dot*q.dot/(q.sq*q.sq), q.g)
	return q.point.Pull(ctx, q.gradient, q.u)
}
