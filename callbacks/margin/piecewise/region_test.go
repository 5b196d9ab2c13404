package piecewise

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/models"
)

// A flip leads to the forms of the region there, for less work than to compute them all.
func TestFlip(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	for range 20 {
		n, x, class := draw(rng, models.LeakyReLU, 3, 7, 6, 5, 3)
		slope, _ := models.LeakyReLU.Slope()
		v := newView(n)
		v.move(x, class)
		r, anew := newRegion(v, slope), newRegion(v, slope)
		r.at(make([]float64, v.space))
		for range 10 {
			for i := range r.on {
				r.norm(i)
			}
			i, before := rng.IntN(len(r.on)), r.work
			r.flip(i)
			if work := r.work - before; work <= 0 || work >= r.cost {
				t.Errorf("a flip in layer %d takes the work %g, all forms take %g", r.layer[i], work, r.cost)
			}
			copy(anew.on, r.on)
			anew.build()
			if !floats.EqualApprox(r.forms, anew.forms, 1e-9) {
				t.Fatalf("forms %v after a flip in layer %d, want %v", r.forms, r.layer[i], anew.forms)
			}
			for i := range r.on {
				if math.Abs(r.norm(i)-length(anew.form(i))) > 1e-9 {
					t.Fatalf("norm %v of a form in layer %d, want %v", r.norm(i), r.layer[i], length(anew.form(i)))
				}
			}
		}
	}
}
