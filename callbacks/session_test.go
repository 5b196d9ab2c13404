package callbacks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// outside is a training program that knows only Gorgonia: a network with one
// hidden layer on irises, trained by steps of gradient descent on all samples.
type outside struct {
	x, logits  *G.Node
	learnables G.Nodes
	machine    G.VM
	solver     G.Solver
	inputs     *tensor.Dense
	classes    []int
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	iris, err := datasets.Load(t.Context(), "iris", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	train := iris.Splits[0]
	n := train.Len()
	o := &outside{
		solver:  G.NewVanillaSolver(G.WithLearnRate(0.1)),
		inputs:  tensor.New(tensor.WithShape(n, 4), tensor.WithBacking(slices.Clone(train.X))),
		classes: train.Labels,
	}
	oneHot := make([]float64, 3*n)
	for i, class := range train.Labels {
		oneHot[3*i+class] = 1
	}
	g := G.NewGraph()
	o.x = G.NewMatrix(g, G.Float64, G.WithShape(n, 4), G.WithName("x"), G.WithValue(o.inputs))
	y := G.NewMatrix(g, G.Float64, G.WithShape(n, 3), G.WithName("y"), G.WithValue(tensor.New(tensor.WithShape(n, 3), tensor.WithBacking(oneHot))))
	rng := trainer.Stream(3, "outside", 0)
	weight := func(name string, rows, cols int) *G.Node {
		draws := make([]float64, rows*cols)
		for i := range draws {
			draws[i] = 0.5 * rng.NormFloat64()
		}
		w := G.NewMatrix(g, G.Float64, G.WithShape(rows, cols), G.WithName(name), G.WithValue(tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(draws))))
		o.learnables = append(o.learnables, w)
		return w
	}
	layer := func(h, w, b *G.Node) *G.Node { return G.Must(G.BroadcastAdd(G.Must(G.Mul(h, w)), b, nil, []byte{0})) }
	h := G.Must(G.Tanh(layer(o.x, weight("w0", 4, 5), weight("b0", 1, 5))))
	o.logits = layer(h, weight("w1", 5, 3), weight("b1", 1, 3))
	normalizer := G.Must(G.Log(G.Must(G.Sum(G.Must(G.Exp(o.logits)), 1))))
	cost := G.Must(G.Mean(G.Must(G.Sub(normalizer, G.Must(G.Sum(G.Must(G.HadamardProd(o.logits, y)), 1))))))
	if _, err := G.Grad(cost, o.learnables...); err != nil {
		t.Fatal(err)
	}
	o.machine = G.NewTapeMachine(g, G.BindDualValues(o.learnables...))
	t.Cleanup(func() { o.machine.Close() })
	return o
}

// train takes one step.
func (o *outside) train(t *testing.T) {
	t.Helper()
	if err := o.machine.RunAll(); err != nil {
		t.Fatal(err)
	}
	if err := o.solver.Step(G.NodesToValueGrads(o.learnables)); err != nil {
		t.Fatal(err)
	}
	o.machine.Reset()
}

func (o *outside) weights() (all []float64) {
	for _, n := range o.learnables {
		all = append(all, models.Values(n.Value().(*tensor.Dense))...)
	}
	return all
}

func (o *outside) session(t *testing.T, s trainer.SessionSettings, hooks ...trainer.Hook) *trainer.Session {
	t.Helper()
	model, err1 := models.FromNodes(o.x, o.logits, o.learnables)
	data, err2 := datasets.FromTensors(datasets.Classification, o.inputs, tensor.New(tensor.WithBacking(o.classes)))
	session, err3 := trainer.NewSession(model, data, s, hooks...)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return session
}

// measuring returns hooks of every kind.
func measuring(dir string) []trainer.Hook {
	spectrum := &callbacks.Spectrum{Schedule: trainer.Schedule{Every: 5}}
	return []trainer.Hook{
		spectrum, &callbacks.Complexity{Spectrum: spectrum}, &callbacks.Parameters{},
		&callbacks.JSONL{Path: filepath.Join(dir, "metrics.jsonl")}, &callbacks.CSV{Path: filepath.Join(dir, "metrics.csv")},
		&callbacks.Checkpoint{Dir: dir, Schedule: trainer.Schedule{Every: 1}},
	}
}

