package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/memory"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
)

func (a analyzeCmd) Run(ctx context.Context, out *output) error {
	model, data, err := a.load(ctx, out.stderr)
	if err != nil {
		return err
	}
	split, err := data.Split(a.Split)
	if err != nil {
		return err
	}
	var points *alignmentPoints
	if a.Alignment != "" {
		if points, err = a.alignmentPoints(ctx, out.stderr, model, data, split); err != nil {
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
func (a analyzeCmd) analyze(ctx context.Context, model models.Model, split *datasets.Split, points *alignmentPoints, progress io.Writer) (_ *analysis.Result, err error) {
	eigenvalues, distances := newBar(progress, "eigenvalues"), (*bar)(nil)
	defer func() {
		eigenvalues.clear()
		distances.clear()
	}()
	searched := func(done, total int) {
		if distances == nil {
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
		Products:     experiment.Precision(a.Precision),
		Workers:      a.Workers,
	}
	if a.Margin || a.Margins != "" || a.Boundary != "" {
		settings.Margin = &margin.Settings{Samples: a.Samples, Seed: a.Seed, Progress: searched}
	}
	if points != nil {
		settings.Alignment = &analysis.AlignmentSettings{Vectors: a.AlignVectors, Points: points.x, Seed: a.Seed, Progress: searched}
	}
	if settings.Memory, err = a.checkMemory(model, split, settings); err != nil {
		return nil, err
	}
	return analysis.Analyze(ctx, model, split, settings)
}

// checkMemory returns an error if measuring needs more memory than the computer has
// left, or than --memory-gb says; else how many bytes of passes may be kept within that.
func (a analyzeCmd) checkMemory(model models.Model, split *datasets.Split, s analysis.Settings) (kept int64, err error) {
	measured := memory.Spectrum{
		Model: model, Parameters: models.Size(model), Samples: split.Len(), Settings: s.Solver(),
		Float32: a.Precision == "float32", Complexity: !s.NoComplexity,
	}
	parts := []memory.Part{
		{What: "the spectrum", Bytes: measured.Bytes()},
		{What: "the outputs", Bytes: 8 * float64(split.Len()) * float64(model.Classes())},
	}
	left, err := memory.Check(parts, a.MemoryGB, "--memory-gb", func(free float64) string {
		free -= parts[1].Bytes
		if pairs := measured.Pairs(free); pairs > 0 {
			return fmt.Sprintf("--method %s --top %d", curvature.Lanczos, pairs)
		}
		if measured.Complexity = false; !s.NoComplexity && measured.Bytes() <= free {
			return "--no-complexity"
		}
		return "A smaller model or split"
	})
	return memory.Kept(0, a.MemoryGB, left), err
}

// load returns the model and the data to analyze. It warns if these have changed since
// the model was trained.
func (a *analyzeCmd) load(ctx context.Context, warnings io.Writer) (models.Model, *datasets.Dataset, error) {
	if err := a.validate(); err != nil {
		return nil, nil, err
	}
	if a.Run_ != "" {
		return a.loadRun(ctx, warnings)
	}
	if a.Model == "" {
		if trained, err := experiment.ReadModelFile(a.Weights); trained != nil || err != nil {
			return a.loadTrained(ctx, trained, err, warnings)
		}
		model, err := models.LoadMLP(a.Weights, a.Activation, a.Layers...)
		if err != nil {
			return nil, nil, err
		}
		if len(a.Layers) == 0 {
			noteOrder(warnings, model)
		}
		data, err := a.loadData(ctx, nil, warnings)
		return model, data, err
	}
	data, err := a.loadData(ctx, nil, warnings)
	if err != nil {
		return nil, nil, err
	}
	model, err := experiment.LoadNetwork(a.Model, a.Weights, data)
	return model, data, err
}

// noteOrder says in which order the layers of an MLP were taken, if the numbers in their
// names do not tell it.
func noteOrder(w io.Writer, model *models.MLP) {
	var layers []string
	numbered := true
	for _, p := range model.Parameters() {
		if layer, isWeight := strings.CutSuffix(p.Name, ".weight"); isWeight {
			layers = append(layers, layer)
			numbered = numbered && strings.ContainsAny(layer, "0123456789")
		}
	}
	if !numbered {
		say(w, fmt.Sprintf("layers in the order of the file: %s (--layers names another)", strings.Join(layers, ", ")))
	}
}

// loadTrained returns the model of a file of export, and --data scaled as in training.
func (a *analyzeCmd) loadTrained(ctx context.Context, trained *experiment.Trained, err error, warnings io.Writer) (models.Model, *datasets.Dataset, error) {
	switch {
	case err != nil:
		return nil, nil, err
	case a.Standardize || len(a.Layers) > 0 || len(a.Set) > 0:
		return nil, nil, fmt.Errorf("--standardize, --layers and --set do not apply to %s, which tells the layers, the scaling and how to read a table", a.Weights)
	}
	data, err := a.loadData(ctx, trained.Data, warnings)
	if err != nil {
		return nil, nil, err
	}
	if data.Fingerprint() != trained.Fingerprint {
		warnChanged(warnings, data.Name)
	}
	a.Loss = trained.Loss
	return trained.Model, data, nil
}

// loadData reads --data, and prepares them as the schema says, if there is one, or else
// as --set does. It tells what was changed.
func (a *analyzeCmd) loadData(ctx context.Context, schema *datasets.Schema, warnings io.Writer) (*datasets.Dataset, error) {
	data, err := a.readData(ctx, schema)
	if err != nil {
		return nil, err
	}
	for _, note := range data.Notes {
		say(warnings, a.Data+": "+note)
	}
	return data, nil
}

// readData reads --data. A file that is not NumPy's is a CSV file, whatever its name.
func (a *analyzeCmd) readData(ctx context.Context, schema *datasets.Schema) (*datasets.Dataset, error) {
	isCSV := datasets.IsCSV(a.Data)
	var data *datasets.Dataset
	var err error
	switch {
	case schema == nil && isCSV:
		return experiment.Data{CSV: a.Data, Label: a.Label, MaxGB: a.MaxGB, Standardize: a.Standardize}.Load(ctx, a.Set...)
	case schema == nil:
		return experiment.Data{Set: a.Data, DataDir: a.DataDir, MaxGB: a.MaxGB, Standardize: a.Standardize}.Load(ctx, a.Set...)
	case isCSV:
		if a.Label != "" {
			schema.LabelColumn(a.Label)
		}
		data, err = schema.ReadCSV(a.Data, a.MaxGB)
	default:
		if data, err = datasets.Load(ctx, a.Data, datasets.Options{DataDir: a.DataDir, MaxGB: a.MaxGB}); err == nil {
			data, err = schema.Apply(data)
		}
	}
	if err != nil {
		return nil, err
	}
	return data, data.CheckRange(experiment.MaxInput)
}

// loadRun returns the model of a run, at a checkpoint, and the run's data.
func (a *analyzeCmd) loadRun(ctx context.Context, warnings io.Writer) (models.Model, *datasets.Dataset, error) {
	c, err := experiment.ReadRun(a.Run_)
	if err != nil {
		return nil, nil, err
	}
	path, err := experiment.CheckpointOf(a.Run_, a.Epoch)
	if err != nil {
		return nil, nil, err
	}
	schema, fingerprint := experiment.TrainedOn(a.Run_, path)
	data, changed, err := c.LoadDataAs(ctx, schema, fingerprint)
	if err != nil {
		return nil, nil, err
	}
	if changed {
		warnChanged(warnings, data.Name)
	}
	if a.trained, err = c.Loss(data); err != nil {
		return nil, nil, err
	}
	model, err := c.LoadModel(path, data)
	if err != nil {
		return nil, nil, experiment.Unreadable(record.Folder(a.Run_), path, err)
	}
	return model, data, nil
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
