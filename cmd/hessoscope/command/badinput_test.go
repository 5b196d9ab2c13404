package command

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// badInput is a command line that must be refused.
type badInput struct {
	name    string
	prepare func(t *testing.T) // the working directory; nothing if nil
	args    []string
	want    []string // what the error must say
}

func (b badInput) test(t *testing.T) {
	chdir(t)
	if b.prepare != nil {
		b.prepare(t)
	}
	before := tree(t)
	refused(t, hessoscope(b.args...), b.want...)
	if diff := cmp.Diff(before, tree(t)); diff != "" {
		t.Errorf("something was left behind (-before +after):\n%s", diff)
	}
}

// refused reports a test error unless a command ended as for invalid input: with
// status 2 and one line that contains all of want.
func refused(t *testing.T, r result, want ...string) {
	t.Helper()
	if r.status != exitFault || r.stdout != "" {
		t.Errorf("status %d, output %q; want status %d and no output", r.status, r.stdout, exitFault)
	}
	if !strings.HasPrefix(r.stderr, "hessoscope: ") || strings.Index(r.stderr, "\n") != len(r.stderr)-1 {
		t.Errorf("error %q; want one line", r.stderr)
	}
	for _, w := range want {
		if !strings.Contains(r.stderr, w) {
			t.Errorf("error %q; want it to say %q", r.stderr, w)
		}
	}
}

func testBadInputs(t *testing.T, inputs []badInput) {
	for _, b := range inputs {
		t.Run(b.name, b.test)
	}
}

