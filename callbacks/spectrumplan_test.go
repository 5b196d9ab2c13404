package callbacks

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// planned is the loss ½ θᵀHθ of known matrices, one of each sample.
type planned struct {
	matrices []*mat.SymDense
	products int
}

func (o *planned) Dim() int       { return o.matrices[0].SymmetricDim() }
func (o *planned) Samples() int   { return len(o.matrices) }
func (o *planned) Refresh() error { return nil }
func (o *planned) Evaluate(context.Context) (models.Evaluation, error) {
	return models.Evaluation{}, nil
}

func (o *planned) Gradient(_ context.Context, dst []float64) (float64, error) {
	for i := range dst {
		dst[i] = 1
	}
	return 1, nil
}

func (o *planned) HessianProducts(_ context.Context, dst, src *mat.Dense) error {
	o.products++
	dst.Mul(src, mean(o.matrices))
	return nil
}

func (o *planned) GaussNewtonProducts(ctx context.Context, dst, src *mat.Dense) error {
	return o.HessianProducts(ctx, dst, src)
}

var _ analysis.Objective = (*planned)(nil)

func diagonalMatrix(values ...float64) *mat.SymDense {
	m := mat.NewSymDense(len(values), nil)
	for i, v := range values {
		m.SetSym(i, i, v)
	}
	return m
}

func TestQuickMeasuresTheLargestEigenvalue(t *testing.T) {
	q := &quick{groups: []analysis.Objective{&planned{matrices: []*mat.SymDense{diagonalMatrix(10, 1, -3, 0.5, 0.1, 0)}}}, drawn: 1}
	var start []float64
	value := math.Inf(-1)
	for i := range 6 { // one product each, as power iteration
		found, err := q.measure(t.Context(), start, quickTrusted, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		if found.low > 10+1e-12 || found.low < value || !math.IsInf(found.high, 1) {
			t.Errorf("measurement %d: %+v after %g; want a rising lower bound of 10, and no upper one", i, found, value)
		}
		start, value = found.next, found.low
	}
	found, err := q.measure(t.Context(), start, quickTrusted, quickMost, 1)
	if err != nil {
		t.Fatal(err)
	}
	if found.products != quickTrusted || math.Abs(found.value-10) > 1e-9 || found.low != found.value || !(found.high >= 10-1e-12) || found.residual > 1e-3 {
		t.Errorf("%+v; want 10 after %d products", found, quickTrusted)
	}
}

// The residual is that of the pair.
func TestQuickResidual(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 30
	h := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			h.SetSym(i, j, rng.NormFloat64())
		}
	}
	q := &quick{groups: []analysis.Objective{&planned{matrices: []*mat.SymDense{h}}}, drawn: 1}
	for most := 1; most <= quickMost; most++ {
		found, err := q.measure(t.Context(), nil, quickTrusted, most, 1)
		if err != nil {
			t.Fatal(err)
		}
		_, s := top(mean(q.projections))
		v := mat.NewVecDense(n, nil)
		for i, c := range s {
			v.AddScaledVec(v, c, mat.NewVecDense(n, q.basis[i]))
		}
		var r mat.VecDense
		r.MulVec(h, v)
		r.AddScaledVec(&r, -found.value, v)
		if got := mat.Norm(&r, 2); math.Abs(got-found.residual) > 1e-10 {
			t.Errorf("%d products: residual %g; is %g", most, found.residual, got)
		}
	}
}

