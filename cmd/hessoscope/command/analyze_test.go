package command

import (
	"encoding/json"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
)

// truth has the results of the reference implementation for a net.
type truth struct {
	Parameters   int       `json:"n_params"`
	Samples      int       `json:"n_train"`
	Loss         float64   `json:"train_loss"`
	Accuracy     float64   `json:"train_acc"`
	GradientNorm float64   `json:"grad_norm"`
	Lambda1      float64   `json:"lambda1"`
	Trace        float64   `json:"trace"`
	Top          []float64 `json:"top30"`
	Bottom       []float64 `json:"bottom5"`
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return v
}

// check compares a result with the truth. The tolerances of eigenvalues are relative
// to the largest.
func (want truth) check(t *testing.T, have analysis.Result) {
	t.Helper()
	if have.Model.Parameters != want.Parameters || have.Data.Samples != want.Samples || math.Abs(have.Accuracy-want.Accuracy) > 1e-7 {
		t.Errorf("%d parameters, %d samples, accuracy %g; want %d, %d, %g", have.Model.Parameters, have.Data.Samples, have.Accuracy,
			want.Parameters, want.Samples, want.Accuracy)
	}
	near := func(what string, have, want, tolerance float64) {
		if !(math.Abs(have-want) <= tolerance) {
			t.Errorf("%s is %v; want %v, not %.2g but at most %.2g off", what, have, want, math.Abs(have-want), tolerance)
		}
	}
	near("loss", have.Loss, want.Loss, 1e-10*want.Loss)
	near("gradient norm", have.GradientNorm, want.GradientNorm, 1e-10*want.GradientNorm)
	s := have.Spectrum
	tolerance := 1e-10 * want.Lambda1
	if s.Method == "lanczos" {
		tolerance = 1e-8 * want.Lambda1
	}
	if (s.Trace != nil) != (s.Method == "dense" || s.Method == "reduced") {
		t.Errorf("method %s, trace %v; want one with dense and reduced only", s.Method, s.Trace)
	} else if s.Trace != nil {
		near("trace", s.Trace.Value, want.Trace, 1e-10*want.Trace)
		near("trace, in its own bound", s.Trace.Value, want.Trace, s.Trace.Error+1e-12*want.Trace) // the truth's own rounding
	}
	if !s.Converged {
		t.Errorf("not converged: residuals %g, %g", s.Residuals, s.BottomResiduals)
	}
	for _, end := range []struct {
		name            string
		have, residuals []float64
		want            []float64
	}{{"top", s.Top, s.Residuals, want.Top}, {"bottom", s.Bottom, s.BottomResiduals, want.Bottom}} {
		if len(end.residuals) != len(end.have) || len(end.have) > len(end.want) {
			t.Fatalf("%d eigenvalues and %d residuals at the %s", len(end.have), len(end.residuals), end.name)
		}
		for i, value := range end.have {
			near(end.name, value, end.want[i], tolerance)
			near(end.name+", within its residual", value, end.want[i], end.residuals[i]+1e-13*want.Lambda1) // rounding of both
			if end.residuals[i] > 1e-8*want.Lambda1 {
				t.Errorf("%s %d has the residual %g", end.name, i, end.residuals[i])
			}
		}
	}
}

// reference nets: where their weights are, and the built-in set they learned.
var nets = []struct{ name, weights, data string }{
	{"intro1D_seed29", "../../../models/weights/testdata/intro1D_seed29.npz", "intro1D"},
	{"gauss_small", "../../../models/weights/testdata/gauss_small.npz", "gauss"},
	{"iris", "testdata/iris.npz", "iris"},
}

func TestAnalyzeTruth(t *testing.T) {
	for _, net := range nets {
		want := decode[truth](t, read(t, "testdata/"+net.name+".json"))
		for _, method := range []string{"auto", "dense", "lanczos"} {
			resolved := method
			if method == "auto" {
				resolved = map[bool]string{true: "dense", false: "reduced"}[want.Parameters <= 2000]
			}
			minutes := method == "dense" && want.Parameters > 2000
			seconds := method != "lanczos" && net.name == "gauss_small"
			if minutes || seconds && (method == "auto" || testing.Short()) {
				continue
			}
			t.Run(net.name+" "+method, func(t *testing.T) {
				out := succeed(t, "analyze", "--weights", net.weights, "--data", net.data, "--method", method, "--json", "-")
				have := decode[analysis.Result](t, out)
				want.check(t, have)
				if have.Spectrum.Method != resolved || len(have.Spectrum.Top) != 10 || len(have.Spectrum.Bottom) != 5 {
					t.Errorf("method %s, %d and %d eigenvalues; want %s, 10, 5", have.Spectrum.Method, len(have.Spectrum.Top), len(have.Spectrum.Bottom), resolved)
				}
			})
		}
	}
}

