package trainer_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// Three steps from w = (0.3, −1.2, 0) with the learning rate 0.1 on
// Σⱼ cⱼ(wⱼ − tⱼ)²/2, c = (1, 4, ¼), t = (1, −½, 2). The numbers are those of
// torch.optim of PyTorch 1.13 in float64.
var updates = []struct {
	name   string
	config trainer.OptimizerConfig
	want   [3][3]float64
}{
	{"sgd", trainer.OptimizerConfig{}, [3][3]float64{
		{0.37, -0.9199999999999999, 0.05},
		{0.433, -0.752, 0.09875},
		{0.48969999999999997, -0.6512, 0.14628125},
	}},
	{"momentum", trainer.OptimizerConfig{Name: "sgd", Momentum: 0.9}, [3][3]float64{
		{0.37, -0.9199999999999999, 0.05},
		{0.496, -0.5, 0.14375000000000002},
		{0.6598, -0.12200000000000004, 0.27453125},
	}},
	{"nesterov", trainer.OptimizerConfig{Name: "sgd", Momentum: 0.9, Nesterov: true}, [3][3]float64{
		{0.433, -0.668, 0.095},
		{0.59743, -0.31351999999999997, 0.2259875},
		{0.7708753, -0.19669279999999997, 0.38527934375},
	}},
	{"weight decay", trainer.OptimizerConfig{Name: "sgd", WeightDecay: 0.05}, [3][3]float64{
		{0.3685, -0.9139999999999999, 0.05},
		{0.4298075, -0.74383, 0.0985},
		{0.4846777125, -0.64257885, 0.145545},
	}},
	{"momentum and weight decay", trainer.OptimizerConfig{Name: "sgd", Momentum: 0.9, WeightDecay: 0.05}, [3][3]float64{
		{0.3685, -0.9139999999999999, 0.05},
		{0.4914575, -0.4864299999999999, 0.14350000000000002},
		{0.6505162125, -0.10461284999999994, 0.27334500000000006},
	}},
	{"adam", trainer.OptimizerConfig{Name: "adam"}, [3][3]float64{
		{0.39999999857142854, -1.1000000003571428, 0.09999999800000003},
		{0.49930557878001336, -1.0006944190174105, 0.199833510346557},
		{0.5972565158058183, -0.9027434808161174, 0.2993766025939939},
	}},
	{"adam, all its settings", trainer.OptimizerConfig{Name: "adam", Beta1: 0.8, Beta2: 0.95, Epsilon: 1e-3, WeightDecay: 0.05}, [3][3]float64{
		{0.3998542274052478, -1.1000349528137014, 0.0998003992015968},
		{0.49864800237144813, -1.0010123740172685, 0.19928370728131306},
		{0.5953853925880331, -0.9037984108093446, 0.2982167764391545},
	}},
	{"adamw", trainer.OptimizerConfig{Name: "adamw", WeightDecay: 0.05}, [3][3]float64{
		{0.3984999985714286, -1.0940000003571428, 0.09999999800000003},
		{0.49582888296597266, -0.9892894981579449, 0.199333510356557},
		{0.5913590449401366, -0.8865923616367837, 0.2978813696895198},
	}},
	{"rmsprop", trainer.OptimizerConfig{Name: "rmsprop"}, [3][3]float64{
		{1.2999998571428772, -0.20000003571428482, 0.9999998000000395},
		{0.9044061821409812, -0.5955938690132163, 1.4490130461190796},
		{1.0300910268883197, -0.4699089525918624, 1.690312459985831},
	}},
	{"rmsprop, all its settings", trainer.OptimizerConfig{Name: "rmsprop", Alpha: 0.9, Epsilon: 1e-6, Momentum: 0.5, WeightDecay: 0.05}, [3][3]float64{
		{0.6162263061695628, -0.883772583633125, 0.31622576602948704},
		{0.9252705039124207, -0.5665797083946138, 0.6797129393568081},
		{1.092612885683934, -0.37685023951426044, 1.0029496956287423},
	}},
}

func TestOptimizersAreThoseOfPyTorch(t *testing.T) {
	for _, u := range updates {
		t.Run(u.name, func(t *testing.T) {
			// Rounding, over three steps: 45 ulp of float64, 8 of float32.
			testUpdates(t, u.config, tensor.Float64, u.want, 1e-14)
			testUpdates(t, u.config, tensor.Float32, u.want, 1e-6)
		})
	}
}

func testUpdates(t *testing.T, c trainer.OptimizerConfig, dtype tensor.Dtype, want [3][3]float64, tolerance float64) {
	t.Helper()
	curvature, minimum := []float64{1, 4, 0.25}, []float64{1, -0.5, 2}
	w := tensor.New(tensor.WithShape(3), tensor.Of(dtype))
	models.SetValues(w, []float64{0.3, -1.2, 0})
	o, err := c.NewOptimizer([]models.Parameter{{Name: "w", Value: w}})
	if err != nil {
		t.Fatal(err)
	}
	// Half of the gradient, as if it had been clipped: Step scales it back.
	half := tensor.New(tensor.WithShape(3), tensor.Of(dtype))
	for step := 1; step <= 3; step++ {
		g := models.Values(w)
		for j := range g {
			g[j] = curvature[j] * (g[j] - minimum[j]) / 2
		}
		models.SetValues(half, g)
		o.Step(step, 0.1, 2, []*tensor.Dense{half})
		for j, got := range models.Values(w) {
			if e := math.Abs(got - want[step-1][j]); e > tolerance*math.Max(1, math.Abs(got)) {
				t.Errorf("%v, step %d: w[%d] = %v, want %v", dtype, step, j, got, want[step-1][j])
			}
		}
	}
}