// The interval from drawn samples holds λ₁ of all in 95 % of the cases, as far as
// the jackknife can tell from eight groups.
func TestQuickIntervalCovers(t *testing.T) {
	const population, drawn, times = 800, 200, 300
	rng := rand.New(rand.NewPCG(3, 4))
	all := make([]*mat.SymDense, population)
	for i := range all {
		all[i] = mat.NewSymDense(4, nil)
		for range 2 { // of rank two, with heavy tails
			x := mat.NewVecDense(4, []float64{2 * rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64(), 0.3 * rng.NormFloat64()})
			all[i].SymRankOne(all[i], rng.ExpFloat64(), x)
		}
	}
	truth, _ := top(mean(all))
	covered := 0
	for range times {
		q := &quick{drawn: float64(drawn) / population}
		rows := rng.Perm(population)[:drawn]
		for group := range slices.Chunk(rows, drawn/quickGroups) {
			o := new(planned)
			for _, row := range group {
				o.matrices = append(o.matrices, all[row])
			}
			q.groups = append(q.groups, o)
		}
		found, err := q.measure(t.Context(), nil, quickTrusted, quickMost, 1)
		if err != nil {
			t.Fatal(err)
		}
		if found.low <= truth && truth <= found.high {
			covered++
		}
	}
	if share := float64(covered) / times; share < 0.92 || share > 0.98 { // 2.4 standard errors
		t.Errorf("%d of %d intervals hold %g", covered, times, truth)
	}
}

// lossy has the gauss set, its training split repeated.
func lossy(t *testing.T, repeats int) *datasets.Dataset {
	t.Helper()
	data, err := datasets.Load(t.Context(), "gauss", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	train := &data.Splits[0]
	x, labels, index := train.X, train.Labels, train.Index
	for range repeats - 1 {
		train.X, train.Labels, train.Index = append(train.X, x...), append(train.Labels, labels...), append(train.Index, index...)
	}
	return data
}

// The default costs at most a tenth of the work before the run ends, whenever that is,
// and measures at least ten times in 200 epochs or more. At the end it costs no more than
// is left or the floor, and finds all pairs if these pay for them.
func TestSpectrumKeepsItsBudget(t *testing.T) {
	for _, test := range []struct {
		epochs, stop, repeats int
		points, numbers       int     // at least
		share                 float64 // of the work, at most
	}{
		{epochs: 200, repeats: 1, points: 11, numbers: 1, share: 0.1},
		{epochs: 450, repeats: 1, points: 11, numbers: 1, share: 0.1},
		{epochs: 1000, repeats: 1, points: 11, numbers: 8, share: 0.1},
		{epochs: 1000, stop: 300, repeats: 1, points: 4, numbers: 1, share: 0.14}, // the advance is a third of what is earned
		{epochs: 5, repeats: 100, points: 2, share: 0.1},                          // of 15,000 samples, 512 or more are drawn
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			model, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{30, 20}, Classes: 3}, trainer.Stream(1, "init", 0))
			if err != nil {
				t.Fatal(err)
			}
			hook := &Spectrum{}
			seen := &seenLambda{stop: test.stop}
			tr, err := trainer.New(trainer.Config{Epochs: test.epochs, BatchSize: 64, Rate: trainer.Rate{Base: 0.05}}, model, lossy(t, test.repeats), hook, seen)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tr.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			m := hook.run.memory
			share := (m.Pace.Spent + m.Quick.Spent - m.Pace.Last) / tr.State().Work()
			if most := spectrumFloor * tr.State().Second(); m.Pace.Epoch != tr.State().Epoch || m.Pace.Last > most || most < 1e6 {
				t.Errorf("all pairs at epoch %d for %g of %g; want the last epoch", m.Pace.Epoch, m.Pace.Last, most)
			}
			if share > test.share || seen.points < test.points || seen.numbers < test.numbers {
				t.Errorf("share %.3f of the work for %d points, %d with a number; want at most %g, for %d and %d", share, seen.points, seen.numbers, test.share, test.points, test.numbers)
			}
			if tr.State().PlannedWork() != tr.State().Work() && test.stop == 0 {
				t.Errorf("%g of work planned, %g done", tr.State().PlannedWork(), tr.State().Work())
			}
		})
	}
}

// wide has a training of the repeated gauss set, whose hooks have much work.
func wide(t *testing.T, epochs, repeats int, hidden []int, hooks ...trainer.Hook) *trainer.Trainer {
	t.Helper()
	model, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: hidden, Classes: 3}, trainer.Stream(1, "init", 0))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := trainer.New(trainer.Config{Epochs: epochs, BatchSize: 64, Rate: trainer.Rate{Base: 0.05}}, model, lossy(t, repeats), hooks...)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// What neither the budget nor the floor pays for is told before the run begins, with
