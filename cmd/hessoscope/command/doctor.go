package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/terminal"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/memory"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/check"
	"github.com/hessoscope/hessoscope/trainer"
)

type doctorCmd struct {
	Experiment string   `arg:"" complete:"presets" help:"A preset (hessoscope presets), a YAML file, or the folder of a run."`
	Set        []string `help:"Change a setting: --set model.activation=gelu. May be repeated." placeholder:"KEY=VALUE" sep:"none"`
}

// Help returns the text that doctor --help adds.
func (doctorCmd) Help() string {
	return `
Checks a model and its data before a long run: that its derivatives are correct, that results are
reproducible, and what each measurement will cost. Exits with status 1 if a check fails.

  hessoscope doctor gauss
  hessoscope doctor mine.yaml --set model.activation=tanh`
}

// errUnsound is the error of doctor if a check failed.
var errUnsound = errors.New("a check failed")

func (d doctorCmd) Run(ctx context.Context, out *output) error {
	c, err := d.config()
	if err != nil {
		return err
	}
	data, err := c.LoadData(ctx)
	if err != nil {
		return err
	}
	model, err := c.BuildModel(data)
	if err != nil {
		return err
	}
	split, err := data.Split(datasets.Train)
	if err != nil {
		return err
	}
	if split, err = split.Draw(c.Spectrum.Samples, c.Seed); err != nil {
		return err
	}
	loss, err := c.Loss(data)
	if err != nil {
		return fmt.Errorf("training.class_weights: %w", err)
	}
	checks, err := check.New(model, loss, split, trainer.Stream(c.Seed, "doctor", 0), c.Workers)
	if err != nil { // the model has an operation that cannot be differentiated twice
		return err
	}
	findings, err := checks.Run(ctx)
	if err != nil {
		return err
	}
	e := &estimate{config: c, model: model, split: split, findings: findings, kept: c.Kept(model, split.Len())}
	if err := e.build(loss); err != nil {
		return err
	}
	if err := e.costs(ctx); err != nil {
		return err
	}
	subject := fmt.Sprintf("%s, %d parameters; %s, %d samples\n\n", models.Describe(model), models.Size(model), data.Name, split.Len())
	if err := terminal.Wrap(out.stdout, subject); err != nil {
		return err
	}
	if err := e.table(out.stdout); err != nil {
		return err
	}
	if slices.ContainsFunc(e.findings, func(f check.Finding) bool { return f.Verdict == check.Failed }) {
		return errUnsound
	}
	return nil
}

// config returns the experiment. If the argument is a run, the model starts from
// its last checkpoint.
func (d doctorCmd) config() (*experiment.Config, error) {
	folder := record.Folder(d.Experiment)
	c, err := experiment.Read(folder.Config())
	if err != nil {
		c, err = experiment.Load(d.Experiment)
	} else {
		c.Model.Weights, c.Model.NormOf = folder.LastCheckpoint(), ""
	}
	if err != nil {
		return nil, err
	}
	if err := c.Set(d.Set...); err != nil {
		return nil, err
	}
	c.Resolve()
	return c, cmp.Or(c.Validate(), c.FindStart("runs"))
}

// estimate collects what measurements of a model would cost.
type estimate struct {
	config    *experiment.Config
	model     models.Model
	split     *datasets.Split
	objective *models.Objective
	products  *models.Objective // in float32, by which pairs are searched; nil if that is the same
	kept      int64             // bytes of passes that may be kept
	support   int               // number of parameters in the support of the Hessian, see curvature.Support
	findings  []check.Finding
}

// build makes the objectives, as an analysis.Analyzer does.
func (e *estimate) build(loss models.Loss) (err error) {
	settings := models.ObjectiveSettings{Workers: e.config.Workers, Memory: e.kept}
	if e.config.Spectrum.Precision == "float32" {
		single := settings
		single.Precision = tensor.Float32
		if e.products, err = models.NewObjective(e.model, loss, e.split, single); err != nil {
			return err
		}
		settings.Memory = 1
	}
	e.objective, err = models.NewObjective(e.model, loss, e.split, settings)
	return err
}

// lanczosProducts is the approximate median number of Hessian-vector products of a
// Lanczos measurement.
const lanczosProducts = 100

