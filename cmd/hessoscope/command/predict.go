package command

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/terminal"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
)

// shownRows is the number of rows in the table of predictions.
const shownRows = 10

type predictCmd struct {
	Model     string  `arg:"" complete:"runs" help:"Folder of a run, or a file of hessoscope export." placeholder:"RUN_DIR|MODEL.safetensors"`
	Data      string  `help:"New samples, in the units of the training data: a CSV file with the columns of the features, a NumPy file (.npz) with x, a folder of images (DIR/), or a built-in set. Labels may be missing. The run's own data if not given." placeholder:"FILE|DIR/|SET"`
	Out       string  `help:"Write every row to this .csv or .npz file, or as CSV to standard output (-)." placeholder:"FILE|-"`
	Distances bool    `help:"Measure the distance of every sample to the boundary too. It takes about as long as some thousand predictions."`
	Split     string  `help:"Split of the data: all rows of new data, and train of the run's own, if not given." placeholder:"SPLIT"`
	Label     string  `help:"Column of the CSV that holds the labels; that of the training data if not given." placeholder:"COLUMN"`
	Epoch     int     `help:"Epoch of the run whose checkpoint was kept; the last if not given." default:"-1" placeholder:"N"`
	DataDir   string  `help:"Folder of the files of MNIST, Fashion-MNIST or CIFAR-10, instead of your cache." placeholder:"DIR"`
	MaxGB     float64 `name:"max-gb" help:"Most memory that the values of data in files may take, in GB; 1 if not given." placeholder:"GB"`
	Workers   int     `help:"Number of chunks of data computed in parallel; one per CPU if 0. The results do not depend on it."`
}

// Help returns the text that predict --help adds.
func (predictCmd) Help() string {
	return `
Classifies new samples: their classes, probabilities and, with --distances, how far each is from the
decision boundary. Values are scaled as in training. If there are labels, the accuracy is told. New
samples may be any; whether the run's own data have changed since the training is told without --data.

  hessoscope predict runs/iris --data new.csv
  hessoscope predict runs/iris --data new.csv --out predicted.csv
  hessoscope predict iris.safetensors --data new.csv --distances --out predicted.npz
  hessoscope predict runs/iris --split test`
}

func (p predictCmd) validate() error {
	switch ext := filepath.Ext(p.Out); {
	case p.Out != "" && p.Out != "-" && ext != ".csv" && ext != ".npz":
		return fmt.Errorf("--out %s: want a name that ends in .csv or .npz, or - for standard output", p.Out)
	case p.Workers < 0:
		return fmt.Errorf("--workers %d: want 0, for one a CPU, or more", p.Workers)
	}
	return writable(p.Out)
}

func (p predictCmd) Run(ctx context.Context, out *output) error {
	if err := p.validate(); err != nil {
		return err
	}
	trained, samples, err := p.load(ctx, out.stderr)
	if err != nil {
		return err
	}
	result, err := p.predict(ctx, trained, samples, out.stderr)
	if err != nil {
		return err
	}
	switch {
	case p.Out == "-":
		return result.writeCSV(out.stdout)
	case filepath.Ext(p.Out) == ".npz":
		err = weights.Write(p.Out, result.arrays())
	case p.Out != "":
		var text bytes.Buffer
		if err = result.writeCSV(&text); err == nil {
			err = durable.WriteFile(p.Out, text.Bytes())
		}
	}
	if err != nil {
		return err
	}
	return result.print(out.stdout, p.Out)
}

// load returns the model and the samples.
func (p predictCmd) load(ctx context.Context, warnings io.Writer) (*experiment.Trained, *datasets.Samples, error) {
	trained, isRun, err := p.loadModel(ctx)
	if err != nil {
		return nil, nil, err
	}
	if p.Label != "" {
		trained.Data.LabelColumn(p.Label)
	}
	if p.Data != "" {
		samples, err := trained.Data.Load(ctx, p.Data, p.Split, datasets.Options{DataDir: p.DataDir, MaxGB: p.MaxGB})
		if err != nil {
			return nil, nil, err
		}
		if p.Label != "" && samples.Labels == nil {
			return nil, nil, fmt.Errorf("--label: %s has no labels in a column %q", p.Data, p.Label)
		}
		for _, note := range samples.Notes {
			say(warnings, p.Data+": "+note)
		}
		return trained, samples, nil
	}
	if !isRun {
		return nil, nil, errors.New("predict wants new samples: --data FILE")
	}
	c, err := experiment.ReadRun(p.Model)
	if err != nil {
		return nil, nil, err
	}
	data, changed, err := c.LoadDataAs(ctx, trained.Data, trained.Fingerprint)
	if err != nil {
		return nil, nil, err
	}
	if changed {
		warnChanged(warnings, data.Name)
	}
	name := p.Split
	if name == "" {
		name = datasets.Train
	}
	split, err := data.Split(name)
	if err != nil {
		return nil, nil, err
	}
	samples := &datasets.Samples{X: split.Values(), N: split.Len(), Labels: split.Labels}
	for row := range samples.N {
		samples.Rows = append(samples.Rows, row)
	}
	return trained, samples, nil
}