// Watched or not, a program trains to the same bits, and its machine and solver go
// on after the session as before.
func TestWatchedProgramTrainsTheSame(t *testing.T) {
	const watched, after = 12, 5
	alone := newOutside(t)
	for range watched + after {
		alone.train(t)
	}
	o := newOutside(t)
	session := o.session(t, trainer.SessionSettings{Epochs: watched}, measuring(t.TempDir())...)
	for range session.Epochs(t.Context()) {
		o.train(t)
	}
	if err := session.Err(); err != nil {
		t.Fatal(err)
	}
	for range after {
		o.train(t)
	}
	if !slices.Equal(o.weights(), alone.weights()) {
		t.Error("the weights differ from those without a session")
	}
}

// A session that is resumed from a checkpoint ends with the weights and the
// metrics of one that was not interrupted.
func TestResumedSession(t *testing.T) {
	const epochs, interrupted = 14, 8
	whole, dir := t.TempDir(), t.TempDir()
	o := newOutside(t)
	session := o.session(t, trainer.SessionSettings{Epochs: epochs, Seed: 4}, measuring(whole)...)
	for range session.Epochs(t.Context()) {
		o.train(t)
	}
	if err := session.Err(); err != nil {
		t.Fatal(err)
	}
	want := o.weights()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o = newOutside(t)
	session = o.session(t, trainer.SessionSettings{Epochs: epochs, Seed: 4}, measuring(dir)...)
	for epoch := range session.Epochs(ctx) {
		o.train(t)
		if epoch == interrupted {
			cancel()
		}
	}
	if err := session.Err(); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v; want a cancelled context", err)
	}

	o = newOutside(t)
	session = o.session(t, trainer.SessionSettings{Epochs: epochs, Seed: 4}, measuring(dir)...)
	checkpoint, err := trainer.ReadCheckpoint(filepath.Join(dir, "last.npz"))
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Restore(checkpoint); err != nil {
		t.Fatal(err)
	}
	var trained []int
	for epoch := range session.Epochs(t.Context()) {
		trained = append(trained, epoch)
		o.train(t)
	}
	if err := session.Err(); err != nil {
		t.Fatal(err)
	}
	if trained[0] != interrupted+1 || len(trained) != epochs-interrupted {
		t.Errorf("trained the epochs %v", trained)
	}
	if !slices.Equal(o.weights(), want) {
		t.Error("the weights differ from those of the run that was not interrupted")
	}
	have, wanted := histories(t, dir), histories(t, whole)
	if len(have) != len(wanted) {
		t.Fatalf("%d epochs recorded; want %d", len(have), len(wanted))
	}
	for i, e := range wanted {
		for name, value := range e.Metrics {
			if timed := strings.Contains(name, "seconds") || strings.Contains(name, "time"); have[i].Metrics[name] != value && !timed {
				t.Errorf("epoch %d, %s: %v; want %v", e.Epoch, name, have[i].Metrics[name], value)
			}
		}
	}
}

// What a program records before its loop is of the untrained network, also when the
// program is run again to go on.
func TestResumedSessionKeepsWhatWasRecorded(t *testing.T) {
	dir := t.TempDir()
	var trained []int
	for _, epochs := range []int{3, 5} {
		o := newOutside(t)
		session := o.session(t, trainer.SessionSettings{Epochs: epochs}, &callbacks.JSONL{Path: filepath.Join(dir, "metrics.jsonl")}, &callbacks.Checkpoint{Dir: dir})
		if epochs == 5 {
			checkpoint, err := trainer.ReadCheckpoint(filepath.Join(dir, "last.npz"))
			if err = errors.Join(err, session.Restore(checkpoint)); err != nil {
				t.Fatal(err)
			}
		}
		if err := session.Record("own/epoch", 0); err != nil {
			t.Fatal(err)
		}
		for epoch := range session.Epochs(t.Context()) {
			o.train(t)
			trained = append(trained, epoch)
			if err := session.Record("own/epoch", float64(epoch)); err != nil {
				t.Fatal(err)
			}
		}
		if err := session.Err(); err != nil {
			t.Fatal(err)
		}
	}
	if want := []int{1, 2, 3, 4, 5}; !slices.Equal(trained, want) {
		t.Errorf("trained the epochs %v; want %v", trained, want)
	}
	for i, e := range histories(t, dir) {
		if value, fresh := e.Fresh("own/epoch"); e.Epoch != i || !fresh || value != float64(i) {
			t.Errorf("line %d: epoch %d, %v (fresh: %t)", i, e.Epoch, value, fresh)
		}
	}
}

