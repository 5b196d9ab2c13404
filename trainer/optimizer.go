package trainer

import (
	"math"
	"slices"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
	"github.com/hessoscope/hessoscope/models/symbolic/vec"
)

// An UpdateRule defines how an optimizer updates parameters from gradients.
// OptimizerConfig implements the rules that come with the package.
type UpdateRule interface {
	// NewOptimizer returns a new optimizer of params. They are dense, row-major
	// tensors of one type, float32 or float64. The optimizer changes their
	// elements in place.
	NewOptimizer(params []models.Parameter) (Optimizer, error)
}

// An Optimizer applies an UpdateRule to the parameters of one model.
type Optimizer interface {
	// Name identifies the rule: a run cannot be resumed with a rule of another
	// name.
	Name() string
	// Step makes update number step, counted from 1. There is one gradient per
	// parameter; nil stands for zero. Step multiplies the gradients by scale, and
	// must not keep them.
	Step(step int, rate, scale float64, grads []*tensor.Dense)
	// State returns everything that the optimizer remembers from step to step,
	// as tensors that share memory with it, under unique names. It is saved and
	// restored with the run, so that a resumed run ends as if it had not been
	// interrupted.
	State() []models.Parameter
}

// OptimizerConfig describes an update rule. With g the gradient, w the
// parameters and η the learning rate, as in PyTorch:
//
//	sgd      g += decay·w;  m = µ·m + g;  w −= η·m        (nesterov: η·(g + µ·m))
//	adam     g += decay·w;  m = β₁m + (1−β₁)g;  v = β₂v + (1−β₂)g²;
//	         w −= η·m̂/(√v̂ + ε), with the bias-corrected m̂ and v̂
//	adamw    w −= η·decay·w, then as adam with decay = 0
//	rmsprop  g += decay·w;  v = αv + (1−α)g²;  m = µ·m + g/(√v + ε);  w −= η·m
type OptimizerConfig struct {
	Name        string  `yaml:"name,omitempty"` // sgd (the default), adam, adamw, rmsprop
	Momentum    float64 `yaml:"momentum,omitempty"`
	Nesterov    bool    `yaml:"nesterov,omitempty"`
	WeightDecay float64 `yaml:"weight_decay,omitempty"`
	Beta1       float64 `yaml:"beta1,omitempty"`   // 0.9 if zero
	Beta2       float64 `yaml:"beta2,omitempty"`   // 0.999 if zero
	Alpha       float64 `yaml:"alpha,omitempty"`   // 0.99 if zero
	Epsilon     float64 `yaml:"epsilon,omitempty"` // 1e-8 if zero
}

// Slots is the number of values that the update rule keeps for each parameter.
func (c OptimizerConfig) Slots() int { return len(c.slotNames()) }

// slotNames names the arrays (slots) that an update rule keeps for each
// parameter.
func (c OptimizerConfig) slotNames() []string {
	switch {
	case c.Name == "adam" || c.Name == "adamw":
		return []string{"mean", "square"}
	case c.Name == "rmsprop" && c.Momentum != 0:
		return []string{"square", "momentum"}
	case c.Name == "rmsprop":
		return []string{"square"}
	case c.Momentum != 0:
		return []string{"momentum"}
	default:
		return nil
	}
}

