package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
)

func (a analyzeCmd) Run(ctx context.Context, out *output) error {
	model, data, err := a.load(ctx)
	if err != nil {
		return err
	}
	split, err := data.Split(a.Split)
	if err != nil {
		return err
	}
	var points *alignmentPoints
	if a.Alignment != "" {
		if points, err = a.alignmentPoints(ctx, model, data, split); err != nil {
			return fmt.Errorf("--alignment-at %w", err)
		}
	}
	var images *boundaryImages
	if a.Boundary != "" {
		if images, err = newBoundaryImages(model, data); err != nil {
			return fmt.Errorf("--boundary-images: %w", err)
		}
	}
	result, err := a.analyze(ctx, model, split, points, out.stderr)
	if err != nil {
		return err
	}
	result.Data.Name, result.Data.Classes, result.AllRules = data.Name, len(data.Classes), a.OutlierRules
	if result.Confusion != nil && len(data.Classes) == len(result.Confusion.Classes) {
		result.Confusion.Classes = data.Classes
	}
	if a.Margins != "" {
		if err := writeDistances(a.Margins, result.Distances); err != nil {
			return err
		}
	}
	if images != nil {
		if err := images.write(a.Boundary, split, result.Distances); err != nil {
			return fmt.Errorf("--boundary-images: %w", err)
		}
	}
	if points != nil {
		if err := points.write(a.Alignment, result.Alignment.At); err != nil {
			return err
		}
	}
	if a.Picture != "" {
		if err := drawPicture(ctx, a.Picture, model, split, result); err != nil {
			return err
		}
	}
	if a.Vectors != "" {
		if err := weights.Write(a.Vectors, result.Arrays()); err != nil {
			return err
		}
	}
	return writeAnalysis(a.JSON, out.stdout, result)
}

// analyze measures what the flags request, and the alignments at points unless
// they are nil, and shows its progress.
func (a analyzeCmd) analyze(ctx context.Context, model models.Model, split *datasets.Split, points *alignmentPoints, progress io.Writer) (*analysis.Result, error) {
	eigenvalues, distances := newBar(progress, "eigenvalues"), bar{}
	defer func() {
		eigenvalues.clear()
		distances.clear()
	}()
	searched := func(done, total int) {
		if distances == (bar{}) {
			eigenvalues.clear()
			distances = newBar(progress, "margins")
		}
		distances.show(done, total)
	}
	settings := analysis.Settings{
		Loss: cmp.Or(a.trained, a.Loss.Loss()), Matrix: a.Matrix,
		Spectrum: curvature.Settings{
			Method: a.Method, Top: orNone(a.Top), Bottom: orNone(a.Bottom), Tolerance: a.Tolerance,
			Seed: a.Seed, Progress: eigenvalues.pairs,
		},
		NoComplexity: a.NoComplexity,
		Complexity:   boundary.ComplexitySettings{Epsilon: a.Epsilon},
		Workers:      a.Workers,
	}
	if a.Margin || a.Margins != "" || a.Boundary != "" {
		settings.Margin = &margin.Settings{Samples: a.Samples, Seed: a.Seed, Progress: searched}
	}
	if points != nil {
		settings.Alignment = &analysis.AlignmentSettings{Vectors: a.AlignVectors, Points: points.x, Seed: a.Seed, Progress: searched}
	}
	return analysis.Analyze(ctx, model, split, settings)
}

// load returns the model and the data to analyze.
func (a *analyzeCmd) load(ctx context.Context) (models.Model, *datasets.Dataset, error) {
	if err := a.validate(); err != nil {
		return nil, nil, err
	}
	if a.Run_ != "" {
		return a.loadRun(ctx)
	}
	if a.Model == "" {
		model, err := models.LoadMLP(a.Weights, a.Activation)
		if err != nil {
			return nil, nil, err
		}
		data, err := a.loadData(ctx)
		return model, data, err
	}
	data, err := a.loadData(ctx)
	if err != nil {
		return nil, nil, err
	}
	model, err := experiment.LoadNetwork(a.Model, a.Weights, data)
	return model, data, err
}

// loadData reads --data. A file that is not NumPy's is a CSV file, whatever its
// name.
func (a *analyzeCmd) loadData(ctx context.Context) (*datasets.Dataset, error) {
	info, err := os.Stat(a.Data)
	isFile := err == nil && !info.IsDir() && !strings.EqualFold(filepath.Ext(a.Data), ".npz")
	if isFile || filepath.Ext(a.Data) == ".csv" {
		return datasets.ReadCSV(a.Data, datasets.CSVOptions{Label: a.Label})
	}
	return datasets.Load(ctx, a.Data, datasets.Options{DataDir: a.DataDir, MaxGB: a.MaxGB})
}

// loadRun returns the model of a run, at a checkpoint, and the run's data.
func (a *analyzeCmd) loadRun(ctx context.Context) (models.Model, *datasets.Dataset, error) {
	c, err := experiment.ReadRun(a.Run_)
	if err != nil {
		return nil, nil, err
	}
	path, err := experiment.CheckpointOf(a.Run_, a.Epoch)
	if err != nil {
		return nil, nil, err
	}
	data, err := c.LoadData(ctx)
	if err != nil {
		return nil, nil, err
	}
	if a.trained, err = c.Loss(data); err != nil {
		return nil, nil, err
	}
	model, err := c.LoadModel(path, data)
	return model, data, err
}

// orNone converts a number of pairs from the flags, where 0 means none, to the
// solver's settings, where -1 means none.
func orNone(pairs int) int {
	if pairs == 0 {
		return -1
	}
	return pairs
}

// writeAnalysis writes the JSON to a file, or to stdout instead of the table.
func writeAnalysis(path string, stdout io.Writer, r *analysis.Result) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if path == "-" {
		_, err := stdout.Write(text)
		return err
	}
	if path != "" {
		if err := durable.WriteFile(path, text); err != nil {
			return err
		}
	}
	return r.WriteTable(stdout)
}

// writeDistances writes a CSV file with one row per measured sample.
func writeDistances(path string, m *margin.Distances) error {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	rows := [][]string{{"sample", "label", "predicted", "rival", "distance", "converged", "lower"}}
	for i, row := range m.Rows {
		rivals, distance := "", "" // empty if no boundary was found
		if m.Rivals[i] >= 0 {
			rivals, distance = strconv.Itoa(m.Rivals[i]), formatFloat(m.Values[i])
		}
		rows = append(rows, []string{
			strconv.Itoa(row), strconv.Itoa(m.Labels[i]), strconv.Itoa(m.Predicted[i]), rivals, distance, strconv.FormatBool(m.Converged[i]), formatFloat(m.Lower[i]),
		})
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	return durable.WriteFile(path, text.Bytes())
}