// loadModel returns the model, and whether it is that of a run.
func (p predictCmd) loadModel(ctx context.Context) (*experiment.Trained, bool, error) {
	info, err := os.Stat(p.Model)
	if err != nil {
		return nil, false, fmt.Errorf("%s: there is no such run or file%s", p.Model, record.Meant(p.Model))
	}
	if info.IsDir() {
		trained, err := experiment.ReadTrained(ctx, p.Model, p.Epoch)
		return trained, true, err
	}
	if p.Epoch >= 0 {
		return nil, false, errors.New("--epoch belongs to the folder of a run")
	}
	trained, err := experiment.ReadModelFile(p.Model)
	if err == nil && trained == nil {
		err = fmt.Errorf("%s: holds weights alone, without classes and scaling; want the folder of a run, or a file of hessoscope export", p.Model)
	}
	return trained, false, err
}

// warnChanged says that data are not those that a model was trained on.
func warnChanged(w io.Writer, name string) {
	say(w, name+": these are not the data that the model was trained on, by their fingerprint; its recorded metrics belong to others")
}

// predictions are the results for N samples.
type predictions struct {
	classes       []string
	scaled        bool  // whether distances are in units of scaled values
	probabilities bool  // whether outputs are probabilities, the softmax of the logits
	rows          []int // numbers in the file
	labels        []int
	predicted     []int     // N
	outputs       []float64 // N × C
	distances     *margin.Distances
}

// predict computes the outputs of the model. Those that were trained towards one-hot
// targets, by the squared error, are no logits: they stay as they are.
func (p predictCmd) predict(ctx context.Context, t *experiment.Trained, samples *datasets.Samples, progress io.Writer) (*predictions, error) {
	field, err := models.NewField(t.Model, models.ObjectiveSettings{Workers: p.Workers})
	if err != nil {
		return nil, err
	}
	classes := len(t.Data.Classes)
	r := &predictions{
		classes: t.Data.Classes, scaled: t.Data.Scaling != nil, probabilities: t.Loss.Loss() == models.CrossEntropy,
		rows: samples.Rows, labels: samples.Labels, predicted: make([]int, samples.N), outputs: make([]float64, samples.N*classes),
	}
	if err := field.Logits(ctx, r.outputs, samples.X); err != nil {
		return nil, err
	}
	for i := range r.predicted {
		row := r.outputs[i*classes : (i+1)*classes]
		r.predicted[i] = floats.MaxIdx(row)
		if r.probabilities {
			softmax(row)
		}
	}
	if !p.Distances {
		return r, nil
	}
	b := newBar(progress, "distances")
	defer b.clear()
	split := &datasets.Split{Name: "new", X: samples.X, Labels: r.predicted} // distances do not depend on labels
	r.distances, err = margin.Measure(ctx, field, split, margin.Settings{Progress: b.show})
	return r, err
}

// softmax replaces logits by probabilities.
func softmax(row []float64) {
	largest := floats.Max(row)
	for i, v := range row {
		row[i] = math.Exp(v - largest)
	}
	floats.Scale(1/floats.Sum(row), row)
}

// header returns the names of the columns of a CSV file.
func (r *predictions) header() []string {
	header := []string{"row"}
	if r.labels != nil {
		header = append(header, "label")
	}
	header = append(header, "predicted")
	for _, c := range r.classes {
		header = append(header, r.quantity()+"_"+c)
	}
	if r.distances != nil {
		header = append(header, "distance", "distance_is", "distance_lower", "rival")
	}
	return header
}

// quantity is what the outputs are.
func (r *predictions) quantity() string {
	if r.probabilities {
		return "probability"
	}
	return "output"
}

func (r *predictions) writeCSV(to io.Writer) error {
	w := csv.NewWriter(to)
	rows := [][]string{r.header()}
	for i, class := range r.predicted {
		row := []string{strconv.Itoa(r.rows[i])}
		if r.labels != nil {
			row = append(row, r.class(r.labels[i]))
		}
		row = append(row, r.class(class))
		for c := range r.classes {
			row = append(row, formatFloat(r.outputs[i*len(r.classes)+c]))
		}
		if d := r.distances; d != nil {
			distance := ""
			if d.Rivals[i] >= 0 {
				distance = formatFloat(d.Values[i])
			}
			row = append(row, distance, r.certainty(i), formatFloat(d.Lower[i]), r.class(d.Rivals[i]))
		}
		rows = append(rows, row)
	}
	return w.WriteAll(rows)
}

