package analysis

import (
	"cmp"
	"context"
	"math"
	"sync"
	"time"

	"gonum.org/v1/gonum/floats"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/callbacks/sharpness"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Settings choose what Analyze measures. With the zero value, this is the spectrum
// and the complexity of the cross-entropy.
type Settings struct {
	Loss   models.Loss // if nil, that of models.LossOf: CrossEntropy, or the cost of a graph
	Matrix Matrix      // Hessian if empty
	// Spectrum chooses the eigenpairs and the method. The defaults are more
	// thorough than those of the hooks: all eigenvalues are computed for models of
	// up to 2,000 parameters, unless DenseLimit is set, and all resolvable pairs
	// are requested if the complexity is.
	Spectrum curvature.Settings
	// NoComplexity leaves out the alignments and the complexity.
	NoComplexity bool
	Complexity   boundary.ComplexitySettings
	// Margin, if not nil, requests the distances of samples to the boundary. If
	// its Samples is zero, at most MarginSamples samples are measured.
	Margin *margin.Settings
	// Alignment, if not nil, requests the alignments on and off the boundary, and at
	// points of one's choice.
	Alignment *AlignmentSettings
	// Products is the precision of the products that eigenpairs are searched with: see
	// Subject. All else is in float64.
	Products tensor.Dtype
	Workers  int // chunks of data computed in parallel; one per CPU if zero; results do not depend on it
	// Memory is how many bytes may be taken for passes that products share, as in
	// models.ObjectiveSettings.
	Memory int64
	// Objective creates the loss whose curvature is measured, which may be
	// computed on several machines; models.NewObjective if nil.
	Objective NewObjective
}

// MarginSamples is the default for the largest number of samples whose distances
// are measured.
const MarginSamples = 1000

// denseLimit is the largest number of parameters for which Analyze computes all
// eigenvalues by default. This takes some seconds.
const denseLimit = 2000

// Solver returns the settings with which Analyze searches eigenpairs.
func (s Settings) Solver() curvature.Settings {
	solver := s.Spectrum
	solver.Resolved = solver.Resolved || !s.NoComplexity
	solver.DenseLimit = cmp.Or(solver.DenseLimit, denseLimit)
	return solver
}

// Analyze measures the loss of a finished model on a split, and its Hessian.
func Analyze(ctx context.Context, model models.Model, split *datasets.Split, s Settings) (*Result, error) {
	start := time.Now()
	if split.Labels == nil && (!s.NoComplexity || s.Margin != nil || s.Alignment != nil) {
		return nil, noBoundary(split)
	}
	a, err := New(Subject{
		Model: model, Split: split, Loss: s.Loss, Matrix: s.Matrix,
		Settings: models.ObjectiveSettings{Workers: s.Workers, Memory: s.Memory}, Products: s.Products, Objective: s.Objective,
	})
	if err != nil {
		return nil, err
	}
	r := new(Result)
	r.Model.Parameters, r.Model.Description = a.objective.Dim(), models.Describe(model)
	r.Model.FrozenStatistics = models.FrozenStatistics(model)
	r.Data.Split, r.Data.Samples, r.Data.Classes = split.Name, split.Len(), model.Classes()
	if split.Labels == nil {
		r.Data.Classes = 0
	}
	r.Precision = precision(a.objective).String()
	for _, measure := range []func(context.Context, *Analyzer, Settings) error{r.measureLoss, r.measureConfusion, r.measureSpectrum, r.measureBoundary, r.measureMargin, r.measureAlignment} {
		if err := measure(ctx, a, s); err != nil {
			return nil, err
		}
	}
	r.Seconds = time.Since(start).Seconds()
	return r, nil
}

func (r *Result) measureLoss(ctx context.Context, a *Analyzer, _ Settings) error {
	evaluation, err := a.objective.Evaluate(ctx)
	if err != nil {
		return err
	}
	r.Loss, r.Accuracy = evaluation.Loss, evaluation.Accuracy
	gradient := make([]float64, a.objective.Dim())
	if _, err := a.objective.Gradient(ctx, gradient); err != nil {
		return err
	}
	r.GradientNorm = floats.Norm(gradient, 2)
	return r.measureCritical(ctx, a)
}

// measureCritical measures the critical sharpness along the gradient.
func (r *Result) measureCritical(ctx context.Context, a *Analyzer) error {
	o, ok := a.objective.(sharpness.Objective)
	if !ok {
		return nil
	}
	found, err := (&sharpness.Critical{Objective: o}).AlongGradient(ctx)
	if err != nil || found.Low == 0 && math.IsInf(found.High, 1) {
		return err
	}
	value, low, high := found.Sharpness()
	r.Critical = &Critical{Low: low, Passes: found.Passes}
	if found.Certain() {
		r.Critical.Value = &value
	}
	if found.Low > 0 {
		r.Critical.High = &high
	}
	return nil
}

func (r *Result) measureSpectrum(ctx context.Context, a *Analyzer, s Settings) (err error) {
	if r.Measurement, err = a.Measure(ctx, s.Solver()); err != nil {
		return err
	}
	r.Spectrum = describe(r.Measurement.Spectrum)
	r.Spectrum.Matrix, r.Spectrum.Precision = a.Matrix, a.ProductPrecision().String()
	return nil
}

// measureBoundary measures outliers and complexity.
func (r *Result) measureBoundary(ctx context.Context, a *Analyzer, s Settings) error {
	outliers, err := r.Measurement.Outliers()
	if err != nil || outliers == nil {
		return err
	}
	r.Spectrum.Outliers = outliers
	if s.NoComplexity {
		return nil
	}
	pairs, err := r.Measurement.Aligned(ctx)
	if err != nil {
		return err
	}
	gradients, err := r.Measurement.Reinforcing(ctx)
	if err != nil {
		return err
	}
	if outliers.Pairs, err = pairs.ClassPairs(gradients.Predicted, outliers.Ratio.Count); err != nil {
		return err
	}
	if r.Complexity, err = pairs.Complexity(s.Complexity); err != nil {
		return err
	}
	return r.measureDirections(ctx, a)
}

// measureDirections measures over how many directions the gradients spread.
func (r *Result) measureDirections(ctx context.Context, a *Analyzer) error {
	gram, err := a.innerProducts(ctx)
	if err != nil || gram == nil {
		return err
	}
	r.EffectiveRank = new(boundary.NewEffectiveRank(gram, a.Split.Len()))
	r.Directions, err = r.Measurement.Directions(ctx)
	return err
}

// measureMargin measures the samples' distances to the boundary, and estimates
// them from the eigenvectors of the outliers.
func (r *Result) measureMargin(ctx context.Context, a *Analyzer, s Settings) error {
	if s.Margin == nil {
		return nil
	}
	vectors, alignments, err := r.Measurement.outlierVectors(ctx, r.Spectrum.Outliers)
	if err != nil {
		return err
	}
	var published *margin.Eigenvector
	var publishedErr error
	var wait sync.WaitGroup
	defer wait.Wait()
	if vectors != nil {
		wait.Go(func() { // in parallel: it is a long sequence of small steps
			published, publishedErr = margin.Published(ctx, a.Model, a.Split, vectors, alignments, s.Margin.Seed, a.Settings)
		})
	}
	m, err := r.measureDistances(ctx, a, *s.Margin)
	if err != nil || vectors == nil {
		return err
	}
	if m.Eigenvector, err = margin.Repaired(ctx, a.Model, a.Split, vectors, alignments, r.Distances, a.Settings); err != nil {
		return err
	}
	wait.Wait()
	if m.Paper = published; publishedErr != nil {
		return publishedErr
	}
	m.Eigenvector.Compare(m.Summary)
	m.Paper.Compare(m.Summary)
	return nil
}

// measureDistances measures the samples' distances and their cheap proxies.
func (r *Result) measureDistances(ctx context.Context, a *Analyzer, s margin.Settings) (*Margin, error) {
	field, err := models.NewField(a.Model, a.Settings)
	if err != nil {
		return nil, err
	}
	cheap, err := margin.MeasureCompanions(ctx, field, a.Split)
	if err != nil {
		return nil, err
	}
	s.Samples = cmp.Or(s.Samples, MarginSamples)
	if r.Distances, err = margin.Measure(ctx, field, a.Split, s); err != nil {
		return nil, err
	}
	r.Margin = &Margin{Summary: r.Distances.Summary(), Logit: cheap.LogitQuantiles(), Input: cheap.InputQuantiles()}
	return r.Margin, nil
}

// measureAlignment measures the alignments on and off the boundary.
func (r *Result) measureAlignment(ctx context.Context, _ *Analyzer, s Settings) (err error) {
	if s.Alignment == nil {
		return nil
	}
	r.Alignment, err = r.Measurement.align(ctx, r.Spectrum.Outliers, r.Distances, *s.Alignment)
	return err
}
