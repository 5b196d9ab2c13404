package margin

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
)

// Distances are the Euclidean distances, in input space, from samples to the
// decision boundary: to the nearest point that is predicted otherwise than the
// sample. They come from a search that has found such points, so they are upper
// bounds, and local minima where Converged.
type Distances struct {
	Rows      []int // of the split, one a sample, ascending
	Labels    []int // of the samples
	Predicted []int // the class of each, and of its side of the boundary
	Rivals    []int // the class on the other side; −1 where no boundary was found

	Values    []float64 // distances; +Inf where no boundary was found
	Points    []float64 // N × d, the boundary points; the sample itself where none was found
	Converged []bool    // whether the search ended because it could get no nearer

	// Tolerance is the relative gain in distance below which a search ends. A
	// boundary point itself is bracketed to 1e-10 of its distance.
	Tolerance float64
	// Evaluations is how many points the model was evaluated at, with a gradient
	// counting for three.
	Evaluations int
}

// Settings are options of Measure; the zero value is the default.
type Settings struct {
	// Samples is how many are measured, drawn by the seed; all if zero.
	Samples int
	// Seed of the random directions. They make the search thorough in low
	// dimension; in high dimension the gradients find the boundary.
	Seed uint64
	// Progress, if set, is told how much of the work is done.
	Progress func(done, total int)
}

// Measure finds the nearest boundary point of every sample of split, or
// of some of them; the cost grows with their number.
//
// From each sample it goes to the nearest samples predicted otherwise, in
// random directions, by Newton steps towards every other class (DeepFool,
// Moosavi-Dezfooli 2016), and to the boundary points of the samples around it;
// bisects onto the boundary; and then repeats: foot of the sample on the boundary
// linearised at the point found, a step towards it, bisect again, keep what is
// nearer. At last it looks for points predicted otherwise inside the ball that
// is left.
func Measure(ctx context.Context, field *models.Field, split *datasets.Split, s Settings) (*Distances, error) {
	n, d := split.Len(), field.Width()
	if n == 0 || len(split.X) != n*d {
		return nil, fmt.Errorf("margin: margins of split %q with %d samples of %d values; the model takes %d", split.Name, n, len(split.X)/max(n, 1), d)
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
	m := &Distances{
		Rows: rows, Labels: split.Labels, Predicted: make([]int, n), Rivals: make([]int, n),
		Values: make([]float64, n), Points: slices.Clone(split.X), Converged: make([]bool, n),
		Tolerance: tolerance,
	}
	found := &search{
		Distances: m, field: field, x: split.X, width: d, classes: field.Classes(),
		rng: rand.New(rand.NewPCG(s.Seed, 0x6d617267696e)), progress: s.Progress,
	}
	if err := found.run(ctx); err != nil {
		return nil, fmt.Errorf("margin: %w", err)
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
func (m *Distances) Summary() Summary {
	s := Summary{Sample: -1, Rival: -1, Samples: len(m.Values), Tolerance: m.Tolerance}
	var distances []float64
	for n, distance := range m.Values {
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
		if s.Sample < 0 || distance < m.Values[s.Sample] {
			s.Sample = n
		}
	}
	if s.Sample < 0 {
		return s
	}
	width := m.width()
	nearest := s.Sample
	s.Min, s.Sample, s.Rival = &m.Values[nearest], m.Rows[nearest], m.Rivals[nearest]
	s.Point = m.Points[nearest*width : (nearest+1)*width]
	s.Q05, s.Q25, s.Median = quantileOf(distances, 0.05), quantileOf(distances, 0.25), quantileOf(distances, 0.5)
	return s
}

func (m *Distances) width() int { return len(m.Points) / len(m.Values) }

// Arrays returns the margins for a .npz file: margin_rows (N), of the split;
// margin_distances (N), −1 where no boundary was found; margin_points (N, d),
// margin_predicted and margin_rivals (N).
func (m *Distances) Arrays() []weights.Array {
	n := len(m.Values)
	distances := slices.Clone(m.Values)
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