// costs times Hessian-vector products and notes the cost of each measurement.
func (e *estimate) costs(ctx context.Context) error {
	product, err := e.product(ctx, "one H·v", e.objective)
	if err != nil {
		return err
	}
	searched := product
	if e.products != nil {
		if searched, err = e.product(ctx, "one H·v in float32", e.products); err != nil {
			return err
		}
	}
	hessian := curvature.Hessian{Objective: e.objective}
	if e.support, err = curvature.Support(ctx, hessian, e.config.Seed); err != nil {
		return err
	}
	c := e.config.Spectrum
	n, k := float64(e.objective.Dim()), float64(e.support)
	// The constants are seconds per operation of orthogonalization against a basis
	// and of the symmetric eigen-solver, measured at 10,703 and 1,113 parameters.
	basis := float64(2*(max(c.Top, 0)+max(c.Bottom, 0)) + 20)
	lanczos := curvature.Settings{Method: curvature.Lanczos, Top: c.Top, Bottom: c.Bottom}
	if e.products != nil {
		lanczos.Exact = hessian
	}
	e.spectrum("lanczos", lanczos, 0, 0, lanczosProducts*(searched+1e-9*basis*n))
	if e.products != nil { // in which the other methods do not work
		return nil
	}
	if err := e.reduced(ctx, product); err != nil {
		return err
	}
	e.spectrum("dense", curvature.Settings{Method: curvature.Dense}, 0, 0, n*product+1.5e-10*k*k*k)
	return nil
}

// product notes the median time of products with an objective, and its memory, and
// returns the time.
func (e *estimate) product(ctx context.Context, what string, o *models.Objective) (seconds float64, err error) {
	v, image := mat.NewDense(1, o.Dim(), nil), mat.NewDense(1, o.Dim(), nil)
	v.Set(0, 0, 1)
	var times []float64
	for range 5 {
		start := time.Now()
		if err := o.HessianProducts(ctx, image, v); err != nil {
			return 0, err
		}
		times = append(times, time.Since(start).Seconds())
	}
	slices.Sort(times)
	seconds = times[len(times)/2]
	passes := ""
	if kept, chunks := o.Kept(); chunks > 1 && (e.products == nil || o == e.products) {
		passes = fmt.Sprintf("; passes of %d of %d chunks of the data are kept for all, in at most %s", kept, chunks, bytesText(float64(e.kept)))
	}
	e.note(what, seconds, bytesText(float64(o.Bytes()))+passes)
	return seconds, nil
}

// reduced notes the cost of the method reduced. The dimension of its space is known
// only after a measurement, so reduced makes one if it takes little time.
func (e *estimate) reduced(ctx context.Context, product float64) error {
	k, samples := float64(e.support), float64(e.split.Len())
	m := min(k/2, memory.ReducedVectors*samples)
	seconds := m*product + 1e-10*m*m*k + 1.5e-10*m*m*m
	if 8*(m*k+6*m*m) > 1<<30 {
		return nil
	}
	settings := curvature.Settings{Method: curvature.Reduced, Top: -1, Bottom: -1, Seed: e.config.Seed}
	if seconds < tryReduced {
		start := time.Now()
		analyzer, err := analysis.New(analysis.Subject{
			Model: e.model, Split: e.split,
			Objective: func(models.Model, models.Loss, *datasets.Split, models.ObjectiveSettings) (analysis.Objective, error) {
				return e.objective, nil
			},
		})
		if err != nil {
			return err
		}
		found, err := analyzer.Measure(ctx, settings)
		if err != nil {
			return err
		}
		m, seconds = float64(found.Spectrum.Basis), time.Since(start).Seconds()
	}
	e.spectrum("reduced, and complexity", settings, int(m), boundary.SeedMemory(e.split.Len(), e.objective.Dim()), seconds)
	return nil
}

// tryReduced is the estimated time, in seconds, below which reduced makes the
// measurement.
const tryReduced = 5

// spectrum notes the cost of a measurement, unless it would be refused for its
// size. The memory is the peak of the whole process.
func (e *estimate) spectrum(method string, s curvature.Settings, basis int, seeds, seconds float64) {
	if bytes, err := s.Memory(e.objective.Dim(), e.support, basis); err == nil {
		gradients := float64(e.objective.Bytes()) // bound of the memory for the graph of the gradients
		if e.products != nil {
			gradients += float64(e.products.Bytes())
		}
		e.note("spectrum, "+method, seconds, bytesText(memory.Held()+gradients+bytes+seeds)+" in all")
	}
}

// note adds a finding without a verdict.
func (e *estimate) note(what string, seconds float64, bytes string) {
	e.findings = append(e.findings, check.Finding{Name: what, Detail: fmt.Sprintf("about %s, %s", duration(seconds), bytes)})
}

func duration(seconds float64) string {
	if seconds < 1 {
		return fmt.Sprintf("%.3g ms", 1000*seconds)
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

func bytesText(b float64) string {
	if b >= 1e9 {
		return fmt.Sprintf("%.3g GB", b/1e9)
	}
	return fmt.Sprintf("%.3g MB", b/1e6)
}

func (e *estimate) table(w io.Writer) error {
	t := terminal.Table{Columns: []terminal.Column{{Heading: "CHECK"}, {Heading: "RESULT"}, {Heading: "DETAIL", Text: true}}}
	for _, f := range e.findings {
		t.Rows = append(t.Rows, []string{f.Name, string(f.Verdict), f.Detail})
	}
	return t.Write(w)
}