// The fields of the JSON are those in docs/formats.md.
func TestAnalyzeFields(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "../../../docs/formats.md"), "## The JSON of analyze")
	section, _, _ = strings.Cut(section, "\n## ")
	var want []string
	for row := range strings.Lines(section) {
		if cells := strings.Split(row, "|"); len(cells) > 2 {
			for _, quoted := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
				want = append(want, quoted[1])
			}
		}
	}
	out := decode[map[string]any](t, succeed(t, "analyze", "--weights", nets[0].weights, "--data", nets[0].data, "--margin", "--json", "-",
		"--alignment", filepath.Join(t.TempDir(), "a.csv")))
	have := fields("", out)
	slices.Sort(want)
	slices.Sort(have)
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("fields (-documented +written):\n%s", diff)
	}
	out = decode[map[string]any](t, succeed(t, "analyze", "--weights", nets[0].weights, "--data", nets[0].data, "--method", "lanczos", "--json", "-"))
	if trace, ok := out["spectrum"].(map[string]any)["trace"]; !ok || trace != nil {
		t.Errorf("trace is %v with lanczos; want null", trace)
	}
}

// fields returns the keys of an object, at all depths.
func fields(above string, object map[string]any) []string {
	var all []string
	for key, value := range object {
		if nested, ok := value.(map[string]any); ok {
			all = append(all, fields(above+key+".", nested)...)
		} else {
			all = append(all, above+key)
		}
	}
	return all
}

var timePattern = regexp.MustCompile(`("seconds": |products, )[0-9.e+-]+`)

// Numbers do not depend on the number of workers, on where the table goes, on
// where the data comes from, or on the format of the weights.
func TestAnalyzeSame(t *testing.T) {
	net := nets[2]
	file, err := filepath.Abs(net.weights)
	if err != nil {
		t.Fatal(err)
	}
	points, err := filepath.Abs("../../../datasets/data/iris.csv")
	if err != nil {
		t.Fatal(err)
	}
	chdir(t)
	if err := weights.Write("w.safetensors", arrays(t, file)); err != nil {
		t.Fatal(err)
	}
	analyze := func(weights, data string, args ...string) string {
		out := succeed(t, append([]string{"analyze", "--weights", weights, "--data", data, "--top", "3", "--bottom", "2", "--method", "lanczos"}, args...)...)
		return timePattern.ReplaceAllString(out, "${1}0")
	}
	want, wantTable := analyze(file, "iris", "--json", "-"), analyze(file, "iris")
	for name, have := range map[string]string{
		"one worker":  analyze(file, "iris", "--json", "-", "--workers", "1"),
		"two workers": analyze(file, "iris", "--json", "-", "--workers", "2"),
		"csv":         strings.NewReplacer(`"0"`, `"setosa"`, `"1"`, `"versicolor"`, `"2"`, `"virginica"`).Replace(analyze(file, points, "--json", "-")), // numbers its classes
		"safetensors": analyze("w.safetensors", "iris", "--json", "-"),
	} {
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-plain +%s):\n%s", name, name, diff)
		}
	}
	write(t, "out.json", "old")
	if diff := cmp.Diff(wantTable, analyze(file, "iris", "--json", "out.json")); diff != "" {
		t.Errorf("table beside a file (-without +with):\n%s", diff)
	}
	if diff := cmp.Diff(want, timePattern.ReplaceAllString(read(t, "out.json"), "${1}0")); diff != "" {
		t.Errorf("JSON (-output +file):\n%s", diff)
	}
	if have := slices.Sorted(maps.Keys(tree(t))); !slices.Equal(have, []string{".", "cache", "out.json", "tmp", "w.safetensors"}) {
		t.Errorf("files %q; want none that is temporary", have)
	}
	for _, want := range []string{"MLP 4-50-50-3 relu, 2953 parameters", "iris, train: 120 samples, 3 classes", "λ1 ", "56.8628", "λ2953"} {
		if !strings.Contains(wantTable, want) {
			t.Errorf("no %q in the table\n%s", want, wantTable)
		}
	}
	if test := decode[analysis.Result](t, analyze(file, "iris", "--split", "test", "--json", "-")); test.Data.Samples != 30 || math.Abs(test.Loss-0.2415937) > 1e-7 {
		t.Errorf("%d samples of loss %v; want 30 of 0.2415937", test.Data.Samples, test.Loss)
	}
}