// what would fit.
func TestSpectrumTellsWhatItCannotPay(t *testing.T) {
	for _, test := range []struct {
		epochs, repeats int
		want            string
	}{
		{1, 100, "does not pay for a measurement of λ₁"},
		{20, 100, "pays for λ₁ alone"},
		{2000, 100, ""},
		{1, 1, ""}, // the floor pays
	} {
		hook := &Spectrum{}
		state := wide(t, test.epochs, test.repeats, []int{300, 300}, hook).State()
		if err := hook.TrainBegin(t.Context(), state); err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(state.Notes(), ""); !strings.Contains(text, test.want) || (text == "") != (test.want == "") || test.want != "" && !strings.Contains(text, " epochs, ") {
			t.Errorf("%d epochs: told %q; want %q with the epochs that would fit", test.epochs, text, test.want)
		}
	}
}

// At the end, distances are measured of as many samples as the floor pays for: of the
// others nothing is known, so the margin is an interval from 0.
func TestMarginOfSomeSamples(t *testing.T) {
	hook := &Margin{}
	tr := wide(t, 4, 3, []int{100, 100}, hook)
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	state := tr.State()
	value := func(metric string) float64 {
		v, ok := state.Fresh(metric)
		if !ok {
			t.Errorf("%s is not measured", metric)
		}
		return v
	}
	n, most := value(record.MarginSamples), marginFloor*state.Second()/distanceWork
	if !(n > fewest && n <= most && n > most-2) {
		t.Errorf("distances of %g samples; want %g", n, most)
	}
	low, high := value(record.Low(record.Margin)), value(record.High(record.Margin))
	medianLow, medianHigh := value(record.Low(record.MarginMedian)), value(record.High(record.MarginMedian))
	if _, whole := state.Fresh(record.Margin); whole || low != 0 || !(high > 0 && high <= medianLow && medianLow < medianHigh) {
		t.Errorf("margin %g to %g, as a number %t, median %g to %g", low, high, whole, medianLow, medianHigh)
	}
	if notes := strings.Join(state.Notes(), ""); !strings.Contains(notes, fmt.Sprintf("of about %g of 450 samples", n)) {
		t.Errorf("told %q; want that not all can be paid", notes)
	}
}

// seenLambda counts the epochs at which λ₁ is measured, and stops the run.
type seenLambda struct{ points, numbers, stop int }

func (*seenLambda) Name() string         { return "seen" }
func (*seenLambda) Phase() trainer.Phase { return trainer.Decide }
func (n *seenLambda) EpochEnd(_ context.Context, s *trainer.State) error {
	if _, ok := s.Fresh(record.Low(record.LambdaMax)); ok {
		n.points++
	}
	if _, ok := s.Fresh(record.LambdaMax); ok {
		n.numbers++
	}
	if s.Epoch == n.stop && n.stop > 0 {
		s.RequestStop(trainer.Stop{Reason: trainer.Requested})
	}
	return nil
}

// λ₁ is at least the Ritz value, and at most a residual above it; where that is much,
// the upper end is not known.
func TestEndReading(t *testing.T) {
	for _, test := range []struct {
		metric          string
		value, residual float64
		want            []reading
	}{
		{record.LambdaMax, 10, 0.1, []reading{{record.Low(record.LambdaMax), 10}, {record.High(record.LambdaMax), 10.1}, {record.LambdaMax, 10}}},
		{record.LambdaMax, 10, 1, []reading{{record.Low(record.LambdaMax), 10}}},
		{"spectrum/lambda_min", -1, 1, []reading{{"spectrum/lambda_min", -1}}},
	} {
		if got := endReading(test.metric, test.value, test.residual); !slices.Equal(got, test.want) {
			t.Errorf("%v ± %v: %+v, want %+v", test.value, test.residual, got, test.want)
		}
	}
}