// lastCanceller cancels the context when the end of an epoch is complete.
type lastCanceller struct {
	epoch  int
	cancel func()
}

func (lastCanceller) Name() string { return "last_canceller" }

func (lastCanceller) Phase() trainer.Phase { return trainer.Save }

func (c lastCanceller) EpochEnd(_ context.Context, s *trainer.State) error {
	if s.Epoch == c.epoch {
		c.cancel()
	}
	return nil
}

// A session that was saved between two epochs, or by End, goes on with the next
// epoch, and does not end the last one a second time.
func TestResumedBetweenEpochs(t *testing.T) {
	const saved, epochs = 3, 6
	for _, byEnd := range []bool{false, true} {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		hooks := func() []trainer.Hook {
			c := lastCanceller{epoch: saved, cancel: cancel}
			if byEnd {
				c.epoch = -1
			}
			return []trainer.Hook{&callbacks.JSONL{Path: filepath.Join(dir, "metrics.jsonl")}, &callbacks.Checkpoint{Dir: dir, Interval: -1}, c}
		}
		o := newOutside(t)
		if byEnd {
			session := o.session(t, trainer.SessionSettings{}, hooks()...)
			err := session.Begin(ctx)
			for epoch := 1; epoch <= saved && err == nil; epoch++ {
				o.train(t)
				err = session.EpochEnd(ctx, epoch, epoch)
			}
			if err := errors.Join(err, session.End(ctx)); err != nil {
				t.Fatal(err)
			}
		} else {
			session := o.session(t, trainer.SessionSettings{Epochs: epochs}, hooks()...)
			for range session.Epochs(ctx) {
				o.train(t)
			}
			if err := session.Err(); !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v; want a cancelled context", err)
			}
		}
		checkpoint, err := trainer.ReadCheckpoint(filepath.Join(dir, "last.npz"))
		if err != nil {
			t.Fatal(err)
		}
		o = newOutside(t)
		session := o.session(t, trainer.SessionSettings{Epochs: epochs}, hooks()...)
		if err := session.Restore(checkpoint); err != nil {
			t.Fatal(err)
		}
		var trained []int
		for epoch := range session.Epochs(t.Context()) {
			trained = append(trained, epoch)
			o.train(t)
		}
		if err := session.Err(); err != nil {
			t.Fatal(err)
		}
		if want := []int{4, 5, 6}; !slices.Equal(trained, want) {
			t.Errorf("by End: %t: trained the epochs %v; want %v", byEnd, trained, want)
		}
		if lines := readLines(t, filepath.Join(dir, "metrics.jsonl")); len(lines) != epochs+1 {
			t.Errorf("by End: %t: %d lines; want one for each of the epochs 0 to %d", byEnd, len(lines), epochs)
		}
	}
}

