package callbacks_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// The programs below are those in the folder examples of Gorgonia, with smaller
// data, and watched if hooks are given.

// logisticRegression trains a vector and a scalar by a compiled function and by
// machine.Set. The model is handed over without its cost if bare is set.
func logisticRegression(t *testing.T, bare bool, hooks ...trainer.Hook) (weights []float64, session *trainer.Session, err error) {
	const n, feats, iterations = 60, 10, 30
	rng := trainer.Stream(1, "logistic", 0)
	xs, ys, ws := make([]float64, n*feats), make([]float64, n), make([]float64, feats)
	for i := range xs {
		xs[i] = rng.NormFloat64()
	}
	for i := range ys {
		if xs[i*feats]+0.5*rng.NormFloat64() > 0 {
			ys[i] = 1
		}
	}
	for i := range ws {
		ws[i] = rng.NormFloat64()
	}
	xT := tensor.New(tensor.WithBacking(xs), tensor.WithShape(n, feats))
	yT := tensor.New(tensor.WithBacking(ys), tensor.WithShape(n))
	wT := tensor.New(tensor.WithBacking(ws), tensor.WithShape(feats))

	g := G.NewGraph()
	x := G.NewMatrix(g, tensor.Float64, G.WithName("x"), G.WithShape(n, feats))
	y := G.NewVector(g, tensor.Float64, G.WithName("y"), G.WithShape(n))
	w := G.NewVector(g, tensor.Float64, G.WithName("w"), G.WithShape(feats))
	b := G.NewScalar(g, tensor.Float64, G.WithName("bias"))
	one := G.NewConstant(1.0)
	xwmb := G.Must(G.Add(G.Must(G.Mul(x, w)), b))
	prob := G.Must(G.Sigmoid(xwmb))
	pred := G.Must(G.Gt(prob, G.NewConstant(0.5), false))
	var predicted G.Value
	readNode := G.Read(pred, &predicted)
	logProb := G.Must(G.Log(prob))
	fstTerm := G.Must(G.HadamardProd(G.Must(G.Neg(y)), logProb))
	oneMinusY := G.Must(G.Sub(one, y))
	logOneMinusProb := G.Must(G.Log(G.Must(G.Sub(one, prob))))
	sndTerm := G.Must(G.HadamardProd(oneMinusY, logOneMinusProb))
	loss := G.Must(G.Mean(G.Must(G.Sub(fstTerm, sndTerm))))
	sumSq := G.Must(G.Sum(G.Must(G.Square(w))))
	l2reg := G.NewConstant(0.01, G.WithName("l2reg"))
	cost := G.Must(G.Add(loss, G.Must(G.Mul(l2reg, sumSq))))
	grads, err := G.Grad(cost, w, b)
	if err != nil {
		return nil, nil, err
	}
	learnRate := G.NewConstant(0.1)
	wUpd := G.Must(G.Sub(w, G.Must(G.Mul(learnRate, grads[0]))))
	bUpd := G.Must(G.Sub(b, G.Must(G.Mul(learnRate, grads[1]))))
	prog, locMap, err := G.CompileFunction(g, G.Nodes{x, y}, G.Nodes{wUpd, bUpd, readNode})
	if err != nil {
		return nil, nil, err
	}
	machine := G.NewTapeMachine(g, G.WithPrecompiled(prog, locMap))
	defer machine.Close()
	if err := errors.Join(machine.Let(w, wT), machine.Let(b, 0.0)); err != nil {
		return nil, nil, err
	}

	ctx := context.Background()
	if hooks != nil {
		var options []models.NodesOption
		if !bare {
			options = append(options, models.WithCost(cost, y))
		}
		model, err1 := models.FromNodes(x, prob, G.Nodes{w, b}, options...)
		data, err2 := datasets.FromTensors(datasets.Binary, xT, yT)
		var err3 error
		session, err3 = trainer.NewSession(model, data, trainer.SessionSettings{Epochs: iterations}, hooks...)
		if err := errors.Join(err1, err2, err3); err != nil {
			return nil, nil, err
		}
		if err := session.Begin(ctx); err != nil {
			return nil, nil, err
		}
	}
	for i := range iterations {
		machine.Reset()
		if err := errors.Join(machine.Let(x, xT), machine.Let(y, yT), machine.RunAll()); err != nil {
			return nil, nil, err
		}
		if err := errors.Join(machine.Set(w, wUpd), machine.Set(b, bUpd)); err != nil {
			return nil, nil, err
		}
		if session != nil {
			if err := session.EpochEnd(ctx, i+1, i+1); err != nil {
				return nil, nil, err
			}
		}
	}
	if session != nil {
		err = session.End(ctx)
	}
	return append(slices.Clone(w.Value().Data().([]float64)), b.Value().Data().(float64)), session, err
}

