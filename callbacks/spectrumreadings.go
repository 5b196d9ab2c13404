package callbacks

import (
	"context"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/trainer"
)

// reading is a value of a metric, recorded when a measurement is complete.
type reading struct {
	metric string
	value  float64
}

// read derives the metrics of a spectrum.
func (s *Spectrum) read(ctx context.Context, found *curvature.Spectrum, state *trainer.State) ([]reading, error) {
	readings := []reading{
		{"spectrum/samples", float64(s.objective.Samples())},
		{"spectrum/hvps", float64(found.Applications)},
		{"spectrum/hvps_saved", float64(max(s.memory.Cold-found.Applications, 0))},
		{"spectrum/converged", indicator(found.Converged)},
	}
	add := func(metric string, value float64) { readings = append(readings, reading{metric, value}) }
	scale, residual := 0.0, 0.0
	for _, end := range []struct {
		metric string
		pairs  curvature.Pairs
	}{{"spectrum/lambda_max", found.Top}, {"spectrum/lambda_min", found.Bottom}} {
		if len(end.pairs.Values) > 0 {
			add(end.metric, end.pairs.Values[0])
			scale = max(scale, end.pairs.Values[0], -end.pairs.Values[0])
			residual = max(residual, slices.Max(end.pairs.Residuals))
		}
	}
	if scale > 0 {
		add("spectrum/residual", residual/scale)
	}
	if found.Trace != nil {
		add("spectrum/trace", found.Trace.Value)
		add("spectrum/trace_error", found.Trace.Error)
	}
	if found.Frobenius != nil {
		add("spectrum/frobenius", found.Frobenius.Value)
	}
	if found.Resolved.Complete {
		add("spectrum/resolved", float64(found.Resolved.Len()))
	}
	if len(found.Top.Values) == 0 {
		return readings, nil
	}
	if state.LearningRate > 0 {
		add("spectrum/edge_of_stability", state.LearningRate*found.Top.Values[0]/2)
	}
	for _, more := range []func(context.Context, *curvature.Spectrum, *trainer.State) ([]reading, error){s.outliers, s.gradientShare, s.track} {
		m, err := more(ctx, found, state)
		if err != nil {
			return nil, err
		}
		readings = append(readings, m...)
	}
	return readings, nil
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (s *Spectrum) outliers(_ context.Context, found *curvature.Spectrum, state *trainer.State) ([]reading, error) {
	pairs := boundary.NewEigenpairs(found)
	if !pairs.Measurable() {
		return nil, nil
	}
	o, err := pairs.Outliers(state.Model.Classes(), nil)
	if err != nil {
		return nil, err
	}
	readings := []reading{
		{"spectrum/outliers", float64(o.Ratio.Count)},
		{"spectrum/outliers_resolved", indicator(o.Ratio.Resolved)},
		{"spectrum/outliers_gap", float64(o.Gap.Count)},
	}
	if o.Complete {
		readings = append(readings, reading{"spectrum/outliers_edge", float64(o.Edge.Count)})
	}
	return readings, nil
}

// gradientShare is ‖V·∇L‖²/‖∇L‖² for the C largest eigenvectors as rows of V.
func (s *Spectrum) gradientShare(ctx context.Context, found *curvature.Spectrum, state *trainer.State) ([]reading, error) {
	g := make([]float64, s.objective.Dim())
	if _, err := s.objective.Gradient(ctx, g); err != nil {
		return nil, err
	}
	total := floats.Dot(g, g)
	if total == 0 {
		return nil, nil
	}
	share := 0.0
	for i := range min(state.Model.Classes(), len(found.Top.Values)) {
		along := floats.Dot(found.Top.Vectors.RawRowView(i), g)
		share += along * along / total
	}
	return []reading{{"spectrum/gradient_share", share}}, nil
}

// track matches the largest eigenvectors with those of the measurement before,
// and gives them their signs.
func (s *Spectrum) track(_ context.Context, found *curvature.Spectrum, _ *trainer.State) ([]reading, error) {
	s.tracking = nil
	if s.memory.Top == 0 {
		return nil, nil
	}
	before := mat.NewDense(s.memory.Rows, s.memory.Columns, s.memory.Vectors).Slice(0, s.memory.Top, 0, s.memory.Columns)
	var err error
	if s.tracking, err = curvature.Match(before.(*mat.Dense), found.Top.Vectors); err != nil {
		return nil, err
	}
	return []reading{{"spectrum/overlap", s.tracking.Subspace}, {"spectrum/continuity", s.tracking.Overlaps[0]}}, nil
}