func histories(t *testing.T, dir string) []record.Entry {
	t.Helper()
	history, err := record.ReadHistory(filepath.Join(dir, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return history
}

// Within an epoch a session is not saved; what was saved at the end of the last
// epoch stays.
func TestSessionIsSavedAtTheEndOfEpochs(t *testing.T) {
	dir := t.TempDir()
	o := newOutside(t)
	var events []string
	session := o.session(t, trainer.SessionSettings{}, &callbacks.Checkpoint{Dir: dir, Interval: 1, Schedule: trainer.Schedule{At: []int{1}}})
	note := func(what string) {
		c, err := trainer.ReadCheckpoint(filepath.Join(dir, "last.npz"))
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, fmt.Sprintf("%s: %d/%d", what, c.Progress.Epoch, c.Progress.Step))
	}
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(session.Begin(ctx))
	o.train(t)
	must(session.BatchEnd(ctx, 1, 1))
	note("step 1")
	must(session.EpochEnd(ctx, 1, 1))
	note("epoch 1")
	o.train(t)
	must(session.BatchEnd(ctx, 2, 1))
	if _, err := session.State().Checkpoint(); !errors.Is(err, trainer.ErrWithinEpoch) {
		t.Errorf("error %v; want ErrWithinEpoch", err)
	}
	broken := errors.New("the machine broke")
	if err := session.Interrupted(ctx, broken); !errors.Is(err, broken) || errors.Is(err, trainer.ErrWithinEpoch) {
		t.Errorf("error %v; want that of the loop alone", err)
	}
	note("interrupted")
	if want := []string{"step 1: 0/0", "epoch 1: 1/1", "interrupted: 1/1"}; !slices.Equal(events, want) {
		t.Errorf("saved %q; want %q", events, want)
	}
}

func TestRestoreOfASessionRefuses(t *testing.T) {
	dir := t.TempDir()
	o := newOutside(t)
	session := o.session(t, trainer.SessionSettings{Epochs: 2}, &callbacks.Checkpoint{Dir: dir})
	for range session.Epochs(t.Context()) {
		o.train(t)
	}
	if err := session.Err(); err != nil {
		t.Fatal(err)
	}
	read := func() *trainer.Checkpoint {
		c, err := trainer.ReadCheckpoint(filepath.Join(dir, "last.npz"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for want, change := range map[string]func(*trainer.Checkpoint){
		"of a run with seed 7; this one has 0":                 func(c *trainer.Checkpoint) { c.Progress.Seed = 7 },
		"other data":                                           func(c *trainer.Checkpoint) { c.Progress.Data = "" },
		"made with the hooks a":                                func(c *trainer.Checkpoint) { c.Progress.Hooks = []string{"a"} },
		"of a Trainer with the optimizer adam":                 func(c *trainer.Checkpoint) { c.Progress.Optimizer = "adam" },
		"at epoch 3, step 2":                                   func(c *trainer.Checkpoint) { c.Progress.Epoch = 3 },
		"stage 99":                                             func(c *trainer.Checkpoint) { c.Progress.Stage = 99 },
		`no array "w0" for the parameter of shape (4, 5)`:      func(c *trainer.Checkpoint) { c.Arrays[0].Name = "other" },
		"hook checkpoint: restore: the state has another form": func(c *trainer.Checkpoint) { c.Hooks["checkpoint"] = []byte("x") },
	} {
		c := read()
		change(c)
		err := o.session(t, trainer.SessionSettings{Epochs: 2}, &callbacks.Checkpoint{Dir: dir}).Restore(c)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
	if err := session.Restore(read()); err == nil || !strings.Contains(err.Error(), "Restore after Begin; restore a new session") {
		t.Errorf("error %v", err)
	}
	if err := o.session(t, trainer.SessionSettings{}).Restore(nil); err == nil {
		t.Error("no error for no checkpoint")
	}
	tr, _ := newTraining(t, &callbacks.Checkpoint{Dir: dir})
	c := read()
	c.Progress.Data, c.Progress.Seed = tr.State().Data.Fingerprint(), tr.State().Seed
	if err := tr.Restore(c); err == nil || !strings.Contains(err.Error(), "is of a Session, whose optimizer is not known; resume it with a Session") {
		t.Errorf("error %v", err)
	}
}

// Where the number of epochs was not told, the last epoch is measured, and the last
// line tells the numbers of that epoch, or of which epoch they are.
func TestLastLineIsOfTheLastEpoch(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	logger, err := callbacks.NewLogger(&out, "text")
	if err != nil {
		t.Fatal(err)
	}
	logger.Metrics = []string{"spectrum/lambda_max", "own/first"}
	o := newOutside(t)
	session := o.session(t, trainer.SessionSettings{}, &callbacks.Spectrum{Schedule: trainer.Schedule{At: []int{0}}}, logger,
		&callbacks.JSONL{Path: filepath.Join(dir, "metrics.jsonl")}, &callbacks.CSV{Path: filepath.Join(dir, "metrics.csv")},
		&callbacks.RunRecord{Path: filepath.Join(dir, "run.json")})
	ctx := t.Context()
	err = errors.Join(session.Record("own/first", 0.5), session.Begin(ctx))
	for epoch := 1; epoch <= 30 && err == nil; epoch++ {
		o.train(t)
		err = session.EpochEnd(ctx, epoch, epoch)
	}
	if err = errors.Join(err, session.End(ctx)); err != nil {
		t.Fatal(err)
	}
	history := histories(t, dir)
	first, last := history[0], history[len(history)-1]
	sharpness, fresh := last.Fresh("spectrum/lambda_max")
	if len(history) != 31 || last.Epoch != 30 || !fresh || sharpness == first.Metrics["spectrum/lambda_max"] {
		t.Errorf("%d epochs, the last %d with λ₁ %v (measured: %t)", len(history), last.Epoch, sharpness, fresh)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	const want = `own/first="0.5000 at epoch 0" reason=completed seconds=`
	if line := lines[len(lines)-1]; !strings.Contains(line, want) || !strings.Contains(line, fmt.Sprintf("spectrum/lambda_max=%.2f", sharpness)) {
		t.Errorf("the last line is %s\nwant %s and λ₁ = %.2f", line, want, sharpness)
	}
	data, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	var run record.Run
	if err := json.Unmarshal(data, &run); err != nil {
		t.Fatal(err)
	}
	if r := run.Final["spectrum/lambda_max"]; r.Epoch != 30 || r.Value != sharpness {
		t.Errorf("run.json has %+v; want λ₁ = %v of epoch 30", r, sharpness)
	}
	rows := readLines(t, filepath.Join(dir, "metrics.csv"))
	if !strings.HasPrefix(rows[len(rows)-1], "30,30,") || !strings.Contains(rows[len(rows)-1], fmt.Sprint(sharpness)) {
		t.Errorf("the last row is %s", rows[len(rows)-1])
	}
}

// A metric of the loop's own is in the log, the table and the lines, and a rule can
// stop the run by it.
func TestOwnMetricIsLikeAnyOther(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	o := newOutside(t)
	session := o.session(t, trainer.SessionSettings{Epochs: 100},
		&callbacks.EarlyStopping{Rule: stopping.Rule{Monitor: "own/falling", Patience: 2}, Slog: slog.New(slog.NewTextHandler(&out, nil))},
		&callbacks.Logger{Slog: slog.New(slog.NewJSONHandler(&out, nil))},
		&callbacks.JSONL{Path: filepath.Join(dir, "metrics.jsonl")}, &callbacks.CSV{Path: filepath.Join(dir, "metrics.csv")})
	if err := session.Declare(trainer.Metric{Name: "own/falling", Better: trainer.Lower}); err != nil {
		t.Fatal(err)
	}
	for epoch := range session.Epochs(t.Context()) {
		o.train(t)
		if err := session.Record("own/falling", float64(max(5-epoch, 0))); err != nil {
			t.Fatal(err)
		}
	}
	if err := session.Err(); err != nil {
		t.Fatal(err)
	}
	stop, _ := session.Stopped()
	if s := session.State(); s.Epoch != 7 || stop.By != "early_stopping" || stop.Metric != "own/falling" {
		t.Errorf("stopped at epoch %d: %+v; want epoch 7, two after the lowest value", s.Epoch, stop)
	}
	for _, e := range histories(t, dir)[1:] {
		if value, fresh := e.Fresh("own/falling"); !fresh || value != float64(max(5-e.Epoch, 0)) {
			t.Errorf("epoch %d: %v (fresh: %t)", e.Epoch, value, fresh)
		}
	}
	if rows := readLines(t, filepath.Join(dir, "metrics.csv")); !strings.HasSuffix(rows[0], ",own/falling") || !strings.HasSuffix(rows[3], ",3") {
		t.Errorf("rows %q", rows)
	}
	all := entries(t, &out)
	end := all[len(all)-1]
	if end["msg"] != "finished" || end["level"] != "INFO" || end["own/falling"] != 0.0 || end["by"] != "early_stopping" {
		t.Errorf("the last entry is %v", end)
	}
	if e := all[3]; e["msg"] != "epoch" || e["epoch"] != 2.0 || e["own/falling"] != 3.0 {
		t.Errorf("the entry of epoch 2 is %v", e)
	}
}

func TestSlog(t *testing.T) {
	var out bytes.Buffer
	text := slog.New(slog.NewTextHandler(&out, nil))
	o := newOutside(t)
	session := o.session(t, trainer.SessionSettings{Epochs: 3}, &callbacks.Logger{Slog: text},
		&callbacks.EarlyStopping{Rule: stopping.Rule{Monitor: "own/first", AtLeast: new(2.0)}, Slog: text})
	if err := session.Record("own/first", 1); err != nil {
		t.Fatal(err)
	}
	for range session.Epochs(t.Context()) {
		o.train(t)
	}
	if err := session.Err(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"level=INFO msg=training data=data", "level=INFO msg=epoch epoch=0 of=3 own/first=1 ", `own/first="1.0000 at epoch 0"`, "msg=finished",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	both := &callbacks.Logger{Slog: text, Log: logrus.New()}
	if err := o.session(t, trainer.SessionSettings{}, both).Begin(t.Context()); err == nil || err.Error() != "hook log: both Log and Slog are set; choose one" {
		t.Errorf("error %v", err)
	}
}

// A hook without what it needs is an error in words when training begins.
func TestHooksWithoutAPath(t *testing.T) {
	o := newOutside(t)
	for want, hook := range map[string]trainer.Hook{
		"hook jsonl: the path of the file is empty; set it":                                                   &callbacks.JSONL{},
		"hook csv: the path of the file is empty; set it":                                                     &callbacks.CSV{},
		"hook checkpoint: the folder of the checkpoints, Dir, is empty; set it":                               &callbacks.Checkpoint{},
		"hook run: the name of the file, Path, is empty; set it":                                              &callbacks.RunRecord{},
		"hook complexity: Spectrum is nil; set it to the Spectrum among the hooks, whose eigenpairs it takes": &callbacks.Complexity{},
	} {
		if err := o.session(t, trainer.SessionSettings{}, hook).Begin(t.Context()); err == nil || err.Error() != want {
			t.Errorf("error %v; want %s", err, want)
		}
	}
}

// The record of a session says how many statistics of batch normalization are
// constants in what is measured; so does an analysis.
func TestSessionRecordsFrozenStatistics(t *testing.T) {
	o := newOutside(t)
	scale := G.NewMatrix(o.logits.Graph(), G.Float64, G.WithShape(1, 3), G.WithName("scale"), G.WithInit(G.Ones()))
	shift := G.NewMatrix(o.logits.Graph(), G.Float64, G.WithShape(1, 3), G.WithName("shift"), G.WithInit(G.Zeroes()))
	var err error
	if o.logits, _, _, _, err = G.BatchNorm(o.logits, scale, shift, 0.1, 1e-5); err != nil {
		t.Fatal(err)
	}
	o.learnables = append(o.learnables, scale, shift)
	path := filepath.Join(t.TempDir(), "run.json")
	session := o.session(t, trainer.SessionSettings{}, &callbacks.RunRecord{Path: path})
	if err := session.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	const want = 2 * 3
	if m := readRun(t, path).Model; m.FrozenStatistics != want || m.Parameters != 4*5+5+5*3+3+3+3 {
		t.Errorf("%d frozen statistics, %d parameters; want %d", m.FrozenStatistics, m.Parameters, want)
	}
	state := session.State()
	r, err := analysis.Analyze(t.Context(), state.Model, &state.Data.Splits[0], analysis.Settings{})
	if err != nil || r.Model.FrozenStatistics != want {
		t.Errorf("%+v, error %v; want %d frozen statistics", r, err, want)
	}
}
