package boundary

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
)

// Margins are the Euclidean distances, in input space, from samples to the
// decision boundary: to the nearest point that is predicted otherwise than the
// sample. They come from a search that has found such points, so they are upper
// bounds, and local minima where Converged.
type Margins struct {
	Rows      []int // of the split, one a sample, ascending
	Labels    []int // of the samples
	Predicted []int // the class of each, and of its side of the boundary
	Rivals    []int // the class on the other side; −1 where no boundary was found

	Distances []float64 // +Inf where no boundary was found
	Points    []float64 // N × d, the boundary points; the sample itself where none was found
	Converged []bool    // whether the search ended because it could get no nearer

	// Tolerance is the relative gain in distance below which a search ends. A
	// boundary point itself is bracketed to 1e-10 of its distance.
	Tolerance float64
	// Evaluations is how many points the model was evaluated at, with a gradient
	// counting for three.
	Evaluations int
}

// MarginSettings are options of MeasureMargins; the zero value is the default.
type MarginSettings struct {
	// Samples is how many are measured, drawn by the seed; all if zero.
	Samples int
	// Seed of the random directions. They make the search thorough in low
	// dimension; in high dimension the gradients find the boundary.
	Seed uint64
	// Progress, if set, is told how much of the work is done.
	Progress func(done, total int)
}

// MeasureMargins finds the nearest boundary point of every sample of split, or
// of some of them; the cost grows with their number.
//
// From each sample it goes to the nearest samples predicted otherwise, in
// random directions, by Newton steps towards every other class (DeepFool,
// Moosavi-Dezfooli 2016), and to the boundary points of the samples around it;
// bisects onto the boundary; and then repeats: foot of the sample on the boundary
// linearised at the point found, a step towards it, bisect again, keep what is
// nearer. At last it looks for points predicted otherwise inside the ball that
// is left.
func MeasureMargins(ctx context.Context, field *models.Field, split *datasets.Split, s MarginSettings) (*Margins, error) {
	n, d := split.Len(), field.Width()
	if n == 0 || len(split.X) != n*d {
		return nil, fmt.Errorf("boundary: margins of split %q with %d samples of %d values; the model takes %d", split.Name, n, len(split.X)/max(n, 1), d)
	}
	rows, err := split.DrawRows(s.Samples, s.Seed)
	if err != nil {
		return nil, err
	}
	if n = len(rows); n < split.Len() {
		if split, err = split.Subset(rows); err != nil {
			return nil, err
		}
	}
	m := &Margins{
		Rows: rows, Labels: split.Labels, Predicted: make([]int, n), Rivals: make([]int, n),
		Distances: make([]float64, n), Points: slices.Clone(split.X), Converged: make([]bool, n),
		Tolerance: marginTolerance,
	}
	search := &marginSearch{
		Margins: m, field: field, x: split.X, width: d, classes: field.Classes(),
		rng: rand.New(rand.NewPCG(s.Seed, 0x6d617267696e)), progress: s.Progress,
	}
	if err := search.run(ctx); err != nil {
		return nil, fmt.Errorf("boundary: margins: %w", err)
	}
	return m, nil
}

// Summary are the margins of the samples that are classified rightly; those
// that are not are counted apart.
type Summary struct {
	// Min is the margin of the network: the least distance. It is nil, as are the
	// quantiles, where no sample that is classified rightly has a boundary.
	Min    *float64  `json:"min"`
	Sample int       `json:"sample"` // row of the split whose distance it is; −1 for none
	Rival  int       `json:"rival"`  // the class beyond the boundary there; −1 for none
	Point  []float64 `json:"point"`  // the nearest boundary point

	Q05    *float64 `json:"q05"`
	Q25    *float64 `json:"q25"`
	Median *float64 `json:"median"`

	Samples       int     `json:"samples"`       // that were measured
	Misclassified int     `json:"misclassified"` // of them
	Unbounded     int     `json:"unbounded"`     // classified rightly, without any boundary found
	Unconverged   int     `json:"unconverged"`   // classified rightly, whose distance could still be much smaller
	Tolerance     float64 `json:"tolerance"`     // relative gain in distance that ended the searches
}

