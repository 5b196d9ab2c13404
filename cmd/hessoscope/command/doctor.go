package command

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

type doctorCmd struct {
	Experiment string   `arg:"" help:"A preset (hessoscope presets), a YAML file, or the folder of a run."`
	Set        []string `help:"Change a setting: --set model.activation=gelu. May be repeated." placeholder:"KEY=VALUE" sep:"none"`
}

// Help is printed by doctor --help.
func (doctorCmd) Help() string {
	return `
Checks a model and its data before a long run: that its derivatives are right, that numbers repeat,
and what each measurement will cost. Ends with status 1 if a check fails.

  hessoscope doctor gauss
  hessoscope doctor mine.yaml --set model.activation=tanh`
}

// errUnsound ends a doctor's visit in which a check failed.
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
	e := &examination{config: c, model: model, split: split, rng: trainer.Stream(c.Seed, "doctor", 0)}
	if err := e.run(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out.stdout, "%s, %d parameters; %s, %d samples\n\n", model, models.Size(model), data.Name, split.Len())
	if err := e.table(out); err != nil {
		return err
	}
	if e.failed {
		return errUnsound
	}
	return nil
}

// config is the experiment, or that of a run, started where the run ended.
func (d doctorCmd) config() (*experiment.Config, error) {
	file := filepath.Join(d.Experiment, experiment.ConfigFile)
	c, err := experiment.Read(file)
	if err != nil {
		c, err = experiment.Load(d.Experiment)
	} else {
		c.Model.Weights, c.Model.NormOf = filepath.Join(d.Experiment, experiment.CheckpointDir, experiment.LastCheckpoint), ""
	}
	if err != nil {
		return nil, err
	}
	if err := c.Set(d.Set...); err != nil {
		return nil, err
	}
	c.Resolve()
	return c, c.Validate()
}

// examination is what a doctor looks at and finds.
type examination struct {
	config *experiment.Config
	model  models.Model
	split  *datasets.Split
	rng    interface{ NormFloat64() float64 }

	objective *models.Objective
	support   int // parameters that matter to the Hessian
	findings  []finding
	failed    bool
}

// finding is one row of the table.
type finding struct{ check, verdict, detail string }

func (e *examination) find(check string, ok bool, detail string, args ...any) {
	verdict := "ok"
	if !ok {
		verdict, e.failed = "FAILED", true
	}
	e.findings = append(e.findings, finding{check, verdict, fmt.Sprintf(detail, args...)})
}

