package margin

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/callbacks/margin/piecewise"
	"github.com/hessoscope/hessoscope/models"
)

const (
	tolerance     = 1e-6  // relative gain in distance below which a search ends
	coarseBracket = 1e-3  // relative width of the bracket around a starting point
	finalBracket  = 1e-10 // relative width of the bracket around a boundary point
	bracketRounds = 60    // evaluations that narrow a bracket, at most

	nearestStarts = 40   // nearest samples predicted otherwise that are starting points
	randomStarts  = 40   // random directions that are marched in, in low dimension
	highDimension = 16   // dimension above which fewer random directions are taken
	newtonSteps   = 20   // towards each class, at most
	maxDirections = 64   // classes that Newton steps are taken towards, at most
	marchRatio    = 1.3  // ratio of neighbouring radii of a march
	marchFrom     = 1e-3 // smallest radius of a march, relative to the data's scale
	marchTo       = 1e3  // largest radius of a march, relative to the data's scale

	keptRays    = 12  // rays of a sample that are refined
	sharedRays  = 5   // rays of a sample whose ends are starting points for others
	refinements = 300 // steps of refinement of a ray, at most
	ballPoints  = 256 // random points in the ball that no boundary point was found in
	ballRounds  = 3   // how often the ball is searched, at most

	blockValues = 4 << 20 // coordinates held at once
)

// search is the state of a search for the margins of samples. The rays of many
// samples go through the model together.
type search struct {
	*Distances
	field      *models.Field
	x          []float64 // N × d
	width      int
	classes    int
	scale      float64   // root mean square distance of the samples from their mean
	sampleGaps []float64 // f_ŷ − max_{c≠ŷ} f_c at the samples
	rng        *rand.Rand
	seed       uint64
	brief      bool // see Settings
	progress   func(done, total int)
	reported   int        // the last done
	reporting  sync.Mutex // for progress and reported

	network   *piecewise.Network // nil if the model is not known to be made of dense layers
	rectified bool               // whether the network is affine in every linear region
	kinked    bool               // whether the model is not smooth and its linear regions are not known
	reduced   []float64          // of a rectified network: coordinates of the samples in the row space

	points, logits []float64 // buffers
}

func (m *search) sample(i int) []float64 { return m.x[i*m.width : (i+1)*m.width] }

// report tells the progress, as far as it is one. Several goroutines may call it.
func (m *search) report(done, total int) {
	m.reporting.Lock()
	defer m.reporting.Unlock()
	if m.progress != nil && done > m.reported {
		m.reported = done
		m.progress(done, total)
	}
}

// predict sets the samples' predictions and gaps, and scale. The distance of a
// sample whose two largest logits are equal is 0.
func (m *search) predict(ctx context.Context) error {
	n := len(m.Values)
	logits := make([]float64, n*m.classes)
	if err := m.field.Logits(ctx, logits, m.x); err != nil {
		return err
	}
	m.Evaluations += n
	m.sampleGaps = make([]float64, n)
	for i := range n {
		z := logits[i*m.classes : (i+1)*m.classes]
		m.Predicted[i] = floats.MaxIdx(z)
		m.Rivals[i] = -1
		m.Values[i] = math.Inf(1)
		c := rival(z, m.Predicted[i])
		if m.sampleGaps[i] = z[m.Predicted[i]] - z[c]; m.sampleGaps[i] == 0 { // the sample is on the boundary
			m.Rivals[i], m.Values[i], m.Converged[i] = c, 0, true
		}
	}
	m.scale = spread(m.x, m.width)
	return nil
}

// spread returns the root mean square distance of points from their mean, or 1
// if they are all equal.
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
