package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
)

type analyzeCmd struct {
	Run_         string            `arg:"" optional:"" name:"run" help:"Folder of a run." placeholder:"RUN_DIR"`
	Epoch        int               `help:"Epoch of the run whose checkpoint was kept; the last if not given." default:"-1" placeholder:"N"`
	Weights      string            `help:"Weights of an MLP, .npz or .safetensors, named as PyTorch does." placeholder:"FILE"`
	Data         string            `help:"Data: a CSV file, or the name of a built-in set." placeholder:"FILE|SET"`
	DataDir      string            `help:"Folder of the IDX files of MNIST, instead of your cache." placeholder:"DIR"`
	Label        string            `help:"Column of the CSV that holds the labels." default:"label" placeholder:"COLUMN"`
	Split        string            `help:"Split of the data." default:"train"`
	Activation   models.Activation `help:"Nonlinearity between the layers, which weights do not tell." default:"relu"`
	Loss         lossName          `help:"Loss: cross_entropy or squared_error." default:"cross_entropy"`
	Method       curvature.Method  `help:"How to find eigenvalues: dense (all of them), lanczos (the ends), reduced (all resolvable pairs), density (the ends, and an estimate of all), or auto by size." default:"auto"`
	Top          int               `help:"How many of the largest eigenvalues." default:"10"`
	Bottom       int               `help:"How many of the smallest eigenvalues." default:"5"`
	Tolerance    float64           `help:"Largest residual of an eigenpair, relative to the largest |λ|." default:"1e-8"`
	Epsilon      float64           `help:"Alignment that counts for the complexity; calibrated against chance if 0." placeholder:"ε"`
	NoComplexity bool              `help:"Measure the spectrum only."`
	Margin       bool              `help:"Measure the margin too: the samples' distances to the boundary, and the margin that the outliers' eigenvectors tell."`
	Margins      string            `help:"Write the distance of every sample to the boundary to this CSV file; implies --margin." placeholder:"FILE.csv"`
	Samples      int               `name:"margin-samples" help:"How many samples' distances are measured, drawn by the seed; all of at most 1000 if 0." placeholder:"N"`
	Picture      string            `help:"Draw the decision regions (or the samples' distances, where the inputs are not in the plane) and the eigenvalues to this .png file." placeholder:"FILE.png"`
	Seed         uint64            `help:"Seed of Lanczos' random start, and of the margin's directions."`
	Workers      int               `help:"Chunks of data computed at once; one a CPU if 0. Changes no result."`
	JSON         string            `name:"json" help:"Write the results as JSON: to a file, or to standard output (-) in place of the table." placeholder:"FILE|-"`
	Vectors      string            `help:"Write eigenvalues, eigenvectors (one a row), residuals and alignments to this .npz file." placeholder:"FILE"`
}

// Help is printed by analyze --help.
func (analyzeCmd) Help() string {
	return `
Measures the loss of a finished model and its Hessian, in float64.

  hessoscope analyze runs/iris
  hessoscope analyze --weights W.npz --data D.csv --split train --top 10 --json -
  hessoscope analyze runs/iris --margin --margins distances.csv
  hessoscope analyze runs/gauss --margin --picture gauss.png

Every eigenvalue comes with the residual ‖Hv − λv‖ of its pair: a true eigenvalue lies that near.`
}

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
	objective, err := models.NewObjective(model, a.Loss.loss(), split, models.ObjectiveSettings{Workers: a.Workers})
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

// subject is what is analyzed.
type subject struct {
	model     *models.MLP
	split     *datasets.Split
	objective *models.Objective
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

func (a analyzeCmd) validate() error {
	switch {
	case a.Run_ == "" && (a.Weights == "" || a.Data == ""):
		return errors.New("analyze wants the folder of a run, or --weights and --data")
	case a.Run_ != "" && (a.Weights != "" || a.Data != ""):
		return errors.New("analyze wants the folder of a run or --weights and --data, not both")
	case a.Run_ == "" && a.Epoch >= 0:
		return errors.New("--epoch belongs to the folder of a run")
	case a.Top < 0 || a.Bottom < 0:
		return errors.New("--top and --bottom want numbers that are not negative")
	case a.Samples < 0:
		return fmt.Errorf("--margin-samples %d: want 0, for all of at most %d, or more", a.Samples, callbacks.MarginSamples)
	case a.Workers < 0:
		return fmt.Errorf("--workers %d: want 0, for one a CPU, or more", a.Workers)
	case !(a.Tolerance > 0 && a.Tolerance < 1):
		return fmt.Errorf("--tolerance %g: want a number between 0 and 1", a.Tolerance)
	}
	for _, path := range []string{a.JSON, a.Vectors, a.Margins, a.Picture} {
		if err := writable(path); err != nil {
			return err
		}
	}
	for _, file := range []struct{ flag, path, ext string }{
		{"--margins", a.Margins, ".csv"}, {"--picture", a.Picture, ".png"}, {"--vectors", a.Vectors, ".npz"},
	} {
		if file.path != "" && filepath.Ext(file.path) != file.ext {
			return fmt.Errorf("%s %s: want a name that ends in %s", file.flag, file.path, file.ext)
		}
	}
	if err := a.Activation.Validate(); err != nil {
		return fmt.Errorf("--activation %w", err)
	}
	if err := a.Loss.Validate(); err != nil {
		return fmt.Errorf("--loss %w", err)
	}
	return nil
}

// writable is an error if a file at path has no folder to be in, or is one:
// better now than when all is computed.
func writable(path string) error {
	if path == "" || path == "-" {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder; want the name of a file", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fmt.Errorf("%s: there is no folder %s", path, filepath.Dir(path))
	}
	return nil
}

// runSubject is the model of a run, at a checkpoint, and the run's data.
func (a *analyzeCmd) runSubject(ctx context.Context) (*models.MLP, *datasets.Dataset, error) {
	c, err := readConfig(filepath.Join(a.Run_, configFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%s is not the folder of a run: it has no %s", a.Run_, configFile)
	}
	if err != nil {
		return nil, nil, err
	}
	file := lastCheckpoint
	if a.Epoch >= 0 {
		file = fmt.Sprintf("epoch-%06d.npz", a.Epoch)
	}
	path := filepath.Join(a.Run_, checkpointDir, file)
	if _, err := os.Stat(path); err != nil {
		return nil, nil, a.noCheckpoint(path)
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
	data, err := c.data(ctx)
	return model, data, err
}

// noCheckpoint says which epochs there are.
func (a *analyzeCmd) noCheckpoint(path string) error {
	kept, _ := filepath.Glob(filepath.Join(a.Run_, checkpointDir, "*.npz"))
	for i, k := range kept {
		kept[i] = filepath.Base(k)
	}
	if len(kept) == 0 {
		return fmt.Errorf("%s: no checkpoint; the run ended before its first one", path)
	}
	return fmt.Errorf("%s: no such checkpoint; there are %q (train with --set 'checkpoint.schedule={every: N}' to keep more)", path, kept)
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