// Summary returns the minimum and quantiles.
func (m *Margins) Summary() Summary {
	s := Summary{Sample: -1, Rival: -1, Samples: len(m.Distances), Tolerance: m.Tolerance}
	var distances []float64
	for n, distance := range m.Distances {
		switch {
		case m.Predicted[n] != m.Labels[n]:
			s.Misclassified++
			continue
		case math.IsInf(distance, 1):
			s.Unbounded++
			continue
		case !m.Converged[n]:
			s.Unconverged++
		}
		distances = append(distances, distance)
		if s.Sample < 0 || distance < m.Distances[s.Sample] {
			s.Sample = n
		}
	}
	if s.Sample < 0 {
		return s
	}
	width := m.width()
	nearest := s.Sample
	s.Min, s.Sample, s.Rival = &m.Distances[nearest], m.Rows[nearest], m.Rivals[nearest]
	s.Point = m.Points[nearest*width : (nearest+1)*width]
	s.Q05, s.Q25, s.Median = quantile(distances, 0.05), quantile(distances, 0.25), quantile(distances, 0.5)
	return s
}

func (m *Margins) width() int { return len(m.Points) / len(m.Distances) }

// quantile is that of values, interpolated linearly between the order statistics as numpy does; nil
// without any.
func quantile(values []float64, p float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(values))
	at := p * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-2)
	if i < 0 {
		return &sorted[0]
	}
	q := sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
	return &q
}

// Arrays returns the margins for a .npz file: margin_rows (N), of the split;
// margin_distances (N), −1 where no boundary was found; margin_points (N, d),
// margin_predicted and margin_rivals (N).
func (m *Margins) Arrays() []weights.Array {
	n := len(m.Distances)
	distances := slices.Clone(m.Distances)
	for i, rival := range m.Rivals {
		if rival < 0 {
			distances[i] = -1
		}
	}
	return []weights.Array{
		{Name: "margin_rows", Shape: []int{n}, Data: asFloats(m.Rows)},
		{Name: "margin_distances", Shape: []int{n}, Data: distances},
		{Name: "margin_points", Shape: []int{n, m.width()}, Data: m.Points},
		{Name: "margin_predicted", Shape: []int{n}, Data: asFloats(m.Predicted)},
		{Name: "margin_rivals", Shape: []int{n}, Data: asFloats(m.Rivals)},
	}
}

func asFloats(numbers []int) []float64 {
	values := make([]float64, len(numbers))
	for i, n := range numbers {
		values[i] = float64(n)
	}
	return values
}

// Companions are two cheap stand-ins for the margin.
type Companions struct {
	// Logit are the samples' logit margins f_y − max_{c≠y} f_c, y the label:
	// negative where it is not what is predicted.
	Logit []float64
	// Input are first-order estimates of the distance to the boundary, |f_a − f_b|/‖∇ₓ(f_a − f_b)‖, with
	// a and b the two largest logits (Elsayed 2018), of the samples where that
	// gradient does not vanish.
	Input []float64
}

// MeasureCompanions costs one pass forward and one backward.
func MeasureCompanions(ctx context.Context, field *models.Field, split *datasets.Split) (*Companions, error) {
	n, d := split.Len(), field.Width()
	c := &Companions{Logit: make([]float64, n)}
	gradients, gaps := make([]float64, n*d), make([]float64, n)
	err := field.Gradients(ctx, gradients, split.X, func(i int, z, s []float64) {
		label := split.Labels[i]
		c.Logit[i] = z[label] - z[rival(z, label)]
		a := floats.MaxIdx(z)
		b := rival(z, a)
		gaps[i], s[a], s[b] = z[a]-z[b], 1, -1
	})
	if err != nil {
		return nil, fmt.Errorf("boundary: first-order margins: %w", err)
	}
	for i, gap := range gaps {
		if norm := floats.Norm(gradients[i*d:(i+1)*d], 2); norm > 0 && !math.IsInf(gap/norm, 0) {
			c.Input = append(c.Input, gap/norm)
		}
	}
	return c, nil
}

// Quantiles are those of the cheap stand-ins; nil where there are no values.
type Quantiles struct {
	Min    *float64 `json:"min"`
	Q05    *float64 `json:"q05"`
	Median *float64 `json:"median"`
}

// LogitQuantiles are those of Logit.
func (c *Companions) LogitQuantiles() Quantiles { return quantiles(c.Logit) }

// InputQuantiles are those of Input.
func (c *Companions) InputQuantiles() Quantiles { return quantiles(c.Input) }

func quantiles(values []float64) Quantiles {
	return Quantiles{quantile(values, 0), quantile(values, 0.05), quantile(values, 0.5)}
}

// rival is the first largest logit but that of class.
func rival(z []float64, class int) int {
	best := -1
	for c, v := range z {
		if c != class && (best < 0 || v > z[best]) {
			best = c
		}
	}
	return best
}
