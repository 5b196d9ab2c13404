package callbacks

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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

// The default costs at most a tenth of the work, whenever the run ends, and
// measures at least ten times in 200 epochs or more.
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
			share := (m.Pace.Spent + m.Quick.Spent) / tr.State().Work()
			if share > test.share || seen.points < test.points || seen.numbers < test.numbers {
				t.Errorf("share %.3f of the work for %d points, %d with a number; want at most %g, for %d and %d", share, seen.points, seen.numbers, test.share, test.points, test.numbers)
			}
			if tr.State().PlannedWork() != tr.State().Work() && test.stop == 0 {
				t.Errorf("%g of work planned, %g done", tr.State().PlannedWork(), tr.State().Work())
			}
		})
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