func TestParameterWithoutGradientStays(t *testing.T) {
	w := tensor.New(tensor.WithBacking([]float64{1, 2}))
	o, err := trainer.OptimizerConfig{WeightDecay: 0.1}.NewOptimizer([]models.Parameter{{Name: "w", Value: w}})
	if err != nil {
		t.Fatal(err)
	}
	o.Step(1, 0.1, 1, []*tensor.Dense{nil})
	wantSame(t, "w", w.Float64s(), []float64{1, 2})
}

func TestOptimizerState(t *testing.T) {
	params := []models.Parameter{
		{Name: "fc1.weight", Value: tensor.New(tensor.WithShape(2, 3), tensor.Of(tensor.Float32))},
		{Name: "fc1.bias", Value: tensor.New(tensor.WithShape(2), tensor.Of(tensor.Float32))},
	}
	for _, test := range []struct {
		config trainer.OptimizerConfig
		want   string
	}{
		{trainer.OptimizerConfig{}, ""},
		{trainer.OptimizerConfig{Momentum: 0.5}, "momentum/fc1.weight momentum/fc1.bias"},
		{
			trainer.OptimizerConfig{Name: "adamw"},
			"mean/fc1.weight mean/fc1.bias square/fc1.weight square/fc1.bias",
		},
		{trainer.OptimizerConfig{Name: "rmsprop"}, "square/fc1.weight square/fc1.bias"},
		{
			trainer.OptimizerConfig{Name: "rmsprop", Momentum: 0.5},
			"square/fc1.weight square/fc1.bias momentum/fc1.weight momentum/fc1.bias",
		},
	} {
		o, err := test.config.NewOptimizer(params)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for i, p := range o.State() {
			names = append(names, p.Name)
			if like := params[i%2].Value; !slices.Equal(p.Value.Shape(), like.Shape()) || p.Value.Dtype() != like.Dtype() {
				t.Errorf("%s is %v of shape %v", p.Name, p.Value.Dtype(), p.Value.Shape())
			}
		}
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("%+v: state %s, want %s", test.config, got, test.want)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	good := trainer.Config{Epochs: 1, Rate: trainer.Rate{Base: 0.1}}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	type (
		config    = trainer.Config
		optimizer = trainer.OptimizerConfig
	)
	for _, test := range []struct {
		change func(*config)
		field  string
		want   string
	}{
		{func(c *config) { c.Epochs = -1 }, "Epochs", "is -1; want 0 or more"},
		{func(c *config) { c.BatchSize = -8 }, "BatchSize", "is -8; want 0, for the whole split, or more"},
		{func(c *config) { c.ClipNorm = -1 }, "ClipNorm", "is -1; want 0, for no clipping, or more"},
		{func(c *config) { c.ClipNorm = nan }, "ClipNorm", "is NaN; want 0, for no clipping, or more"},
		{func(c *config) { c.ClipNorm = inf }, "ClipNorm", "is +Inf; want 0, for no clipping, or more"},
		{func(c *config) { c.Rate = trainer.Rate{} }, "Rate.Base", "is 0; want a positive number"},
		{func(c *config) { c.Rate = nil }, "Rate", "is missing; want Rate{Base: η} or a schedule of your own"},
		{func(c *config) { c.Evaluate.Every = -1 }, "Evaluate.Every", "is -1; want a number of epochs"},
		{func(c *config) { c.Optimizer = optimizer{Name: "lion"} }, "Optimizer.Name", `is "lion"; want sgd, adam, adamw or rmsprop`},
		{func(c *config) { c.Optimizer = optimizer{Momentum: 1} }, "Optimizer.Momentum", "is 1; want at least 0 and below 1"},
		{func(c *config) { c.Optimizer = optimizer{Momentum: nan} }, "Optimizer.Momentum", "is NaN; want at least 0 and below 1"},
		{func(c *config) { c.Optimizer = optimizer{Name: "adam", Beta1: -0.1} }, "Optimizer.Beta1", "is -0.1; want at least 0 and below 1"},
		{func(c *config) { c.Optimizer = optimizer{Name: "adam", Beta2: 1} }, "Optimizer.Beta2", "is 1; want at least 0 and below 1"},
		{func(c *config) { c.Optimizer = optimizer{Name: "rmsprop", Alpha: 2} }, "Optimizer.Alpha", "is 2; want at least 0 and below 1"},
		{func(c *config) { c.Optimizer = optimizer{WeightDecay: -1} }, "Optimizer.WeightDecay", "is -1; want 0 or more"},
		{func(c *config) { c.Optimizer = optimizer{WeightDecay: inf} }, "Optimizer.WeightDecay", "is +Inf; want 0 or more"},
		{func(c *config) { c.Optimizer = optimizer{Epsilon: -1} }, "Optimizer.Epsilon", "is -1; want a positive number"},
		{func(c *config) { c.Optimizer = optimizer{Nesterov: true} }, "Optimizer.Nesterov", "needs sgd with a Momentum"},
		{func(c *config) { c.Optimizer = optimizer{Name: "rmsprop", Momentum: 0.9, Nesterov: true} }, "Optimizer.Nesterov", "needs sgd with a Momentum"},
		{func(c *config) { c.Optimizer = optimizer{Name: "adam", Momentum: 0.9} }, "Optimizer.Momentum", "is not used by adam; set Beta1"},
	} {
		c := good
		test.change(&c)
		err := c.Validate()
		wantError(t, err, test.field+" "+test.want)
		var field *trainer.FieldError
		if !errors.As(err, &field) || field.Field != test.field {
			t.Errorf("%v is no FieldError of %s", err, test.field)
		}
	}
}
