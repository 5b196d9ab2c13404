package margin

import (
	"context"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/models"
)

const (
	tolerance = 1e-6  // relative gain in distance that ends a search
	bracket   = 1e-10 // relative width of the bracket around a boundary point

	nearestStarts  = 40      // samples predicted otherwise that are gone to
	randomStarts   = 40      // directions that are marched in, in low dimension
	kept           = 12      // rays of a sample that are refined
	shared         = 5       // rays of a sample whose ends others go to
	highDimension  = 16      // random directions are few beyond
	newtonSteps    = 20      // towards each class, at most
	refinements    = 300     // steps of a ray, at most
	ballPoints     = 256     // random points in the ball that is left
	ballRounds     = 3       // of those
	blockValues    = 4 << 20 // coordinates held at once
	coarse         = 1e-3    // relative bracket of points that a search starts from
	marchRatio     = 1.3     // of neighbouring radii of a march
	marchFrom      = 1e-3    // smallest radius, relative to the data's
	marchTo        = 1e3     // largest radius
	maxDirections  = 64      // of classes that Newton steps are taken towards
	crossingRounds = 60      // evaluations of a bracket, at most
)

// search finds the margins of samples. All rays of many samples go
// through the model together.
type search struct {
	*Distances
	field    *models.Field
	x        []float64 // N × d
	width    int
	classes  int
	scale    float64   // root mean square distance of the samples from their mean
	inside   []float64 // f_ŷ − max_{c≠ŷ} f_c at the samples
	rng      *rand.Rand
	progress func(done, total int)

	points, logits []float64 // buffers of gaps
}

func (m *search) report(done, total int) {
	if m.progress != nil {
		m.progress(done, total)
	}
}

// predict sets the classes of the samples, and how far they are from equality
// with another.
func (m *search) predict(ctx context.Context) error {
	n := len(m.Values)
	logits := make([]float64, n*m.classes)
	if err := m.field.Logits(ctx, logits, m.x); err != nil {
		return err
	}
	m.Evaluations += n
	m.inside = make([]float64, n)
	for i := range n {
		z := logits[i*m.classes : (i+1)*m.classes]
		m.Predicted[i] = floats.MaxIdx(z)
		m.Rivals[i] = -1
		m.Values[i] = math.Inf(1)
		c := rival(z, m.Predicted[i])
		if m.inside[i] = z[m.Predicted[i]] - z[c]; m.inside[i] == 0 { // the sample is on the boundary
			m.Rivals[i], m.Values[i], m.Converged[i] = c, 0, true
		}
	}
	m.scale = spread(m.x, m.width)
	return nil
}

// spread is the root mean square distance of points from their mean; 1 if they
// are all equal.
func spread(x []float64, width int) float64 {
	n := len(x) / width
	mean := make([]float64, width)
	for i := range n {
		floats.AddScaled(mean, 1/float64(n), x[i*width:(i+1)*width])
	}
	sum := 0.0
	for i := range n {
		d := floats.Distance(x[i*width:(i+1)*width], mean, 2)
		sum += d * d
	}
	if sum == 0 {
		return 1
	}
	return math.Sqrt(sum / float64(n))
}

func (m *search) sample(i int) []float64 { return m.x[i*m.width : (i+1)*m.width] }
