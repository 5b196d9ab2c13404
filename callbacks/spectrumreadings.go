package callbacks

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

// spectrumMemory is what a Spectrum keeps from one measurement to the next.
type spectrumMemory struct {
	Rows, Columns int
	Vectors       []float64 // eigenvectors of the last measurement, one per row
	Top           int       // number of rows that belong to the largest eigenvalues
	Seconds       float64   // time of all measurements
	Cold          int       // Hessian-vector products of the first measurement, which has no start vectors
	Start         []float64 // of the next quick measurement; nil before the first
	Products      int       // of all quick measurements
	Pace, Quick   trainer.Pace
}

// validate returns an error if the sizes are inconsistent, as in a damaged file.
func (m *spectrumMemory) validate() error {
	if m.Rows < 0 || m.Columns < 0 || m.Rows*m.Columns != len(m.Vectors) || m.Top < 0 || m.Top > m.Rows {
		return fmt.Errorf("%d vectors of %d values in %d", m.Rows, m.Columns, len(m.Vectors))
	}
	return nil
}

// vectors returns the eigenvectors of the last measurement, one per row; nil
// before the first measurement.
func (m *spectrumMemory) vectors() *mat.Dense {
	if m.Rows == 0 {
		return nil
	}
	return mat.NewDense(m.Rows, m.Columns, m.Vectors)
}

// match assigns the largest eigenvectors to those of the last measurement, and
// makes their signs agree. It returns nil if there are none.
func (m *spectrumMemory) match(found *curvature.Spectrum) (*curvature.Tracking, error) {
	if m.Top == 0 || len(found.Top.Values) == 0 {
		return nil, nil
	}
	return curvature.Match(m.vectors().Slice(0, m.Top, 0, m.Columns).(*mat.Dense), found.Top.Vectors)
}

// spectrumReadings computes the metrics of a spectrum. The memory is that of the
// earlier measurements. Tracking, if not nil, assigns the eigenvectors to those of
// the last measurement.
func spectrumReadings(ctx context.Context, m *analysis.Measurement, loss analysis.Objective, memory *spectrumMemory, tracking *curvature.Tracking, state *trainer.State) ([]reading, error) {
	found := m.Spectrum
	readings := []reading{
		{record.SpectrumSamples, float64(loss.Samples())},
		{"spectrum/pairs", float64(len(found.Top.Values) + len(found.Bottom.Values))},
		{"spectrum/hvps", float64(found.Applications)},
		{"spectrum/hvps_saved", float64(max(memory.Cold-found.Applications, 0))},
		{"spectrum/converged", indicator(found.Converged)},
	}
	readings = append(readings, endReadings(found)...)
	if found.Trace != nil {
		readings = append(readings, reading{record.Trace, found.Trace.Value}, reading{"spectrum/trace_error", found.Trace.Error},
			reading{record.Low(record.Trace), found.Trace.Low}, reading{record.High(record.Trace), found.Trace.High})
	}
	if found.Frobenius != nil {
		readings = append(readings, reading{record.Frobenius, found.Frobenius.Value},
			reading{record.Low(record.Frobenius), found.Frobenius.Low}, reading{record.High(record.Frobenius), found.Frobenius.High})
	}
	if found.Resolved.Complete {
		readings = append(readings, reading{"spectrum/resolved", float64(found.Resolved.Len())})
	}
	if len(found.Top.Values) == 0 {
		return readings, nil
	}
	if state.LearningRate > 0 && m.Matrix() != analysis.EmpiricalFisher { // which tells nothing about stability
		readings = append(readings, reading{"spectrum/edge_of_stability", state.LearningRate * found.Top.Values[0] / 2})
	}
	outliers, err := outlierReadings(m)
	if err != nil {
		return nil, err
	}
	share, err := gradientShare(ctx, found, loss, state.Model.Classes())
	if err != nil {
		return nil, err
	}
	readings = append(append(readings, outliers...), share...)
	if tracking != nil {
		readings = append(readings, reading{"spectrum/overlap", tracking.Subspace}, reading{"spectrum/continuity", tracking.Overlaps[0]})
	}
	return readings, nil
}

// endReadings returns the metrics of the largest and the smallest pairs.
func endReadings(found *curvature.Spectrum) []reading {
	var readings []reading
	scale, residual := 0.0, 0.0
	for _, end := range []struct {
		metric string
		pairs  curvature.Pairs
	}{{record.LambdaMax, found.Top}, {record.LambdaMin, found.Bottom}} {
		if len(end.pairs.Values) > 0 {
			readings = append(readings, endReading(end.metric, end.pairs.Values[0], end.pairs.Residuals[0])...)
			scale = max(scale, end.pairs.Values[0], -end.pairs.Values[0])
			residual = max(residual, slices.Max(end.pairs.Residuals))
		}
	}
	if scale > 0 {
		readings = append(readings, reading{"spectrum/residual", residual / scale})
	}
	return readings
}

// readings returns the metrics of a quick measurement.
func (l lambdaMax) readings(rate float64) []reading {
	readings := []reading{{record.Low(record.LambdaMax), l.low}}
	if l.value > 0 {
		readings = append(readings, reading{"spectrum/residual", l.residual / l.value})
	}
	if math.IsInf(l.high, 1) {
		return readings
	}
	readings = append(readings, reading{record.High(record.LambdaMax), l.high})
	if !(boundary.Interval{Low: l.low, High: l.high}).Within(certain) {
		return readings
	}
	readings = append(readings, reading{record.LambdaMax, l.value})
	if rate > 0 {
		readings = append(readings, reading{"spectrum/edge_of_stability", rate * l.value / 2})
	}
	return readings
}

// endReading returns the metrics of an outermost eigenvalue. λ₁ is a lower bound
// alone if its residual is large.
func endReading(metric string, value, residual float64) []reading {
	if metric != record.LambdaMax {
		return []reading{{metric, value}}
	}
	readings := []reading{{record.Low(metric), value}}
	if residual <= certain*math.Abs(value) {
		readings = append(readings, reading{record.High(metric), value + residual}, reading{metric, value})
	}
	return readings
}

func outlierReadings(m *analysis.Measurement) ([]reading, error) {
	o, err := m.Outliers()
	if err != nil || o == nil {
		return nil, err
	}
	readings := []reading{
		{record.Outliers, float64(o.Ratio.Count)},
		{"spectrum/outliers_resolved", indicator(o.Ratio.Resolved)},
		{"spectrum/outliers_gap", float64(o.Gap.Count)},
	}
	if o.Complete {
		readings = append(readings, reading{"spectrum/outliers_edge", float64(o.Edge.Count)})
	}
	return readings, nil
}

// gradientShare returns ‖V·∇L‖²/‖∇L‖², where the rows of V are the largest
// eigenvectors, one per class.
func gradientShare(ctx context.Context, found *curvature.Spectrum, loss analysis.Objective, classes int) ([]reading, error) {
	g := make([]float64, loss.Dim())
	if _, err := loss.Gradient(ctx, g); err != nil {
		return nil, err
	}
	total := floats.Dot(g, g)
	if total == 0 {
		return nil, nil
	}
	share := 0.0
	for i := range min(classes, len(found.Top.Values)) {
		along := floats.Dot(found.Top.Vectors.RawRowView(i), g)
		share += along * along / total
	}
	return []reading{{"spectrum/gradient_share", share}}, nil
}