func TestLogisticRegression(t *testing.T) {
	alone, _, err := logisticRegression(t, false)
	if err != nil {
		t.Fatal(err)
	}
	spectrum := &callbacks.Spectrum{Schedule: trainer.Schedule{Every: 10}}
	log := new(bytes.Buffer)
	logger, err := callbacks.NewLogger(log, "text")
	if err != nil {
		t.Fatal(err)
	}
	run := filepath.Join(t.TempDir(), "run.json")
	watched, session, err := logisticRegression(t, false, spectrum, &callbacks.Complexity{Spectrum: spectrum}, &callbacks.Margin{Schedule: trainer.Schedule{Every: 10}}, logger, &callbacks.RunRecord{Path: run})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(alone, watched) {
		t.Errorf("the weights are %v when watched, %v alone", watched, alone)
	}
	s := session.State()
	for _, name := range []string{"train/loss", "train/accuracy", record.LambdaMax, record.Low(record.Complexity), record.Margin} {
		if v, ok := s.Last(name); !ok || !(v.Value > 0) {
			t.Errorf("%s is %v, %t", name, v, ok)
		}
	}
	if s.Loss.Name() != "cost" {
		t.Errorf("the loss is %s", s.Loss.Name())
	}
	const note = "the node before the Sigmoid is taken for the logits"
	if !strings.Contains(log.String(), note) {
		t.Errorf("the log is\n%s", log)
	}
	if r, err := record.ReadRun(run); err != nil || !slices.Equal(r.Notes, []string{note}) {
		t.Errorf("run.json notes %q, error %v", r.Notes, err)
	}
	_, _, err = logisticRegression(t, true, spectrum)
	if err == nil || !strings.Contains(err.Error(), "hand over the node before the Sigmoid") {
		t.Errorf("error %v", err)
	}
}

// iris is linear regression of a vector by a tape machine and a solver.
func linearRegression(t *testing.T, hooks ...trainer.Hook) (weights []float64, session *trainer.Session, err error) {
	t.Helper()
	load, err := datasets.Load(t.Context(), "iris", datasets.Options{})
	if err != nil {
		return nil, nil, err
	}
	train := load.Splits[0]
	n := train.Len()
	xT := tensor.New(tensor.WithBacking(slices.Clone(train.X)), tensor.WithShape(n, 4))
	yT := tensor.New(tensor.WithShape(n), tensor.Of(tensor.Float64))
	for i, label := range train.Labels {
		yT.Float64s()[i] = float64(label)
	}
	g := G.NewGraph()
	x := G.NodeFromAny(g, xT, G.WithName("x"))
	y := G.NodeFromAny(g, yT, G.WithName("y"))
	theta := G.NewVector(g, G.Float64, G.WithName("theta"), G.WithShape(4), G.WithInit(G.Ones()))
	pred := G.Must(G.Mul(x, theta))
	var predicted G.Value
	G.Read(pred, &predicted)
	cost := G.Must(G.Mean(G.Must(G.Square(G.Must(G.Sub(pred, y))))))
	if _, err := G.Grad(cost, theta); err != nil {
		return nil, nil, err
	}
	machine := G.NewTapeMachine(g, G.BindDualValues(theta))
	defer machine.Close()
	model := []G.ValueGrad{theta}
	solver := G.NewVanillaSolver(G.WithLearnRate(0.001))

	ctx := context.Background()
	const iterations = 20
	if hooks != nil {
		watched, err1 := models.FromNodes(x, pred, G.Nodes{theta}, models.WithCost(cost, y))
		data, err2 := datasets.FromTensors(datasets.Regression, xT, yT)
		var err3 error
		session, err3 = trainer.NewSession(watched, data, trainer.SessionSettings{Epochs: iterations}, hooks...)
		if err := errors.Join(err1, err2, err3); err != nil {
			return nil, nil, err
		}
		if err := session.Begin(ctx); err != nil {
			return nil, session, err
		}
	}
	for i := range iterations {
		if err := machine.RunAll(); err != nil {
			return nil, nil, err
		}
		loss := cost.Value().Data().(float64)
		if err := solver.Step(model); err != nil {
			return nil, nil, err
		}
		machine.Reset()
		if session != nil {
			if err := errors.Join(session.BatchEnd(ctx, i+1, loss), session.EpochEnd(ctx, i+1, i+1)); err != nil {
				return nil, nil, err
			}
		}
	}
	if session != nil {
		err = session.End(ctx)
	}
	return slices.Clone(theta.Value().Data().([]float64)), session, err
}