func (e *examination) run(ctx context.Context) error {
	var err error
	e.objective, err = e.newObjective(e.config.Workers)
	if err != nil { // an operation that cannot be differentiated twice is refused here
		return err
	}
	e.find("operations", true, "all can be differentiated twice")
	for _, check := range []func(context.Context) error{e.derivatives, e.repeats, e.ragged, e.kinks, e.costs} {
		if err := check(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (e *examination) newObjective(workers int) (*models.Objective, error) {
	return models.NewObjective(e.model, e.config.Training.Loss.loss(), e.split, models.ObjectiveSettings{Precision: tensor.Float64, Workers: workers})
}

// direction is a random unit vector.
func (e *examination) direction() []float64 {
	v := make([]float64, e.objective.Dim())
	for i := range v {
		v[i] = e.rng.NormFloat64()
	}
	floats.Scale(1/floats.Norm(v, 2), v)
	return v
}

func (e *examination) product(ctx context.Context, o *models.Objective, v []float64) ([]float64, error) {
	dst := mat.NewDense(1, len(v), nil)
	err := o.HessianProducts(ctx, dst, mat.NewDense(1, len(v), v))
	return dst.RawRowView(0), err
}

// Bounds of what rounding and, for the quotients, nearby kinks explain.
const (
	quotientTolerance = 1e-6
	symmetryTolerance = 1e-12
)

// derivatives compares gradient and H·v with difference quotients, and uᵀHv
// with vᵀHu.
func (e *examination) derivatives(ctx context.Context) error {
	u, v := e.direction(), e.direction()
	hv, err := e.product(ctx, e.objective, v)
	if err != nil {
		return err
	}
	hu, err := e.product(ctx, e.objective, u)
	if err != nil {
		return err
	}
	g := make([]float64, len(v))
	if _, err := e.objective.Gradient(ctx, g); err != nil {
		return err
	}
	first, second := math.Inf(1), math.Inf(1)
	for _, h := range []float64{1e-3, 1e-4, 1e-5, 1e-6} { // the best of them: curvature limits large steps, rounding small ones
		slope, change, err := e.quotients(ctx, v, h)
		if err != nil {
			return err
		}
		floats.Sub(change, hv)
		first = min(first, math.Abs(slope-floats.Dot(g, v))/floats.Norm(g, 2))
		second = min(second, floats.Norm(change, 2)/floats.Norm(hv, 2))
	}
	e.find("gradient", first <= quotientTolerance, "%.1g relative, from difference quotients of the loss", first)
	e.find("H·v", second <= quotientTolerance, "%.1g relative, from difference quotients of the gradient", second)
	asymmetry := math.Abs(floats.Dot(u, hv)-floats.Dot(v, hu)) / max(floats.Norm(hv, 2), floats.Norm(hu, 2))
	e.find("symmetry", asymmetry <= symmetryTolerance, "uᵀHv and vᵀHu differ by %.1g, relative to ‖Hv‖", asymmetry)
	return nil
}

// quotients are five-point central differences of loss and gradient along v.
func (e *examination) quotients(ctx context.Context, v []float64, h float64) (slope float64, change []float64, err error) {
	change = make([]float64, len(v))
	g := make([]float64, len(v))
	for _, s := range []struct{ at, weight float64 }{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}} {
		loss, err := e.objective.GradientAt(ctx, g, v, s.at*h)
		if err != nil {
			return 0, nil, err
		}
		slope += s.weight / (12 * h) * loss
		floats.AddScaled(change, s.weight/(12*h), g)
	}
	return slope, change, nil
}

// repeats computes H·v again, and with one worker and with three.
func (e *examination) repeats(ctx context.Context) error {
	v := e.direction()
	want, err := e.product(ctx, e.objective, v)
	if err != nil {
		return err
	}
	same := true
	for _, workers := range []int{0, 1, 3} {
		o, err := e.newObjective(workers)
		if err != nil {
			return err
		}
		got, err := e.product(ctx, o, v)
		if err != nil {
			return err
		}
		same = same && slices.Equal(got, want)
	}
	e.find("repeatability", same, "H·v has the same bits when computed again, by 1 and by 3 workers")
	return nil
}

// ragged compares the loss with the mean over samples one by one, for which no
// batch is ever padded.
func (e *examination) ragged(ctx context.Context) error {
	g, mean := make([]float64, e.objective.Dim()), make([]float64, e.objective.Dim())
	if _, err := e.objective.Gradient(ctx, g); err != nil {
		return err
	}
	if err := e.objective.SampleGradients(ctx, func(_ int, sample []float64) error {
		floats.AddScaled(mean, 1/float64(e.split.Len()), sample)
		return nil
	}); err != nil {
		return err
	}
	floats.Sub(mean, g)
	off := floats.Norm(mean, 2) / floats.Norm(g, 2)
	e.find("ragged batches", off <= 1e-10, "∇L in chunks and sample by sample differ by %.1g, relative", off)
	return nil
}

func (e *examination) kinks(ctx context.Context) error {
	k, err := e.objective.Kinks(ctx)
	if err != nil {
		return err
	}
	switch {
	case k.Units == 0:
		e.find("kinks", true, "none: the activations are smooth")
	case k.On > 0:
		e.findings = append(e.findings, finding{"kinks", "note", fmt.Sprintf(
			"%d of %d rectified values are 0: there the loss has no second derivative, and that of the flat side is taken", k.On, k.Units)})
	default:
		e.find("kinks", true, "the nearest of %d rectified values is %.1g away, %.1g is typical", k.Units, k.Nearest, k.Typical)
	}
	return nil
}

// lanczosProducts is what a measurement of the ends of the spectrum takes, in
// about the median case.
const lanczosProducts = 100

// reducedVectors is the dimension of the space of all resolvable eigenvectors
// for each sample, as seen on trained networks, where the parameters are not few:
// it is no more than about half of these.
const reducedVectors = 8

// costs times a product and says what measurements take.
func (e *examination) costs(ctx context.Context) error {
	v := e.direction()
	var times []float64
	for range 5 {
		start := time.Now()
		if _, err := e.product(ctx, e.objective, v); err != nil {
			return err
		}
		times = append(times, time.Since(start).Seconds())
	}
	slices.Sort(times)
	product := times[len(times)/2]
	e.note("one H·v", product, bytesText(float64(e.objective.Bytes())))
	hessian := curvature.Hessian{Objective: e.objective}
	var err error
	if e.support, err = curvature.Support(ctx, hessian, e.config.Seed); err != nil {
		return err
	}
	c := e.config.Spectrum
	n, k := float64(e.objective.Dim()), float64(e.support)
	// The constants are those of taking vectors out of a basis, and of the
	// symmetric eigen-solver, measured at 10,703 and at 1,113 parameters.
	basis := float64(2*(max(c.Top, 0)+max(c.Bottom, 0)) + 20)
	e.spectrum("lanczos", curvature.Settings{Method: curvature.Lanczos, Top: c.Top, Bottom: c.Bottom}, 0, 0,
		lanczosProducts*(product+1e-9*basis*n))
	if err := e.reduced(ctx, hessian, product); err != nil {
		return err
	}
	e.spectrum("dense", curvature.Settings{Method: curvature.Dense}, 0, 0, n*product+1.5e-10*k*k*k)
	return nil
}

// reduced notes what the method of that name takes. How large its space becomes
// is known when it is found, so that is done where it takes little time.
func (e *examination) reduced(ctx context.Context, hessian curvature.Hessian, product float64) error {
	k, samples := float64(e.support), float64(e.split.Len())
	m := min(k/2, reducedVectors*samples)
	seconds := m*product + 1e-10*m*m*k + 1.5e-10*m*m*m
	if 8*(m*k+6*m*m) > 1<<30 {
		return nil
	}
	settings := curvature.Settings{Method: curvature.Reduced, Top: -1, Bottom: -1, Seed: e.config.Seed}
	if seconds < tryReduced {
		start := time.Now()
		gradients, err := boundary.NewReinforcing(ctx, e.model, e.split, models.ObjectiveSettings{})
		if err != nil {
			return err
		}
		if settings.Seeds, err = gradients.Seeds(ctx); err != nil {
			return err
		}
		found, err := curvature.Solve(ctx, hessian, settings)
		if err != nil {
			return err
		}
		m, seconds = float64(found.Basis), time.Since(start).Seconds()
		settings.Seeds = nil
	}
	e.spectrum("reduced, and complexity", settings, int(m), 8*float64(e.objective.Dim())*samples, seconds)
	return nil
}

// tryReduced is up to how many seconds doctor tries what it tells of.
const tryReduced = 5

// spectrum notes what a measurement takes, unless it would be refused. Memory is
// that of the whole process at its peak.
func (e *examination) spectrum(method string, s curvature.Settings, basis int, seeds, seconds float64) {
	if bytes, err := s.Memory(e.objective.Dim(), e.support, basis); err == nil {
		gradients := float64(e.objective.Bytes()) // their graph, at most as large
		e.note("spectrum, "+method, seconds, bytesText(held()+gradients+bytes+seeds)+" in all")
	}
}

func (e *examination) note(what string, seconds float64, memory string) {
	e.findings = append(e.findings, finding{what, "", fmt.Sprintf("about %s, %s", duration(seconds), memory)})
}

// programBytes is what the program takes of memory that Go does not know of: its
// code, for the most part.
const programBytes = 16e6

// held is the memory that the process needs as it is, which is about what one
// that measures has beside the measurement.
func held() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return programBytes + float64(m.HeapAlloc) + float64(m.Sys-m.HeapSys)
}

func duration(seconds float64) string {
	if seconds < 1 {
		return fmt.Sprintf("%.3g ms", 1000*seconds)
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

func bytesText(b float64) string { return fmt.Sprintf("%.3g MB", b/1e6) }

func (e *examination) table(out *output) error {
	t := tabwriter.NewWriter(out.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CHECK\tRESULT\tDETAIL")
	for _, f := range e.findings {
		fmt.Fprintf(t, "%s\t%s\t%s\n", f.check, f.verdict, f.detail)
	}
	return t.Flush()
}
