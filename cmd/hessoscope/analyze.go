package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/google/renameio/v2"
	"github.com/schollz/progressbar/v3"
	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
)

type analyzeCmd struct {
	Run_       string            `arg:"" optional:"" name:"run" help:"Folder of a run." placeholder:"RUN_DIR"`
	Epoch      int               `help:"Epoch of the run whose checkpoint was kept; the last if not given." default:"-1" placeholder:"N"`
	Weights    string            `help:"Weights of an MLP, .npz or .safetensors, named as PyTorch does." placeholder:"FILE"`
	Data       string            `help:"Data: a CSV file, or the name of a built-in set." placeholder:"FILE|SET"`
	Label      string            `help:"Column of the CSV that holds the labels." default:"label" placeholder:"COLUMN"`
	Split      string            `help:"Split of the data." default:"train"`
	Activation models.Activation `help:"Nonlinearity between the layers, which weights do not tell." default:"relu"`
	Loss       models.Loss       `help:"Loss: cross_entropy or squared_error." default:"cross_entropy"`
	Method     curvature.Method  `help:"How to find eigenvalues: dense (all of them), lanczos (the ends), or auto by size." default:"auto"`
	Top        int               `help:"How many of the largest eigenvalues." default:"10"`
	Bottom     int               `help:"How many of the smallest eigenvalues." default:"5"`
	Tolerance  float64           `help:"Largest residual of an eigenpair, relative to the largest |λ|." default:"1e-8"`
	Seed       uint64            `help:"Seed of Lanczos' random start."`
	Workers    int               `help:"Chunks of data computed at once; one a CPU if 0. Changes no result."`
	JSON       string            `name:"json" help:"Write the results as JSON: to a file, or to standard output (-) in place of the table." placeholder:"FILE|-"`
	Vectors    string            `help:"Write eigenvalues, eigenvectors (one a row) and residuals to this .npz file." placeholder:"FILE"`
}

// Help is printed by analyze --help.
func (analyzeCmd) Help() string {
	return `
Measures the loss of a finished model and its Hessian, in float64.

  hessoscope analyze runs/iris
  hessoscope analyze --weights W.npz --data D.csv --split train --top 10 --json -

Every eigenvalue comes with the residual ‖Hv − λv‖ of its pair: a true eigenvalue lies that near.`
}

// analyzeDenseLimit is larger than that of a measuring hook: a finished model
// is measured once, and all its eigenvalues are worth some seconds.
const analyzeDenseLimit = 2000

// analysis is the result of analyze: its JSON is a stable format.
type analysis struct {
	Model struct {
		Parameters  int    `json:"parameters"`
		Description string `json:"description"`
	} `json:"model"`
	Data struct {
		Name    string `json:"name"`
		Split   string `json:"split"`
		Samples int    `json:"samples"`
		Classes int    `json:"classes"`
	} `json:"data"`
	Loss         float64          `json:"loss"`
	Accuracy     float64          `json:"accuracy"`
	GradientNorm float64          `json:"gradient_norm"`
	Spectrum     spectrumAnalysis `json:"spectrum"`
	Precision    string           `json:"precision"` // of the computation
	Seconds      float64          `json:"seconds"`
}

type spectrumAnalysis struct {
	Method          string    `json:"method"`
	Top             []float64 `json:"top"`              // descending
	Residuals       []float64 `json:"residuals"`        // ‖Hv − λv‖ of top
	Bottom          []float64 `json:"bottom"`           // ascending
	BottomResiduals []float64 `json:"bottom_residuals"` // of bottom
	Converged       bool      `json:"converged"`        // every residual met the tolerance
	Trace           *estimate `json:"trace"`            // null where not every eigenvalue is computed
	HVPs            int       `json:"hvps"`             // Hessian-vector products
}

type estimate struct {
	Value float64 `json:"value"`
	Error float64 `json:"error"` // bound of the rounding error
}

func (a analyzeCmd) Run(ctx context.Context, out *output) error {
	model, data, err := a.subject(ctx)
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
	spectrum, err := a.measure(ctx, objective, &result, out.stderr)
	if err != nil {
		return err
	}
	result.Seconds = time.Since(start).Seconds()
	if a.Vectors != "" {
		if err := weights.Write(a.Vectors, spectrum.Arrays()); err != nil {
			return err
		}
	}
	return result.write(a.JSON, out.stdout)
}

