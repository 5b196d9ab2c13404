package check

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Verdict is what a check comes to.
type Verdict string

// The verdicts.
const (
	OK     Verdict = "ok"
	Failed Verdict = "FAILED" // results cannot be relied on
	Note   Verdict = "note"   // results can be relied on, within what the detail says
)

// A Finding is the outcome of one check.
type Finding struct {
	Name    string // of the check
	Verdict Verdict
	Detail  string // one line for people
}

// Bounds of what rounding and, for the quotients, nearby kinks explain. All are
// relative.
const (
	quotientTolerance = 1e-6
	symmetryTolerance = 1e-12
	raggedTolerance   = 1e-10
)

// Check is a model, its loss and the data on which its derivatives are tested.
// It belongs to one goroutine.
type Check struct {
	model     models.Model
	loss      models.Loss
	split     *datasets.Split
	rng       *rand.Rand
	objective *models.Objective
}

// New prepares the checks of the loss of m over split. Directions are drawn
// from rng; workers are as in models.ObjectiveSettings. A model or a loss with
// an operation that cannot be differentiated twice is an error that names it.
func New(m models.Model, loss models.Loss, split *datasets.Split, rng *rand.Rand, workers int) (*Check, error) {
	c := &Check{model: m, loss: loss, split: split, rng: rng}
	var err error
	c.objective, err = c.newObjective(workers)
	return c, err
}

// Objective is the loss that is tested, in float64.
func (c *Check) Objective() *models.Objective { return c.objective }

// Run makes all checks. An error is that of a computation that was not
// possible; a check that failed is a Finding.
func (c *Check) Run(ctx context.Context) ([]Finding, error) {
	findings := []Finding{{"operations", OK, "all can be differentiated twice"}} // New refuses others
	for _, check := range []func(context.Context) ([]Finding, error){c.derivatives, c.repeatability, c.ragged, c.kinks} {
		found, err := check(ctx)
		if err != nil {
			return nil, err
		}
		findings = append(findings, found...)
	}
	return findings, nil
}

// within is a Finding that is OK if the error is at most the tolerance. NaN is
// not.
func within(name string, err, tolerance float64, detail string) Finding {
	return holds(name, err <= tolerance, fmt.Sprintf(detail, err))
}

func holds(name string, ok bool, detail string) Finding {
	if ok {
		return Finding{name, OK, detail}
	}
	return Finding{name, Failed, detail}
}

func (c *Check) newObjective(workers int) (*models.Objective, error) {
	return models.NewObjective(c.model, c.loss, c.split, models.ObjectiveSettings{Precision: tensor.Float64, Workers: workers})
}

// direction draws a random unit vector.
func (c *Check) direction() []float64 {
	v := make([]float64, c.objective.Dim())
	for i := range v {
		v[i] = c.rng.NormFloat64()
	}
	floats.Scale(1/floats.Norm(v, 2), v)
	return v
}

// product returns H·v.
func product(ctx context.Context, o *models.Objective, v []float64) ([]float64, error) {
	dst := mat.NewDense(1, len(v), nil)
	err := o.HessianProducts(ctx, dst, mat.NewDense(1, len(v), v))
	return dst.RawRowView(0), err
}

// derivatives compares the gradient and H·v with difference quotients, and
// uᵀHv with vᵀHu.
func (c *Check) derivatives(ctx context.Context) ([]Finding, error) {
	u, v := c.direction(), c.direction()
	hv, err := product(ctx, c.objective, v)
	if err != nil {
		return nil, err
	}
	hu, err := product(ctx, c.objective, u)
	if err != nil {
		return nil, err
	}
	g := make([]float64, len(v))
	if _, err := c.objective.Gradient(ctx, g); err != nil {
		return nil, err
	}
	first, second := math.Inf(1), math.Inf(1)
	// The smallest steps are for networks with so many rectifiers that larger ones cross
	// some kink.
	for _, h := range []float64{1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8} {
		slope, change, err := c.quotients(ctx, v, h)
		if err != nil {
			return nil, err
		}
		floats.Sub(change, hv)
		first = min(first, math.Abs(slope-floats.Dot(g, v))/floats.Norm(g, 2))
		second = min(second, floats.Norm(change, 2)/floats.Norm(hv, 2))
	}
	asymmetry := math.Abs(floats.Dot(u, hv)-floats.Dot(v, hu)) / max(floats.Norm(hv, 2), floats.Norm(hu, 2))
	return []Finding{
		within("gradient", first, quotientTolerance, "%.1g relative, from difference quotients of the loss"),
		within("H·v", second, quotientTolerance, "%.1g relative, from difference quotients of the gradient"),
		within("symmetry", asymmetry, symmetryTolerance, "uᵀHv and vᵀHu differ by %.1g, relative to ‖Hv‖"),
	}, nil
}

// quotients returns the difference quotients of loss and gradient along v.
func (c *Check) quotients(ctx context.Context, v []float64, h float64) (slope float64, change []float64, err error) {
	change = make([]float64, len(v))
	g := make([]float64, len(v))
	for _, s := range []struct{ at, weight float64 }{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}} {
		loss, err := c.objective.GradientAt(ctx, g, v, s.at*h)
		if err != nil {
			return 0, nil, err
		}
		slope += s.weight / (12 * h) * loss
		floats.AddScaled(change, s.weight/(12*h), g)
	}
	return slope, change, nil
}

// repeatability computes H·v again, also with one worker and with three.
func (c *Check) repeatability(ctx context.Context) ([]Finding, error) {
	v := c.direction()
	want, err := product(ctx, c.objective, v)
	if err != nil {
		return nil, err
	}
	const few, more = 1, 3
	same := true
	for _, workers := range []int{0, few, more} {
		o, err := c.newObjective(workers)
		if err != nil {
			return nil, err
		}
		got, err := product(ctx, o, v)
		if err != nil {
			return nil, err
		}
		same = same && slices.Equal(got, want)
	}
	return []Finding{holds("repeatability", same,
		fmt.Sprintf("H·v has the same bits when computed again, by %d and by %d workers", few, more))}, nil
}

// ragged compares the gradient with the mean over samples one by one, for which
// no batch is ever padded.
func (c *Check) ragged(ctx context.Context) ([]Finding, error) {
	g, mean := make([]float64, c.objective.Dim()), make([]float64, c.objective.Dim())
	if _, err := c.objective.Gradient(ctx, g); err != nil {
		return nil, err
	}
	if err := c.objective.SampleGradients(ctx, func(_ int, sample []float64) error {
		floats.AddScaled(mean, 1/float64(c.split.Len()), sample)
		return nil
	}); err != nil {
		return nil, err
	}
	floats.Sub(mean, g)
	off := floats.Norm(mean, 2) / floats.Norm(g, 2)
	return []Finding{within("ragged batches", off, raggedTolerance, "∇L in chunks and sample by sample differ by %.1g, relative")}, nil
}

// kinks looks for samples on the kinks of rectifiers.
func (c *Check) kinks(ctx context.Context) ([]Finding, error) {
	k, err := c.objective.Kinks(ctx)
	if err != nil {
		return nil, err
	}
	f := Finding{"kinks", OK, "none: the activations are smooth"}
	switch {
	case k.On > 0:
		f.Verdict, f.Detail = Note, fmt.Sprintf(
			"%d of %d rectified values are 0: there the loss has no second derivative, and that of the flat side is taken", k.On, k.Units)
	case k.Units > 0:
		f.Detail = fmt.Sprintf("the nearest of %d rectified values is %.1g away, %.1g is typical", k.Units, k.Nearest, k.Typical)
	}
	return []Finding{f}, nil
}
