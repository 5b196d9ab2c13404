package network_test

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"gonum.org/v1/gonum/floats"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/network"
	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/weights"
)

// newNetwork returns the network of a description in YAML.
func newNetwork(t testing.TB, text string, s network.Settings) *network.Network {
	t.Helper()
	var d network.Description
	if err := yaml.UnmarshalWithOptions([]byte(text), &d, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	n, err := network.New(d, s, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// truth is a network with weights, and what PyTorch computes with it.
type truth struct {
	*network.Network
	values map[string][]float64
	split  *datasets.Split
}

// readTruth reads a network that testdata/truth.py made.
func readTruth(t *testing.T, name string) truth {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	arrays, err := weights.Read("testdata/" + name + ".npz")
	if err != nil {
		t.Fatal(err)
	}
	have := truth{Network: newNetwork(t, string(text), network.Settings{}), values: make(map[string][]float64)}
	if err := models.Import(models.State(have.Network), arrays); err != nil {
		t.Fatal(err)
	}
	for _, a := range arrays {
		have.values[a.Name] = a.Data
	}
	have.split = split(have.values["truth/x"], have.values["truth/y"])
	return have
}

func split(x, labels []float64) *datasets.Split {
	s := &datasets.Split{Name: "train", X: x}
	for i, label := range labels {
		s.Labels = append(s.Labels, int(label))
		s.Index = append(s.Index, i)
	}
	return s
}

// evaluated are the values of an expression, its gradient and H·v, as flat vectors.
type evaluated struct{ logits, loss, gradient, hv, updates []float64 }

func evaluate(t *testing.T, e *models.Expression, have truth) evaluated {
	t.Helper()
	gradient, err := e.Gradient()
	if err != nil {
		t.Fatal(err)
	}
	var direction G.Nodes
	at := 0
	for i, p := range have.Parameters() {
		v := tensor.New(tensor.WithShape(p.Value.Shape()...), tensor.WithBacking(slices.Clone(have.values["truth/v"][at:at+p.Value.DataSize()])))
		direction = append(direction, G.NewTensor(e.Params[i].Graph(), tensor.Float64, v.Dims(), G.WithShape(v.Shape()...), G.WithName("direction "+p.Name), G.WithValue(v)))
		at += p.Value.DataSize()
	}
	product, err := symbolic.Pullback(gradient, direction, e.Params)
	if err != nil {
		t.Fatal(err)
	}
	outs := slices.Concat(G.Nodes{e.Logits, e.Losses}, gradient, product, e.Updates)
	program, err := symbolic.Compile(outs...)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := program.Plan(outs...)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range models.State(have.Network) {
		if err := program.Set(slices.Concat(e.Params, e.Buffers)[i], p.Value); err != nil {
			t.Fatal(err)
		}
	}
	n := have.split.Len()
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	e.Fill(have.split, rows, 1/float64(n))
	program.Changed(e.Inputs()...)
	if err := plan.Run(); err != nil {
		t.Fatal(err)
	}
	flat := func(nodes ...*G.Node) (all []float64) {
		for _, n := range nodes {
			all = append(all, models.Values(program.Value(n).(*tensor.Dense))...)
		}
		return all
	}
	losses := flat(e.Losses)
	return evaluated{flat(e.Logits), []float64{floats.Sum(losses) / float64(n)}, flat(gradient...), flat(product...), flat(e.Updates...)}
}

// tolerance of values that PyTorch computes in another order of operations, relative
// to the largest of a vector.
const tolerance = 1e-12

func near(t *testing.T, what string, have, want []float64) {
	t.Helper()
	if len(have) != len(want) || len(want) == 0 {
		t.Fatalf("%s: %d values; want %d", what, len(have), len(want))
	}
	if off, scale := floats.Distance(have, want, math.Inf(1)), floats.Norm(want, math.Inf(1)); !(off <= tolerance*scale) {
		t.Errorf("%s is %.3g off, of %.3g", what, off, scale)
	}
}

func TestPyTorch(t *testing.T) {
	for _, name := range []string{"images", "nested", "features"} {
		t.Run(name, func(t *testing.T) {
			have := readTruth(t, name)
			for form, express := range map[string]func(models.Model, models.Loss, int, tensor.Dtype) (*models.Expression, error){
				"measured": models.Express, "trained": models.ExpressTraining,
			} {
				e, err := express(have.Network, models.CrossEntropy, have.split.Len(), tensor.Float64)
				if err != nil {
					t.Fatal(err)
				}
				got := evaluate(t, e, have)
				near(t, form+" logits", got.logits, have.values["truth/"+form+"/logits"])
				near(t, form+" loss", got.loss, have.values["truth/"+form+"/loss"])
				near(t, form+" gradient", got.gradient, have.values["truth/"+form+"/gradient"])
				near(t, form+" H·v", got.hv, have.values["truth/"+form+"/hv"])
				if form == "trained" {
					var after []float64
					for _, b := range have.Buffers() {
						after = append(after, have.values["truth/after/"+b.Name]...)
					}
					near(t, "running statistics", got.updates, after)
				}
			}
		})
	}
}

func size(m models.Model) int { return models.Size(m) }

func TestReadyMade(t *testing.T) {
	for _, c := range []struct {
		name       string
		input      []int
		classes    int
		parameters int // as published
	}{
		{"cnn", []int{1, 28, 28}, 3, 7203},
		{"lenet5", []int{3, 32, 32}, 10, 62006},
		{"resnet18", []int{3, 32, 32}, 10, 11173962},
	} {
		d, err := network.Named(c.name, c.classes)
		if err != nil {
			t.Fatal(err)
		}
		n, err := network.New(d, network.Settings{Precision: tensor.Float32}, rand.New(rand.NewPCG(1, 2)))
		if err != nil {
			t.Fatal(err)
		}
		if size(n) != c.parameters || n.Classes() != c.classes || !slices.Equal(n.InputShape(), c.input) || models.Precision(n) != tensor.Float32 {
			t.Errorf("%s has %d parameters and %d classes; want %d and %d", c.name, size(n), n.Classes(), c.parameters, c.classes)
		}
	}
	_, err := network.Named("lenet", 10)
	if want := `is "lenet"; did you mean "lenet5"?`; err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
}

// The names are those of the ResNet-18 in PyTorch for CIFAR-10, in its order.
func TestResNetNames(t *testing.T) {
	d := network.ResNet18(10)
	d.Input = []int{1, 8, 8}
	n, err := network.New(d, network.Settings{Precision: tensor.Float32}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range models.State(n) {
		names = append(names, p.Name)
	}
	text := strings.Join(names, " ")
	for _, want := range []string{
		"conv1.weight bn1.weight bn1.bias layer1.0.conv1.weight layer1.0.bn1.weight layer1.0.bn1.bias layer1.0.conv2.weight layer1.0.bn2.weight layer1.0.bn2.bias layer1.1.conv1.weight",
		"layer2.0.bn2.bias layer2.0.shortcut.0.weight layer2.0.shortcut.1.weight layer2.0.shortcut.1.bias layer2.1.conv1.weight",
		"layer4.1.bn2.bias linear.weight linear.bias bn1.running_mean bn1.running_var layer1.0.bn1.running_mean",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

// Initial values have the bounds and the moments of their distribution.
func TestInitialValues(t *testing.T) {
	const text = "{input: [8, 9, 9], layers: [conv2d: {name: c, out: 64, kernel: 3, groups: 2}, batch_norm: {name: b}, flatten, dense: {name: d, out: 30}]}"
	const fanIn, fanOut = 4 * 9, 64 * 9
	for init, variance := range map[models.Init]float64{
		models.PyTorch: 1.0 / fanIn / 3,        // of a uniform distribution in ±1/√fanIn
		models.Kaiming: 2.0 / fanIn,            // normal
		models.Xavier:  2.0 / (fanIn + fanOut), // uniform in ±√(6/(fanIn + fanOut))
	} {
		n := newNetwork(t, text, network.Settings{Init: init})
		values := make(map[string][]float64)
		for _, p := range models.State(n) {
			values[p.Name] = models.Values(p.Value)
		}
		w := values["c.weight"]
		if have := floats.Dot(w, w) / float64(len(w)); math.Abs(have/variance-1) > 0.1 { // 2304 values: two standard errors at most
			t.Errorf("%s: variance %g; want %g", init, have, variance)
		}
		if bound := 1 / math.Sqrt(fanIn); init == models.PyTorch && (floats.Max(w) > bound || floats.Max(values["c.bias"]) > bound || floats.Min(values["c.bias"]) > -bound/2) {
			t.Errorf("weights up to %g, biases from %g to %g; want ±%g", floats.Max(w), floats.Min(values["c.bias"]), floats.Max(values["c.bias"]), bound)
		}
		for name, want := range map[string]float64{"b.weight": 1, "b.bias": 0, "b.running_mean": 0, "b.running_var": 1} {
			if slices.ContainsFunc(values[name], func(v float64) bool { return v != want }) || len(values[name]) != 64 {
				t.Errorf("%s is %v; want 64 of %g", name, values[name], want)
			}
		}
	}
}
