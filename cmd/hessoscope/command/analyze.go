package command

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
)

// analyzeDenseLimit is larger than that of a measuring hook: a finished model
// is measured once, and all its eigenvalues are worth some seconds.
const analyzeDenseLimit = 2000

func (a analyzeCmd) Run(ctx context.Context, out *output) error {
	model, data, err := a.load(ctx)
	if err != nil {
		return err
	}
	split, err := data.Split(a.Split)
	if err != nil {
		return err
	}
	start := time.Now()
	objective, err := models.NewObjective(model, a.Loss, split, models.ObjectiveSettings{Workers: a.Workers})
	if err != nil {
		return err
	}
	var result analysis
	result.Model.Parameters, result.Model.Description = objective.Dim(), model.String()
	result.Data.Name, result.Data.Split = data.Name, split.Name
	result.Data.Samples, result.Data.Classes = split.Len(), len(data.Classes)
	result.Precision = objective.Precision().String()
	arrays, err := a.measure(ctx, &subject{model, split, objective}, &result, out.stderr)
	if err != nil {
		return err
	}
	result.Seconds = time.Since(start).Seconds()
	if a.Vectors != "" {
		if err := weights.Write(a.Vectors, arrays); err != nil {
			return err
		}
	}
	return result.write(a.JSON, out.stdout)
}

// load returns the model and the data to analyze.
func (a *analyzeCmd) load(ctx context.Context) (*models.MLP, *datasets.Dataset, error) {
	if err := a.validate(); err != nil {
		return nil, nil, err
	}
	if a.Run_ != "" {
		return a.runSubject(ctx)
	}
	model, err := models.LoadMLP(a.Weights, a.Activation)
	if err != nil {
		return nil, nil, err
	}
	var data *datasets.Dataset
	if _, statErr := os.Stat(a.Data); statErr == nil || filepath.Ext(a.Data) == ".csv" {
		data, err = datasets.ReadCSV(a.Data, datasets.CSVOptions{Label: a.Label})
	} else {
		data, err = datasets.Load(ctx, a.Data, datasets.Options{DataDir: a.DataDir})
	}
	return model, data, err
}

// runSubject is the model of a run, at a checkpoint, and the run's data.
func (a *analyzeCmd) runSubject(ctx context.Context) (*models.MLP, *datasets.Dataset, error) {
	c, err := experiment.ReadRun(a.Run_)
	if err != nil {
		return nil, nil, err
	}
	path, err := experiment.CheckpointOf(a.Run_, a.Epoch)
	if err != nil {
		return nil, nil, err
	}
	activation := c.Model.Activation
	if activation == "" {
		activation = models.ReLU
	}
	if c.Training.Loss != "" {
		a.Loss = c.Training.Loss
	}
	model, err := models.LoadMLP(path, activation)
	if err != nil {
		return nil, nil, err
	}
	data, err := c.LoadData(ctx)
	return model, data, err
}

// measure fills in what is computed from the loss, and returns what --vectors
// writes.
func (a analyzeCmd) measure(ctx context.Context, subject *subject, result *analysis, progress io.Writer) ([]weights.Array, error) {
	objective := subject.objective
	evaluation, err := objective.Evaluate(ctx)
	if err != nil {
		return nil, err
	}
	result.Loss, result.Accuracy = evaluation.Loss, evaluation.Accuracy
	gradient := make([]float64, objective.Dim())
	if _, err := objective.Gradient(ctx, gradient); err != nil {
		return nil, err
	}
	result.GradientNorm = floats.Norm(gradient, 2)

	settings := curvature.Settings{
		Method: a.Method, Resolved: !a.NoComplexity, Top: orNone(a.Top), Bottom: orNone(a.Bottom), Tolerance: a.Tolerance,
		Seed: a.Seed, DenseLimit: analyzeDenseLimit,
	}
	var gradients *boundary.Reinforcing
	margins := a.Margin || a.Margins != ""
	if !a.NoComplexity || a.Method == curvature.Reduced || margins {
		if gradients, err = boundary.NewReinforcing(ctx, subject.model, subject.split, models.ObjectiveSettings{Workers: a.Workers}); err != nil {
			return nil, err
		}
	}
	if settings.WantsSeeds(objective.Dim()) {
		if settings.Seeds, err = gradients.Seeds(ctx); err != nil {
			return nil, err
		}
	}
	bar := newBar(progress, "eigenvalues")
	settings.Progress = bar.pairs
	spectrum, err := curvature.Solve(ctx, curvature.Hessian{Objective: objective}, settings)
	bar.clear()
	if err != nil {
		return nil, err
	}
	result.Spectrum = describeSpectrum(spectrum)
	aligned, err := a.measureBoundary(ctx, subject, spectrum, gradients, result)
	if err != nil {
		return nil, err
	}
	arrays := append(spectrum.Arrays(), aligned...)
	var distances *margin.Distances
	if margins {
		if result.Margin, distances, err = a.measureMargin(ctx, subject, spectrum, gradients, result.Spectrum.Outliers, progress); err != nil {
			return nil, err
		}
	}
	if a.Picture != "" {
		err = a.drawPicture(ctx, subject, spectrum, result, distances)
	}
	return arrays, err
}

// measureBoundary fills in outliers and complexity.
func (a analyzeCmd) measureBoundary(ctx context.Context, subject *subject, spectrum *curvature.Spectrum, gradients *boundary.Reinforcing, result *analysis) ([]weights.Array, error) {
	pairs := boundary.NewEigenpairs(spectrum)
	if !pairs.Measurable() {
		return nil, nil
	}
	outliers, err := pairs.Outliers(subject.model.Classes(), bulk(spectrum))
	if err != nil {
		return nil, err
	}
	result.Spectrum.Outliers = outliers
	if a.NoComplexity {
		return nil, nil
	}
	if pairs, err = gradients.Align(ctx, spectrum); err != nil {
		return nil, err
	}
	if outliers.Pairs, err = pairs.ClassPairs(gradients.Predicted, outliers.Ratio.Count); err != nil {
		return nil, err
	}
	result.Complexity, err = pairs.Complexity(boundary.ComplexitySettings{Epsilon: a.Epsilon})
	return gradients.Arrays(pairs), err
}

// orNone makes 0 pairs of what the solver's settings call none.
func orNone(pairs int) int {
	if pairs == 0 {
		return -1
	}
	return pairs
}