// subject is the model and the data to analyze.
func (a *analyzeCmd) subject(ctx context.Context) (*models.MLP, *datasets.Dataset, error) {
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
		data, err = datasets.Load(ctx, a.Data, datasets.Options{})
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
	case a.Workers < 0:
		return fmt.Errorf("--workers %d: want 0, for one a CPU, or more", a.Workers)
	case !(a.Tolerance > 0 && a.Tolerance < 1):
		return fmt.Errorf("--tolerance %g: want a number between 0 and 1", a.Tolerance)
	}
	for _, path := range []string{a.JSON, a.Vectors} {
		if err := writable(path); err != nil {
			return err
		}
	}
	if ext := filepath.Ext(a.Vectors); a.Vectors != "" && ext != ".npz" {
		return fmt.Errorf("--vectors %s: want a name that ends in .npz", a.Vectors)
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

// measure fills in what is computed from the loss.
func (a analyzeCmd) measure(ctx context.Context, objective *models.Objective, result *analysis, progress io.Writer) (*curvature.Spectrum, error) {
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

	bar := newBar(progress, "eigenvalues")
	spectrum, err := curvature.Solve(ctx, curvature.Hessian{Objective: objective}, curvature.Settings{
		Method: a.Method, Top: orNone(a.Top), Bottom: orNone(a.Bottom), Tolerance: a.Tolerance,
		Seed: a.Seed, DenseLimit: analyzeDenseLimit, Progress: bar.show,
	})
	bar.clear()
	if err != nil {
		return nil, err
	}
	result.Spectrum = spectrumAnalysis{
		Method: spectrum.Method.String(), Converged: spectrum.Converged, HVPs: spectrum.Applications,
		Top: spectrum.Top.Values, Residuals: spectrum.Top.Residuals,
		Bottom: spectrum.Bottom.Values, BottomResiduals: spectrum.Bottom.Residuals,
	}
	if spectrum.Trace != nil {
		result.Spectrum.Trace = &estimate{spectrum.Trace.Value, spectrum.Trace.Error}
	}
	return spectrum, nil
}

// orNone makes 0 pairs of what the solver's settings call none.
func orNone(pairs int) int {
	if pairs == 0 {
		return -1
	}
	return pairs
}

// write writes the JSON to a file, or to stdout in place of the table.
func (r *analysis) write(path string, stdout io.Writer) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	if path == "-" {
		_, err := stdout.Write(data)
		return err
	}
	if path != "" {
		if err := renameio.WriteFile(path, data, 0o644, renameio.WithTempDir(filepath.Dir(path))); err != nil {
			return err
		}
	}
	return r.table(stdout)
}

// table writes the results for people.
func (r *analysis) table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	s := r.Spectrum
	fmt.Fprintf(t, "model\t%s, %d parameters\n", r.Model.Description, r.Model.Parameters)
	fmt.Fprintf(t, "data\t%s, %s: %d samples, %d classes\n", r.Data.Name, r.Data.Split, r.Data.Samples, r.Data.Classes)
	fmt.Fprintf(t, "loss\t%.6g\n", r.Loss)
	fmt.Fprintf(t, "accuracy\t%.4f\n", r.Accuracy)
	fmt.Fprintf(t, "gradient norm\t%.6g\n", r.GradientNorm)
	fmt.Fprintf(t, "method\t%s, %d Hessian-vector products, %.2g s\n", s.Method, s.HVPs, r.Seconds)
	if s.Trace != nil {
		fmt.Fprintf(t, "trace\t%.6g ± %.1g\n", s.Trace.Value, s.Trace.Error)
	}
	if !s.Converged {
		fmt.Fprintf(t, "not converged\tresiduals below are larger than asked for\n")
	}
	if err := t.Flush(); err != nil {
		return err
	}
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\n\teigenvalue\tresidual\t\n")
	for i, v := range s.Top {
		fmt.Fprintf(t, "λ%d\t%.6g\t%.1g\t\n", i+1, v, s.Residuals[i])
	}
	between := r.Model.Parameters - len(s.Top) - len(s.Bottom)
	if len(s.Top) > 0 && len(s.Bottom) > 0 && between > 0 {
		fmt.Fprintf(t, "…\t\t\t\n")
	}
	for i := len(s.Bottom) + min(between, 0) - 1; i >= 0; i-- { // without those of the top
		fmt.Fprintf(t, "λ%d\t%.6g\t%.1g\t\n", r.Model.Parameters-i, s.Bottom[i], s.BottomResiduals[i])
	}
	return t.Flush()
}

// bar shows how far a long measurement is, on a terminal.
type bar struct{ *progressbar.ProgressBar }

func newBar(w io.Writer, what string) bar {
	if !isTerminal(w) {
		return bar{}
	}
	return bar{progressbar.NewOptions(1, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what),
		progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))}
}

func (b bar) show(converged, wanted, applications int) {
	if b.ProgressBar != nil {
		b.ChangeMax(wanted)
		b.Describe(fmt.Sprintf("eigenvalues (%d H·v)", applications))
		_ = b.Set(converged) // a bar that cannot be drawn is no reason to stop
	}
}

func (b bar) clear() {
	if b.ProgressBar != nil {
		_ = b.Finish()
	}
}