func (c OptimizerConfig) withDefaults() OptimizerConfig {
	for _, d := range []struct {
		field *float64
		value float64
	}{{&c.Beta1, 0.9}, {&c.Beta2, 0.999}, {&c.Alpha, 0.99}, {&c.Epsilon, 1e-8}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.Name == "" {
		c.Name = "sgd"
	}
	return c
}

// Validate returns a *FieldError for the first invalid field.
func (c OptimizerConfig) Validate() error {
	c = c.withDefaults()
	if !slices.Contains([]string{"sgd", "adam", "adamw", "rmsprop"}, c.Name) {
		return wrong("Name", "is %q; want sgd, adam, adamw or rmsprop", c.Name)
	}
	for _, f := range []struct {
		name  string
		value float64
	}{{"Momentum", c.Momentum}, {"Beta1", c.Beta1}, {"Beta2", c.Beta2}, {"Alpha", c.Alpha}} {
		if !(f.value >= 0 && f.value < 1) {
			return wrong(f.name, "is %g; want at least 0 and below 1", f.value)
		}
	}
	if !(c.WeightDecay >= 0) || math.IsInf(c.WeightDecay, 0) {
		return wrong("WeightDecay", "is %g; want 0 or more", c.WeightDecay)
	}
	if !(c.Epsilon > 0) || math.IsInf(c.Epsilon, 0) {
		return wrong("Epsilon", "is %g; want a positive number", c.Epsilon)
	}
	if c.Nesterov && (c.Name != "sgd" || c.Momentum == 0) {
		return wrong("Nesterov", "needs sgd with a {Momentum}")
	}
	if c.Momentum != 0 && (c.Name == "adam" || c.Name == "adamw") {
		return wrong("Momentum", "is not used by %s; set {Beta1}", c.Name)
	}
	return nil
}

// configured is an optimizer with one of the rules of OptimizerConfig.
type configured struct {
	config OptimizerConfig
	params []models.Parameter
	slots  [][]*tensor.Dense // slots[i] belongs to params[i], in the order of slotNames
}

var _ UpdateRule = OptimizerConfig{}

// NewOptimizer implements UpdateRule. The optimizer's slots are zero.
func (c OptimizerConfig) NewOptimizer(params []models.Parameter) (Optimizer, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	o := &configured{config: c.withDefaults(), params: params}
	for _, p := range params {
		var slots []*tensor.Dense
		for range c.slotNames() {
			slots = append(slots, tensor.New(tensor.WithShape(p.Value.Shape()...), tensor.Of(p.Value.Dtype())))
		}
		o.slots = append(o.slots, slots)
	}
	return o, nil
}

// Name implements Optimizer.
func (o *configured) Name() string { return o.config.Name }

// Step implements Optimizer.
func (o *configured) Step(step int, rate, scale float64, grads []*tensor.Dense) {
	for i, p := range o.params {
		switch {
		case grads[i] == nil:
		case p.Value.Dtype() == tensor.Float32:
			update(vec.Float32, o.config, step, float32(rate), float32(scale), i, o, grads[i], (*tensor.Dense).Float32s)
		default:
			update(vec.Float64, o.config, step, rate, scale, i, o, grads[i], (*tensor.Dense).Float64s)
		}
	}
}

// update applies the configured rule to parameter i.
func update[T op.Float](k vec.Kernels[T], c OptimizerConfig, step int, rate, scale T, i int, o *configured, grad *tensor.Dense, data func(*tensor.Dense) []T) {
	w, g := data(o.params[i].Value), data(grad)
	var slots [2][]T
	for k, s := range o.slots[i] {
		slots[k] = data(s)
	}
	switch c.Name {
	case "adam", "adamw":
		adam(k, c, step, rate, scale, w, g, slots[0], slots[1])
	case "rmsprop":
		rmsprop(c, rate, scale, w, g, slots[0], slots[1])
	default:
		sgd(k, c, rate, scale, w, g, slots[0])
	}
}

func sgd[T op.Float](k vec.Kernels[T], c OptimizerConfig, rate, scale T, w, g, momentum []T) {
	decay, mu := T(c.WeightDecay), T(c.Momentum)
	switch {
	case momentum == nil:
		k.Descend(w, g, rate, scale, decay)
	case c.Nesterov:
		k.Momentum(w, momentum, g, rate, scale, decay, mu, 1, mu)
	default:
		k.Momentum(w, momentum, g, rate, scale, decay, mu, 0, 1)
	}
}

func adam[T op.Float](k vec.Kernels[T], c OptimizerConfig, step int, rate, scale T, w, g, mean, square []T) {
	// Subtract in float64: in float32, 1 − b2 has a relative error of 5e-5.
	a1, a2 := T(1-c.Beta1), T(1-c.Beta2)
	correct1 := T(1 - math.Pow(c.Beta1, float64(step)))
	correct2 := T(math.Sqrt(1 - math.Pow(c.Beta2, float64(step))))
	decay, shrink := T(c.WeightDecay), T(0)
	if c.Name == "adamw" {
		decay, shrink = 0, rate*decay
	}
	k.Adam(w, mean, square, g, rate, scale, decay, shrink, T(c.Beta1), a1, T(c.Beta2), a2, correct1, correct2, T(c.Epsilon))
}

func rmsprop[T op.Float](c OptimizerConfig, rate, scale T, w, g, square, momentum []T) {
	alpha, rest, decay, mu := T(c.Alpha), T(1-c.Alpha), T(c.WeightDecay), T(c.Momentum)
	for j, v := range g {
		d := scale*v + decay*w[j]
		square[j] = alpha*square[j] + rest*d*d
		d /= T(math.Sqrt(float64(square[j]))) + T(c.Epsilon)
		if momentum != nil {
			momentum[j] = mu*momentum[j] + d
			d = momentum[j]
		}
		w[j] -= rate * d
	}
}

// State implements Optimizer. Its names are like "momentum/fc1.weight".
func (o *configured) State() []models.Parameter {
	var state []models.Parameter
	for k, slot := range o.config.slotNames() {
		for i, p := range o.params {
			state = append(state, models.Parameter{Name: slot + "/" + p.Name, Value: o.slots[i][k]})
		}
	}
	return state
}