func TestLinearRegression(t *testing.T) {
	alone, _, err := linearRegression(t)
	if err != nil {
		t.Fatal(err)
	}
	watched, session, err := linearRegression(t, &callbacks.Spectrum{Schedule: trainer.Schedule{Every: 5}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(alone, watched) {
		t.Errorf("the weights are %v when watched, %v alone", watched, alone)
	}
	s := session.State()
	if _, err := s.Metric("train/accuracy"); err == nil {
		t.Error("a regression has an accuracy")
	}
	if len(s.Notes()) > 0 { // the loss of the first batch is the one measured
		t.Errorf("notes %q", s.Notes())
	}
	// The Hessian of the mean square is (2/n)·XᵀX: constant.
	first, last := math.NaN(), math.NaN()
	if r, ok := s.Last(record.LambdaMax); ok {
		last = r.Value
	}
	x := s.Data.Splits[0].X
	v := []float64{1, 1, 1, 1}
	for range 200 { // power iteration
		image := make([]float64, 4)
		for i := 0; i < len(x); i += 4 {
			dot := 0.0
			for j := range v {
				dot += x[i+j] * v[j]
			}
			for j := range v {
				image[j] += 2 * dot * x[i+j] / float64(len(x)/4)
			}
		}
		norm := 0.0
		for _, e := range image {
			norm += e * e
		}
		first = math.Sqrt(norm)
		for j := range v {
			v[j] = image[j] / first
		}
	}
	if !(math.Abs(first-last) <= 1e-2*first) { // the tolerance of a Spectrum
		t.Errorf("λ₁ %v, of the matrix %v", last, first)
	}
	for _, hook := range []trainer.Hook{&callbacks.Margin{}, &callbacks.EffectiveRank{}} {
		_, _, err := linearRegression(t, hook)
		if err == nil || !strings.Contains(err.Error(), `split "train" has no labels, as in a regression: there is no boundary between classes to measure`) {
			t.Errorf("%s: error %v", hook.Name(), err)
		}
	}
	spectrum := &callbacks.Spectrum{}
	if _, _, err := linearRegression(t, spectrum, &callbacks.Complexity{Spectrum: spectrum}); err == nil || !strings.Contains(err.Error(), "hook complexity: split") {
		t.Errorf("complexity: error %v", err)
	}
}

// mnist is the multilayer perceptron with dropout, on targets of 0.9 and 0.1, in
// the precision of the example, and with its cost −mean(p·y).
func mnist(t *testing.T, hooks ...trainer.Hook) (weights []float64, session *trainer.Session, err error) {
	t.Helper()
	const batch, width, classes, samples, epochs = 20, 16, 10, 70, 3
	dt := tensor.Float32
	rng := trainer.Stream(2, "mnist", 0)
	inputs := tensor.New(tensor.WithShape(samples, width), tensor.Of(dt))
	targets := tensor.New(tensor.WithShape(samples, classes), tensor.Of(dt))
	for i := range inputs.Float32s() {
		inputs.Float32s()[i] = float32(rng.Float64())
	}
	for i := range targets.Float32s() {
		targets.Float32s()[i] = 0.1
		if i%classes == (i/classes)%classes {
			targets.Float32s()[i] = 0.9
		}
	}
	g := G.NewGraph()
	x := G.NewMatrix(g, dt, G.WithShape(batch, width), G.WithName("x"))
	y := G.NewMatrix(g, dt, G.WithShape(batch, classes), G.WithName("y"))
	weight := func(name string, rows, cols int) *G.Node {
		v := tensor.New(tensor.WithShape(rows, cols), tensor.Of(dt))
		for i := range v.Float32s() {
			v.Float32s()[i] = float32(rng.NormFloat64()) / 4
		}
		return G.NewMatrix(g, dt, G.WithShape(rows, cols), G.WithName(name), G.WithValue(v))
	}
	w0, w1, w2 := weight("w0", width, 12), weight("w1", 12, 8), weight("w2", 8, classes)
	learnables := G.Nodes{w0, w1, w2}
	l0dot := G.Must(G.Mul(x, w0))
	l0 := G.Must(G.Dropout(G.Must(G.Rectify(l0dot)), 0)) // 0: so that two runs are alike
	l1 := G.Must(G.Rectify(G.Must(G.Mul(l0, w1))))
	out := G.Must(G.SoftMax(G.Must(G.Mul(l1, w2))))
	losses := G.Must(G.HadamardProd(out, y))
	cost := G.Must(G.Neg(G.Must(G.Mean(losses))))
	if _, err := G.Grad(cost, learnables...); err != nil {
		return nil, nil, err
	}
	vm := G.NewTapeMachine(g, G.BindDualValues(learnables...))
	defer vm.Close()
	solver := G.NewRMSPropSolver(G.WithBatchSize(batch))

	ctx := context.Background()
	if hooks != nil {
		model, err1 := models.FromNodes(x, out, learnables, models.WithCost(cost, y))
		data, err2 := datasets.FromTensors(datasets.Classification, inputs, targets)
		var err3 error
		session, err3 = trainer.NewSession(model, data, trainer.SessionSettings{Epochs: epochs}, hooks...)
		if err := errors.Join(err1, err2, err3, begin(ctx, session)); err != nil {
			return nil, nil, err
		}
	}
	step := 0
	for epoch := range epochs {
		for b := 0; b+batch <= samples; b += batch {
			xVal, err1 := inputs.Slice(G.S(b, b+batch))
			yVal, err2 := targets.Slice(G.S(b, b+batch))
			if err := errors.Join(err1, err2, G.Let(x, xVal), G.Let(y, yVal), vm.RunAll()); err != nil {
				return nil, nil, err
			}
			if err := solver.Step(G.NodesToValueGrads(learnables)); err != nil {
				return nil, nil, err
			}
			vm.Reset()
			step++
		}
		if session != nil {
			if err := session.EpochEnd(ctx, epoch+1, step); err != nil {
				return nil, nil, err
			}
		}
	}
	if session != nil {
		err = session.End(ctx)
	}
	for _, n := range learnables {
		weights = append(weights, models.Values(n.Value().(*tensor.Dense))...)
	}
	return weights, session, err
}

func begin(ctx context.Context, s *trainer.Session) error {
	if s == nil {
		return nil
	}
	return s.Begin(ctx)
}

func TestMNISTExample(t *testing.T) {
	alone, _, err := mnist(t)
	if err != nil {
		t.Fatal(err)
	}
	spectrum := &callbacks.Spectrum{Schedule: trainer.Schedule{Every: 1}}
	watched, session, err := mnist(t, spectrum, &callbacks.Complexity{Spectrum: spectrum}, &callbacks.Margin{Schedule: trainer.Schedule{Every: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(alone, watched) {
		t.Error("the weights differ when watched")
	}
	s := session.State()
	if v, ok := s.Last("train/loss"); !ok || !(v.Value < 0) { // −mean(p·y)
		t.Errorf("train/loss is %v", v)
	}
	if notes := s.Notes(); len(notes) != 2 || !strings.Contains(notes[0], "before the SoftMax") || !strings.Contains(notes[1], "dropout") {
		t.Errorf("notes %q", notes)
	}
}

// A loss that is not the one trained by is told, with both numbers.
func TestAnotherLossIsTold(t *testing.T) {
	const logThree = 1.0986122886681098 // the cross-entropy of logits 0
	build := func() (o *outside, y, square *G.Node) {
		o = newOutside(t)
		for _, w := range o.learnables {
			models.SetValues(w.Value().(*tensor.Dense), make([]float64, w.Shape().TotalSize()))
		}
		for _, n := range o.x.Graph().AllNodes() {
			if n.Name() == "y" {
				y = n
			}
		}
		return o, y, G.Must(G.Mean(G.Must(G.Square(G.Must(G.Sub(o.logits, y))))))
	}
	data := func(o *outside) *datasets.Dataset {
		d, err := datasets.FromTensors(datasets.Classification, o.inputs, tensor.New(tensor.WithBacking(o.classes)))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	notes := func(o *outside, d *datasets.Dataset, s trainer.SessionSettings, reported float64, options ...models.NodesOption) []string {
		t.Helper()
		model, err1 := models.FromNodes(o.x, o.logits, o.learnables, options...)
		session, err2 := trainer.NewSession(model, d, s)
		ctx := t.Context()
		if err := errors.Join(err1, err2, begin(ctx, session)); err != nil {
			t.Fatal(err)
		}
		o.train(t) // the check goes by the parameters before the step
		if err := session.BatchEnd(ctx, 1, reported); err != nil {
			t.Fatal(err)
		}
		return session.State().Notes()
	}
	want := func(what string, got []string, parts ...string) {
		t.Helper()
		if len(got) != min(len(parts), 1) {
			t.Errorf("%s: notes %q", what, got)
			return
		}
		for _, part := range parts {
			if !strings.Contains(got[0], part) {
				t.Errorf("%s: note %q does not contain %q", what, got[0], part)
			}
		}
	}
	o, _, _ := build()
	want("the loss itself", notes(o, data(o), trainer.SessionSettings{}, logThree))
	o, _, _ = build()
	want("another loss", notes(o, data(o), trainer.SessionSettings{}, 1.0/3), "reports the loss 0.333333 ", "cross_entropy of the same samples is 1.09861", "models.WithCost")
	o, _, _ = build()
	want("a loss of ours", notes(o, data(o), trainer.SessionSettings{Loss: models.SquaredError}, 1.0/3))
	o, y, square := build()
	want("the cost", notes(o, data(o), trainer.SessionSettings{}, 1.0/3, models.WithCost(square, y)))
	o, y, square = build()
	want("a cost and another loss", notes(o, data(o), trainer.SessionSettings{Loss: models.CrossEntropy}, logThree, models.WithCost(square, y)),
		"the cost of the graph is 0.333333 on the split train", "cross_entropy that is measured 1.09861")
	o, y, square = build()
	want("a cost and its like", notes(o, data(o), trainer.SessionSettings{Loss: models.SquaredError}, 1.0/3, models.WithCost(square, y)))
	o, _, _ = build()
	other := data(o)
	for i := range other.Splits[0].X {
		other.Splits[0].X[i] /= 2
	}
	want("other data", notes(o, other, trainer.SessionSettings{}, logThree), "holds samples that are not in the training split")
}

// probabilistic is somebody's model whose logits are probabilities.
type probabilistic struct{ *models.MLP }

func (m probabilistic) Logits(x *G.Node, params G.Nodes) (*G.Node, error) {
	z, err := m.MLP.Logits(x, params)
	if err != nil {
		return nil, err
	}
	e := G.Must(G.Exp(z))
	return G.BroadcastHadamardDiv(e, G.Must(G.Sum(e, 1)), nil, []byte{1})
}

func TestProbabilitiesAreFoundWhenASessionBegins(t *testing.T) {
	data, err := datasets.Load(t.Context(), "gauss", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mlp, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{4}, Classes: 3}, trainer.Stream(1, "init", 0))
	if err != nil {
		t.Fatal(err)
	}
	session, err := trainer.NewSession(probabilistic{mlp}, data, trainer.SessionSettings{})
	if err != nil {
		t.Fatal(err)
	}
	err = session.Begin(t.Context())
	if err == nil || !strings.Contains(err.Error(), "they are probabilities") || !strings.Contains(err.Error(), "hand over the values before the softmax") {
		t.Errorf("error %v", err)
	}
}