// The vectors are orthonormal, and their residuals are correct.
func TestAnalyzeVectors(t *testing.T) {
	for _, net := range nets {
		t.Run(net.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "v.npz")
			out := succeed(t, "analyze", "--weights", net.weights, "--data", net.data, "--method", "lanczos", "--vectors", path, "--json", "-")
			have := decode[analysis.Result](t, out)
			model, err := models.LoadMLP(net.weights, models.ReLU)
			if err != nil {
				t.Fatal(err)
			}
			hessian := hessianOn(t, model, net.data)
			found := make(map[string]weights.Array)
			for _, a := range arrays(t, path) {
				found[a.Name] = a
			}
			if !slices.Equal(found["top_values"].Data, have.Spectrum.Top) || !slices.Equal(found["bottom_residuals"].Data, have.Spectrum.BottomResiduals) {
				t.Error("the file and the JSON differ")
			}
			for _, end := range []string{"top", "bottom"} {
				v := found[end+"_vectors"]
				rows := mat.NewDense(v.Shape[0], v.Shape[1], v.Data)
				images := mat.NewDense(v.Shape[0], v.Shape[1], nil)
				if err := hessian.Apply(t.Context(), images, rows); err != nil {
					t.Fatal(err)
				}
				for i := range v.Shape[0] {
					for j := range i + 1 {
						want := map[bool]float64{true: 1}[i == j]
						if dot := floats.Dot(rows.RawRowView(i), rows.RawRowView(j)); math.Abs(dot-want) > 1e-12 { // rounding of P products
							t.Errorf("%s: ⟨v%d, v%d⟩ is %v", end, i, j, dot)
						}
					}
					residual := images.RawRowView(i)
					floats.AddScaled(residual, -found[end+"_values"].Data[i], rows.RawRowView(i))
					told := found[end+"_residuals"].Data[i]
					if r := floats.Norm(residual, 2); math.Abs(r-told) > 1e-13*have.Spectrum.Top[0]+1e-3*told { // rounding of H·v
						t.Errorf("%s %d: residual %g, and %g in the file", end, i, r, told)
					}
				}
			}
		})
	}
}

func hessianOn(t *testing.T, model models.Model, set string) curvature.Hessian {
	t.Helper()
	data, err := datasets.Load(t.Context(), set, datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	objective, err := models.NewObjective(model, models.CrossEntropy, &data.Splits[0], models.ObjectiveSettings{})
	if err != nil {
		t.Fatal(err)
	}
	return curvature.Hessian{Objective: objective}
}

// The results for the checkpoints of a run are those that the run itself measured,
// with its own activation, loss and data.
func TestAnalyzeRun(t *testing.T) {
	chdir(t)
	succeed(t, "train", "gauss", "--no-progress", "--set", "training.epochs=25", "--set", "model={hidden: [8], activation: tanh}",
		"--set", "data.random_labels=true", "--set", "training.loss=squared_error", "--set", "training.batch_size=0",
		"--set", "checkpoint.schedule={every: 10}", "--set", "spectrum={schedule: {every: 10}, bottom: 5}")
	lines := readLines(t, "runs/gauss/metrics.jsonl")
	for epoch, args := range map[int][]string{0: {"--epoch", "0"}, 10: {"--epoch", "10"}, 20: {"--epoch", "20"}, 25: nil} {
		have := decode[analysis.Result](t, succeed(t, append([]string{"analyze", "runs/gauss", "--json", "-"}, args...)...))
		metrics := lines[epoch].Metrics
		if have.Loss != metrics["train/loss"] || have.Accuracy != metrics["train/accuracy"] {
			t.Errorf("epoch %d: loss %v, accuracy %v; want %v, %v", epoch, have.Loss, have.Accuracy, metrics["train/loss"], metrics["train/accuracy"])
		}
		if have.Spectrum.Top[0] != metrics["spectrum/lambda_max"] || have.Spectrum.Bottom[0] != metrics["spectrum/lambda_min"] || have.Spectrum.Trace.Value != metrics["spectrum/trace"] {
			t.Errorf("epoch %d: spectrum %+v; want %v", epoch, have.Spectrum, metrics)
		}
	}
	have := decode[analysis.Result](t, succeed(t, "analyze", "runs/gauss", "--split", "validation", "--json", "-"))
	if have.Loss != lines[25].Metrics["validation/loss"] || have.Data.Split != "validation" {
		t.Errorf("%+v; want the loss %v of the validation split", have, lines[25].Metrics["validation/loss"])
	}
}
