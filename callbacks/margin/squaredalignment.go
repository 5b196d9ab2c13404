package margin

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/models"
)

// climber computes cos²(g(x), v) at one point, and its slope there.
type climber struct {
	point   *models.Point
	g, u    []float64
	ascent  []float64 // ∇ₓ cos²(g(x), v)
	dot, sq float64   // g·v and g·g
}

func newClimber(m models.Model, s models.ObjectiveSettings) (*climber, error) {
	p, err := models.NewPoint(m, s)
	if err != nil {
		return nil, err
	}
	return &climber{point: p, g: make([]float64, p.Dim()), u: make([]float64, p.Dim()), ascent: make([]float64, p.Width())}, nil
}

// alignment moves to x and returns cos²(g(x), v); 0 where g vanishes.
func (c *climber) alignment(ctx context.Context, v, x []float64) (float64, error) {
	if _, err := c.point.Gradient(ctx, c.g, x); err != nil {
		return 0, fmt.Errorf("margin: alignment at a point: %w", err)
	}
	c.dot, c.sq = floats.Dot(c.g, v), floats.Dot(c.g, c.g)
	if c.sq == 0 {
		return 0, nil
	}
	return c.dot * c.dot / c.sq, nil
}

// slope sets ascent, at the point of the last alignment:
//
//	∇ₓ (g·v)²/(g·g) = (∂g/∂x)ᵀ·u,   u = 2(g·v)/(g·g)·v − 2(g·v)²/(g·g)²·g
func (c *climber) slope(ctx context.Context, v []float64) error {
	clear(c.ascent)
	if c.sq == 0 {
		return nil
	}
	floats.ScaleTo(c.u, 2*c.dot/c.sq, v)
	floats.AddScaled(c.u, -2*c.dot*c.dot/(c.sq*c.sq), c.g)
	return c.point.Pull(ctx, c.ascent, c.u)
}
