package margin_test

import (
	"math"
	"testing"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// grid finds distances to the boundary of a network in the plane by brute
// force: a fine grid over a box around the samples, and finer ones around its
// nearest points of another class.
type grid struct {
	t       *testing.T
	field   *models.Field
	x       []float64
	classes []int
	step    float64
}

func newGrid(t *testing.T, field *models.Field, split *datasets.Split, side int) *grid {
	g := &grid{t: t, field: field}
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range split.X {
		low, high = min(low, v), max(high, v)
	}
	low, high = low-2, high+2
	g.step = (high - low) / float64(side-1)
	for i := range side {
		for j := range side {
			g.x = append(g.x, low+float64(i)*g.step, low+float64(j)*g.step)
		}
	}
	g.classes = classesAt(t, field, g.x)
	return g
}

func classesAt(t *testing.T, field *models.Field, x []float64) []int {
	t.Helper()
	classes := field.Classes()
	logits := make([]float64, len(x)/2*classes)
	if err := field.Logits(t.Context(), logits, x); err != nil {
		t.Fatal(err)
	}
	found := make([]int, len(x)/2)
	for i := range found {
		for c := range classes {
			if logits[i*classes+c] > logits[i*classes+found[i]] {
				found[i] = c
			}
		}
	}
	return found
}

// distance is that from x, of a class, to the nearest point of another one.
func (g *grid) distance(x []float64, class int) float64 {
	best, at := math.Inf(1), 0
	for p, c := range g.classes {
		if c == class {
			continue
		}
		if d := math.Hypot(g.x[2*p]-x[0], g.x[2*p+1]-x[1]); d < best {
			best, at = d, p
		}
	}
	if math.IsInf(best, 1) {
		return best
	}
	centre, step := [2]float64{g.x[2*at], g.x[2*at+1]}, g.step
	for range 4 {
		const half = 12
		step /= half / 1.5
		var near []float64
		for i := -half; i <= half; i++ {
			for j := -half; j <= half; j++ {
				near = append(near, centre[0]+float64(i)*step, centre[1]+float64(j)*step)
			}
		}
		for p, c := range classesAt(g.t, g.field, near) {
			if d := math.Hypot(near[2*p]-x[0], near[2*p+1]-x[1]); c != class && d < best {
				best, centre = d, [2]float64{near[2*p], near[2*p+1]}
			}
		}
	}
	return best
}