// class returns the name of a class, "" for −1.
func (r *predictions) class(c int) string {
	if c < 0 {
		return ""
	}
	return r.classes[c]
}

// certainty says how good the distance of a sample is.
func (r *predictions) certainty(i int) string {
	switch d := r.distances; {
	case d.Rivals[i] < 0:
		return "not found"
	case d.Certified[i]:
		return "certified"
	case d.Converged[i]:
		return "converged"
	default:
		return "upper bound"
	}
}

// arrays returns the predictions for an .npz file.
func (r *predictions) arrays() []weights.Array {
	n, quantity := len(r.predicted), "outputs"
	if r.probabilities {
		quantity = "probabilities"
	}
	arrays := []weights.Array{
		{Name: "rows", Shape: []int{n}, Data: numbers(r.rows)},
		{Name: "predicted", Shape: []int{n}, Data: numbers(r.predicted)},
		{Name: quantity, Shape: []int{n, len(r.classes)}, Data: r.outputs},
	}
	if r.labels != nil {
		arrays = append(arrays, weights.Array{Name: "labels", Shape: []int{n}, Data: numbers(r.labels)})
	}
	if d := r.distances; d != nil {
		certified, converged := make([]float64, n), make([]float64, n)
		for i := range n {
			certified[i], converged[i] = indicator(d.Certified[i]), indicator(d.Converged[i])
		}
		arrays = append(arrays, d.Arrays()...)
		arrays = append(arrays, weights.Array{Name: "margin_certified", Shape: []int{n}, Data: certified}, weights.Array{Name: "margin_converged", Shape: []int{n}, Data: converged})
	}
	return arrays
}

func numbers(v []int) []float64 {
	all := make([]float64, len(v))
	for i, n := range v {
		all[i] = float64(n)
	}
	return all
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// print writes a summary and the first rows.
func (r *predictions) print(w io.Writer, file string) error {
	n := len(r.predicted)
	text := fmt.Sprintf("%d samples", n)
	if known, right := r.count(); known > 0 {
		text += fmt.Sprintf(", accuracy %.6g (%d of %d with a label)", float64(right)/float64(known), right, known)
	}
	counts := make([]int, len(r.classes))
	for _, c := range r.predicted {
		counts[c]++
	}
	var parts []string
	for c, name := range r.classes {
		parts = append(parts, fmt.Sprintf("%s %d", name, counts[c]))
	}
	text += fmt.Sprintf("\npredicted: %s\n", strings.Join(parts, ", "))
	if r.distances != nil && r.scaled {
		text += "distances are in the space of the scaled values\n"
	}
	if file != "" {
		return terminal.Wrap(w, text+fmt.Sprintf("written to %s\n", file))
	}
	if err := terminal.Wrap(w, text+"\n"); err != nil {
		return err
	}
	return r.printRows(w)
}

// printRows writes a table of the first rows.
func (r *predictions) printRows(w io.Writer) error {
	n := len(r.predicted)
	t := terminal.Table{Columns: []terminal.Column{{Heading: "row"}}}
	if r.labels != nil {
		t.Columns = append(t.Columns, terminal.Column{Heading: "label"})
	}
	t.Columns = append(t.Columns, terminal.Column{Heading: "predicted"}, terminal.Column{Heading: r.quantity()})
	if r.distances != nil {
		t.Columns = append(t.Columns, terminal.Column{Heading: "distance"}, terminal.Column{Heading: "is"}, terminal.Column{Heading: "rival", Spare: 1})
	}
	for i := range min(n, shownRows) {
		row := []string{strconv.Itoa(r.rows[i])}
		if r.labels != nil {
			row = append(row, r.class(r.labels[i]))
		}
		c := r.predicted[i]
		row = append(row, r.class(c), cell("%.4f", r.outputs[i*len(r.classes)+c]))
		if d := r.distances; d != nil {
			distance := ""
			if d.Rivals[i] >= 0 {
				distance = fmt.Sprintf("%.4g", d.Values[i])
			}
			row = append(row, distance, r.certainty(i), r.class(d.Rivals[i]))
		}
		t.Rows = append(t.Rows, row)
	}
	if err := t.Write(w); err != nil || n <= shownRows {
		return err
	}
	return terminal.Wrap(w, fmt.Sprintf("… and %d more rows; --out FILE.csv writes all\n", n-shownRows))
}

// count returns how many samples have a label, and how many of these are predicted
// rightly.
func (r *predictions) count() (known, right int) {
	for i, label := range r.labels {
		if label >= 0 {
			known++
		}
		if label == r.predicted[i] {
			right++
		}
	}
	return known, right
}