func TestBadFlags(t *testing.T) {
	train := func(args ...string) []string { return append([]string{"train"}, args...) }
	analyze := func(args ...string) []string {
		return append([]string{"analyze", "--weights", "w.npz", "--data", "iris"}, args...)
	}
	file := func(path string) func(*testing.T) { return func(t *testing.T) { write(t, path, "x") } }
	testBadInputs(t, []badInput{
		{"unknown command", nil, []string{"trian", "iris"}, []string{"unexpected argument trian", "(try --help)"}},
		{"unknown flag", nil, train("iris", "--epochs", "5"), []string{"unknown flag --epochs", "(try --help)"}},
		{"missing argument", nil, train(), []string{`expected "<experiment>"`}},
		{"too many arguments", nil, train("iris", "gauss"), []string{"unexpected argument gauss"}},
		{"negative number of jobs", nil, []string{"sweep", "regimes", "--jobs", "-1"}, []string{"--jobs -1: want 0, for one a CPU, or more"}},
		{"unknown preset", nil, train("iriss"), []string{`no preset and no file "iriss"; did you mean "iris"?`}},
		{"unknown setting", nil, train("iris", "--set", "training.epoch=5"), []string{`--set training.epoch=5: unknown key "epoch"; did you mean "epochs"?`}},
		{"number for a group", nil, train("iris", "--set", "training.rate=0.1"), []string{`training.rate is a group of settings; did you mean "training.rate.base"?`}},
		{"metric named as elsewhere", nil, train("gauss", "--set", "stop.restore_best=val_loss"), []string{`no metric "val_loss"; did you mean "validation/loss"?`}},
		{"metric of no split", nil, train("iris", "--set", "stop.restore_best=validation/loss"), []string{`no metric "validation/loss", since the data have no split "validation"; theirs are train, test`}},
		{"name of a run", func(t *testing.T) { write(t, "runs/x/config.yaml", "name: x\n"); write(t, "runs/x/run.json", "{}") }, []string{"analyze", "x"}, []string{"x is not the folder of a run: it has no config.yaml; did you mean runs/x?"}},
		{"setting that cannot be", nil, train("iris", "--set", "training={}"), []string{"iris: training.rate.base is 0; want a positive number"}},
		{"no setting", nil, train("iris", "--set", ""), []string{"--set : want key=value"}},
		{"no name", nil, train("iris", "--set", "name="), []string{"the run has no name; --name gives it one"}},
		{"bad experiment", func(t *testing.T) { write(t, "e.yaml", "name: e\ndta: {}\n") }, train("e.yaml"), []string{`e.yaml:2:1: unknown key "dta"; did you mean "data"?`}},
		{"experiment without an end", func(t *testing.T) { write(t, "e.yaml", "name: \"e\n\n") }, train("e.yaml"), []string{"e.yaml:1:7: "}},
		{"missing file", nil, train("mine.yaml"), []string{"mine.yaml: no such file"}},
		{"folder", func(t *testing.T) { mkdir(t, "a/b") }, train("a/b"), []string{"a/b is a folder; want a YAML file, or --resume"}},
		{"name with slashes", nil, train("iris", "--name", "a/b"), []string{`name is "a/b"; want a name without slashes`}},
		{"name with a newline", nil, train("iris", "--name", "a\nb"), []string{`name is "a\nb", with a control character; want a name on one line`}},
		{"folder of runs with a newline", nil, train("iris", "--out", "a\nb"), []string{`--out "a\nb": has a control character`}},
		{"folder of sweeps with a newline", nil, []string{"sweep", "regimes", "--out=a\nb"}, []string{`--out "a\nb": has a control character`}},
		{"experiment with a newline", nil, train("a\nb.yaml"), []string{`"a\nb.yaml": no such file`}},
		{"run with a newline", nil, []string{"report", "runs/a\nb"}, []string{`"runs/a\nb": no such file`}},
		{"unknown log format", nil, train("iris", "--log", "xml"), []string{`--log must be one of "text","json" but got "xml"`}},
		{"file in place of the folder of runs", file("runs"), train("iris"), []string{"runs/iris: not a directory"}},
		{"file above the folder of runs", file("a"), train("iris", "--out", "a/b"), []string{"a/b/iris: not a directory"}},
		{"resume of nothing", nil, train("iris", "--resume"), []string{"no run in runs/iris to resume; `hessoscope train iris` starts one"}},
		{"resume of a folder that is no run", func(t *testing.T) { mkdir(t, "runs/x") }, train("runs/x", "--resume"), []string{"runs/x is not the folder of a run: it has no config.yaml"}},
		{"nothing to analyze", nil, []string{"analyze"}, []string{"wants the folder of a run, or --weights and --data"}},
		{"weights without data", nil, []string{"analyze", "--weights", "w.npz"}, []string{"wants the folder of a run, or --weights and --data"}},
		{"run and weights", nil, []string{"analyze", "runs/x", "--weights", "w.npz"}, []string{"not both"}},
		{"folder that is no run", func(t *testing.T) { mkdir(t, "runs/x") }, []string{"analyze", "runs/x"}, []string{"runs/x is not the folder of a run: it has no config.yaml"}},
		{"epoch without run", nil, analyze("--epoch", "5"), []string{"--epoch belongs to the folder of a run"}},
		{"unknown method", nil, analyze("--method", "qr"), []string{`--method: unknown eigenvalue method "qr": want one of auto, dense, lanczos`}},
		{"negative top", nil, analyze("--top=-1"), []string{"--top and --bottom want numbers that are not negative"}},
		{"negative bottom", nil, analyze("--bottom=-1"), []string{"--top and --bottom want numbers that are not negative"}},
		{"word for top", nil, analyze("--top", "many"), []string{`--top: expected a valid 64 bit int but got "many"`}},
		{"a tolerance of all", nil, analyze("--tolerance", "1"), []string{"--tolerance 1: want a number between 0 and 1, or 0 for the default"}},
		{"float32 for all pairs", nil, analyze("--precision", "float32", "--method", "dense"), []string{"--precision float32: products in it do not resolve all pairs, as dense does; want --method lanczos or density"}},
		{"NaN tolerance", nil, analyze("--tolerance", "NaN"), []string{"--tolerance NaN: want a number between 0 and 1"}},
		{"negative seed", nil, analyze("--seed=-1"), []string{"--seed: "}},
		{"negative workers", nil, analyze("--workers=-1"), []string{"--workers -1: want 0, for one a CPU, or more"}},
		{"unknown matrix", nil, analyze("--matrix", "fisher"), []string{`--matrix: is "fisher"; want hessian, gauss_newton or empirical_fisher`}},
		{"no matrix", nil, analyze("--matrix", ""), []string{`--matrix: is ""; want hessian, gauss_newton or empirical_fisher`}},
		{"unknown activation", nil, analyze("--activation", "rel"), []string{`--activation: is "rel"; want one of gelu, `}},
		{"unknown loss", nil, analyze("--loss", "hinge"), []string{`--loss: is "hinge"; want one of cross_entropy`}},
		{"JSON into a missing folder", nil, analyze("--json", "a/x.json"), []string{"a/x.json: there is no folder a"}},
		{"JSON onto a folder", func(t *testing.T) { mkdir(t, "a") }, analyze("--json", "a"), []string{"a is a folder; want the name of a file"}},
		{"vectors into a missing folder", nil, analyze("--vectors", "a/x.npz"), []string{"a/x.npz: there is no folder a"}},
		{"vectors by another name", nil, analyze("--vectors", "x.csv"), []string{"--vectors x.csv: want a name that ends in .npz"}},
		{"unknown preset to print", nil, []string{"presets", "print", "irs"}, []string{`"irs"; did you mean "iris"?`}},
		{"unknown set to describe", nil, []string{"datasets", "describe", "irs"}, []string{`no data set "irs"; did you mean "iris"?`}},
		{"set that is not fetched", nil, []string{"datasets", "fetch", "iris"}, []string{`must be one of "mnist" but got "iris"`}},
	})
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
}
