package callbacks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sort"
	"time"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// Spectrum measures, at the epochs of its schedule, the spectrum of the Hessian
// of the mean loss over a split, or over a fixed sample of it, in float64
// whatever the precision of training, unless Products says otherwise. Lanczos starts from the vectors of the
// previous measurement.
//
// With a budget and without Settings, a part of the budget is for quick
// measurements of λ₁ alone, by up to eight Hessian-vector products, and the end of the
// run is measured as well as what is left allows, or as about a second on one core does
// (trainer.State.Second) if that is more. Consumers get no quick
// measurement, and it is not stored. It records λ₁ where the residual is at most 5 %
// after four products or more; before, only a lower bound, which λ₁ is never below.
// If there are more samples than the budget pays for, it uses at least 512 of them,
// drawn once with the run's seed, and records a 95 % interval of λ₁ over all, by the
// jackknife over eight groups of them.
type Spectrum struct {
	// Schedule selects the epochs to measure at. If zero, it is DefaultSchedule.
	Schedule trainer.Schedule
	// Settings choose the eigenpairs, the method and the accuracy. The defaults
	// here are cheaper than those of package curvature: the C + 2 largest pairs,
	// with C the number of classes, no smallest pairs, and a Tolerance of 1e-2.
	// This tolerance suffices because the error of an eigenvalue is of the order
	// of the square of its residual. For a Complexity, which needs eigenvectors,
	// they are 12 pairs or more, to 1e-3, and up to 48 where the number of
	// directions is not known to 5 % and the Schedule's budget pays for them.
	Settings curvature.Settings
	// Matrix is the matrix that is measured; the Hessian if empty.
	Matrix analysis.Matrix
	// Products is the precision of the products that eigenpairs are searched with,
	// Float64 if zero. In Float32 a product takes about half the time and memory, the
	// method is Lanczos or density, and values and residuals are in the end computed in
	// float64, by one product for each pair. Measurements of λ₁ alone stay in float64.
	Products tensor.Dtype
	// Only names the parameters or layers whose curvature is measured; all if
	// empty.
	Only []string
	// Dir is the folder in which every measurement that is not quick is stored with
	// its vectors, as spectrum-EPOCH.npz; nothing is stored if it is empty.
	Dir string
	// Split is the name of the split; "train" if empty.
	Split string
	// Samples is the number of samples of the split that are used. They are drawn
	// once, with the run's seed. Zero means all.
	Samples int
	// Workers is the number of chunks of data that are computed in parallel; one
	// per CPU if zero.
	Workers int
	// Memory is how many bytes may be taken for what products at the same
	// parameters share, as in models.ObjectiveSettings; an eighth of the machine's
	// memory if zero.
	Memory int64

	// Objective creates the loss whose curvature is measured, which may be
	// computed on several machines; models.NewObjective if nil.
	Objective analysis.NewObjective

	run spectrumRun
}

// spectrumRun is the state of a Spectrum during one run.
type spectrumRun struct {
	place     durable.Place // that of Dir
	schedule  trainer.Schedule
	settings  curvature.Settings
	analyzer  *analysis.Analyzer
	plan      spectrumPlan
	quick     *quick // nil if there are no quick measurements
	consumers []SpectrumConsumer
	memory    spectrumMemory
}

var (
	_ trainer.Meter         = (*Spectrum)(nil)
	_ trainer.Scheduled     = (*Spectrum)(nil)
	_ trainer.TrainBeginner = (*Spectrum)(nil)
	_ trainer.EpochEnder    = (*Spectrum)(nil)
	_ trainer.RestoredMeter = (*Spectrum)(nil)
	_ trainer.Resetter      = (*Spectrum)(nil)
	_ trainer.Snapshotter   = (*Spectrum)(nil)
)

// Name implements trainer.Hook.
func (s *Spectrum) Name() string { return "spectrum" }

// Metrics implements trainer.Meter.
func (s *Spectrum) Metrics() []trainer.Metric {
	return []trainer.Metric{
		{Name: record.LambdaMax, Heading: "λ₁", Meaning: "largest eigenvalue λ₁ of the Hessian", Better: trainer.Lower},
		{Name: record.Low(record.LambdaMax), Meaning: "lower bound of λ₁; lower end of its 95 % interval where samples are drawn", Detail: true},
		{Name: record.High(record.LambdaMax), Meaning: "λ₁ with the error of its residual; upper end of its 95 % interval where samples are drawn", Detail: true},
		{Name: record.LambdaMin, Heading: "λmin", Meaning: "smallest eigenvalue of the Hessian", Detail: true},
		{Name: record.Outliers, Unit: "eigenvalues", Whole: true, Meaning: "eigenvalues above λ₁/10; C − 1 for a boundary as simple as can be", Better: trainer.Lower},
		{Name: "spectrum/outliers_gap", Whole: true, Meaning: "eigenvalues above the largest ratio of neighbours", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/outliers_edge", Whole: true, Meaning: "eigenvalues above the edge of the bulk, median + 6·MAD, where the bulk is known", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/outliers_resolved", Meaning: "1 if no error bar and no unknown eigenvalue can change spectrum/outliers, else 0", Better: trainer.Higher, Detail: true},
		{Name: "spectrum/edge_of_stability", Meaning: "η·λ₁/2: gradient descent is unstable above 1", Detail: true},
		{Name: "spectrum/gradient_share", Meaning: "share of ‖∇L‖² in the space of the C largest eigenvectors", Detail: true},
		{Name: "spectrum/overlap", Meaning: "overlap of the top eigenvectors' space with that of the measurement before, 0 to 1", Detail: true},
		{Name: "spectrum/continuity", Meaning: "|cosine| of the first eigenvector with the one before that it continues", Detail: true},
		{Name: record.Trace, Meaning: "trace of the Hessian, where it is computed", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/trace_error", Meaning: "error of spectrum/trace: a bound, or a standard error where it is sampled", Better: trainer.Lower, Detail: true},
		{Name: record.Low(record.Trace), Meaning: "lower end of the 95 % interval of the trace, or its lower bound where it is not sampled", Better: trainer.Lower, Detail: true},
		{Name: record.High(record.Trace), Meaning: "upper end of that interval, or upper bound", Better: trainer.Lower, Detail: true},
		{Name: record.Frobenius, Meaning: "‖H‖_F, where it is computed", Better: trainer.Lower, Detail: true},
		{Name: record.Low(record.Frobenius), Meaning: "lower end of the 95 % interval of ‖H‖_F, or its lower bound where it is not sampled", Better: trainer.Lower, Detail: true},
		{Name: record.High(record.Frobenius), Meaning: "upper end of that interval, or upper bound", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/resolved", Whole: true, Meaning: "eigenvalues with |λ| > 1e-10·λ₁, where all of them are computed", Detail: true},
		{Name: "spectrum/residual", Meaning: "largest residual ‖Hv − λv‖ of the pairs, relative to the largest |λ|", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/converged", Meaning: "1 if every residual met its tolerance, else 0", Better: trainer.Higher, Detail: true},
		{Name: record.SpectrumSamples, Whole: true, Meaning: "samples that the loss was measured on", Detail: true},
		{Name: "spectrum/pairs", Whole: true, Meaning: "eigenpairs that were searched; 1 if the measurement was quick", Better: trainer.Higher, Detail: true},
		{Name: "spectrum/hvps", Whole: true, Meaning: "Hessian-vector products of this measurement", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/hvps_saved", Whole: true, Meaning: "products fewer than the first measurement took, by starting from the vectors of the one before", Better: trainer.Higher, Detail: true},
		{Name: record.SpectrumSeconds, Unit: "s", Meaning: "time of this measurement", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/time_share", Meaning: "share of the run's time that the measurements have taken so far", Better: trainer.Lower, Detail: true},
	}
}

// resolves reports whether the settings request all resolvable pairs.
func (s *Spectrum) resolves() bool {
	return s.Settings.Resolved || s.Settings.Method == curvature.Dense || s.Settings.Method == curvature.Reduced
}

// DefaultSchedule returns the schedule of a Spectrum or a Margin that has none:
// 50 log-spaced epochs, as far as a tenth of the run's work allows.
func DefaultSchedule() trainer.Schedule { return trainer.Schedule{Log: 50, Budget: 0.1} }

// orDefault returns the schedule s, or DefaultSchedule if it is zero.
func orDefault(s trainer.Schedule) trainer.Schedule {
	if s.IsZero() {
		return DefaultSchedule()
	}
	return s
}

// Times implements trainer.Scheduled. The budget bounds how often anything but λ₁ is
// measured.
func (s *Spectrum) Times(state *trainer.State, metric string, from int) (most int, known bool) {
	most, known = orDefault(s.Schedule).Times(state, from)
	p := &s.run.plan
	if !p.quickly || state.PlannedWork() == 0 || metric == record.LambdaMax || metric == record.Low(record.LambdaMax) || metric == record.High(record.LambdaMax) {
		return most, known
	}
	paid := int(p.full.Budget * state.PlannedWork() / p.expected)
	if !known {
		return paid, true
	}
	return min(most, paid), true
}

// Subscribe makes s call c.Consume for every spectrum that it measures in this
// run. Call it when training begins. It returns an error if s is not a hook of
// the run.
func (s *Spectrum) Subscribe(state *trainer.State, c SpectrumConsumer) error {
	if s == nil {
		return &trainer.FieldError{Field: "Spectrum", Problem: "is nil; set it to the Spectrum among the hooks, whose eigenpairs it takes"}
	}
	if !slices.Contains(state.Hooks(), trainer.Hook(s)) {
		return errors.New("the Spectrum that it takes the eigenpairs from is not a hook of this run: add it to the hooks")
	}
	if !slices.Contains(s.run.consumers, c) {
		s.run.consumers = append(s.run.consumers, c)
	}
	return nil
}

// TrainBegin implements trainer.TrainBeginner.
func (s *Spectrum) TrainBegin(_ context.Context, state *trainer.State) error {
	r := &s.run
	r.schedule = orDefault(s.Schedule)
	if err := r.schedule.Validate(); err != nil {
		return trainer.Below("Schedule", err)
	}
	var err error
	if r.place, err = durable.PlaceOf(s.Dir); err != nil {
		return err
	}
	r.settings = s.Settings
	r.settings.Seed = state.Seed
	if r.settings.Tolerance == 0 {
		r.settings.Tolerance = 1e-2
	}
	if r.settings.Top == 0 {
		r.settings.Top = state.Model.Classes() + 2
		if state.Data.Classes == nil { // of a regression, whose outputs may be many
			r.settings.Top = min(r.settings.Top, 12)
		}
	}
	if r.settings.Bottom == 0 {
		r.settings.Bottom = -1
	}
	split, err := state.Data.Split(cmp.Or(s.Split, datasets.Train))
	if err != nil {
		return err
	}
	if split, err = split.Draw(s.Samples, state.Seed); err != nil {
		return err
	}
	if r.analyzer, err = analysis.New(analysis.Subject{
		Model: state.Model, Split: split, Loss: state.Loss, Matrix: s.Matrix, Objective: s.Objective,
		Settings: models.ObjectiveSettings{Precision: tensor.Float64, Workers: s.Workers, Memory: s.Memory, Only: s.Only},
		Products: s.Products,
	}); err != nil {
		return err
	}
	r.settings = r.analyzer.Solver(r.settings)
	if err := r.settings.Validate(r.analyzer.Loss().Dim()); err != nil {
		return err
	}
	s.newPlan(state)
	if r.plan.quickly {
		r.quick, err = newQuick(r.analyzer, r.plan.samples, state.Seed)
	}
	s.tell(state)
	return err
}

// EpochEnd implements trainer.EpochEnder.
func (s *Spectrum) EpochEnd(ctx context.Context, state *trainer.State) error {
	m := &s.run.memory
	full, quick := m.Pace, m.Quick
	var err error
	switch s.due(state) {
	case allPairs:
		err = s.measure(ctx, state)
	case lambdaAlone:
		err = s.measureQuickly(ctx, state)
	}
	if err != nil {
		m.Pace, m.Quick = full, quick // EpochEnd is called again when the run is resumed
	}
	return err
}

// MeasureRestored implements trainer.RestoredMeter.
func (s *Spectrum) MeasureRestored(ctx context.Context, state *trainer.State) error {
	s.run.memory.Pace.Refund(state)
	s.run.memory.Quick.Refund(state)
	return s.EpochEnd(ctx, state)
}

// extent is what is measured at an epoch.
type extent int

const (
	nothing extent = iota
	lambdaAlone
	allPairs
)

// due returns what to measure at the end of the current epoch. The epoch may
// already have been measured before a hook stopped the run.
func (s *Spectrum) due(state *trainer.State) extent {
	m, p := &s.run.memory, &s.run.plan
	if m.Pace.Times > 0 && m.Pace.Epoch == state.Epoch {
		return nothing
	}
	all := m.Pace.Due(p.full, state, s.expected())
	measured := m.Quick.Times > 0 && m.Quick.Epoch == state.Epoch
	one := p.quickly && m.Quick.Due(p.quick, state, quickWork(p.products, s.run.quick.samples())) && !measured
	if state.Final() && all && p.quickly {
		all = s.expected() <= s.left(state)
		one = !measured
	} else if p.poor {
		return nothing
	}
	switch {
	case all:
		return allPairs
	case one:
		return lambdaAlone
	}
	return nothing
}

// expected returns what the next measurement of all pairs is likely to cost.
func (s *Spectrum) expected() float64 {
	if s.run.memory.Pace.Times > 0 {
		return s.run.memory.Pace.Last
	}
	return s.run.plan.expected
}

// left returns the work that the budget still pays for.
func (s *Spectrum) left(state *trainer.State) float64 {
	return withFloor(state, s.run.memory.Pace.Left(s.run.schedule, state)-s.run.memory.Quick.Spent, spectrumFloor)
}

// measureQuickly measures λ₁ alone.
func (s *Spectrum) measureQuickly(ctx context.Context, state *trainer.State) error {
	r := &s.run
	start := time.Now()
	if err := r.quick.refresh(); err != nil {
		return err
	}
	samples, products := r.quick.samples(), r.plan.products
	trusted := max(quickTrusted, quickFirst-r.memory.Products)
	if state.Final() {
		for products = 1; products < quickMost && quickWork(products+1, samples) <= s.left(state); {
			products++
		}
		if r.plan.poor {
			products = max(products, trusted)
		}
	}
	found, err := r.quick.measure(ctx, r.memory.Start, trusted, products, state.Seed)
	if err != nil {
		return err
	}
	r.memory.Start = found.next
	r.memory.Products += found.products
	r.memory.Quick.Done(state, quickWork(found.products, samples))
	return s.record(state, start, append(found.readings(state.LearningRate),
		reading{record.SpectrumSamples, float64(samples)},
		reading{"spectrum/pairs", 1},
		reading{"spectrum/hvps", float64(found.products)}))
}

// record records readings, and the time since the start of the measurement.
func (s *Spectrum) record(state *trainer.State, start time.Time, readings []reading) error {
	took := time.Since(start).Seconds()
	s.run.memory.Seconds += took
	readings = append(readings, reading{record.SpectrumSeconds, took})
	if elapsed := state.Elapsed().Seconds(); elapsed > 0 {
		readings = append(readings, reading{"spectrum/time_share", s.run.memory.Seconds / elapsed})
	}
	return recordAll(state, readings)
}

func (s *Spectrum) measure(ctx context.Context, state *trainer.State) error {
	r := &s.run
	start := time.Now()
	if err := r.analyzer.Refresh(); err != nil {
		return err
	}
	settings := r.settings
	settings.Start = r.memory.vectors()
	if s.adaptive() {
		settings.Top = max(settings.Top, minPairs, r.memory.Top) // as many as it took before
		settings.Tolerance = cmp.Or(s.Settings.Tolerance, 1e-3)
	}
	m, err := s.solve(ctx, settings, state)
	if err != nil {
		return err
	}
	tracking, err := r.memory.match(m.Spectrum)
	if err != nil {
		return err
	}
	readings, err := spectrumReadings(ctx, m, r.analyzer.Loss(), &r.memory, tracking, state)
	if err != nil {
		return err
	}
	arrays := m.SpectrumArrays()
	for _, c := range r.consumers {
		more, err := c.Consume(ctx, m, state)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name(), err)
		}
		arrays = append(arrays, more...)
	}
	if err := s.store(arrays, tracking, state); err != nil {
		return err
	}
	s.remember(m.Spectrum, state)
	return s.record(state, start, readings)
}

// adaptive tells whether the number of pairs is chosen by what a Complexity
// learns from them.
func (s *Spectrum) adaptive() bool { return s.Settings.Top == 0 && s.run.plan.complexity }

// At least minPairs are found: on 108 trained networks they told the number of
// directions to 5 % in 77. The number grows to at most maxPairs, and as long as the solver takes
// at most maxBytes.
const (
	minPairs = 12
	maxPairs = 48
	maxBytes = 1 << 29
)

// solve finds eigenpairs, and twice as many as long as they do not tell enough and
// a budget pays for it. Without a budget that is done at the last epoch only: how
// often to measure is then the user's choice, and early in training many pairs are
// costly and still tell little.
func (s *Spectrum) solve(ctx context.Context, settings curvature.Settings, state *trainer.State) (*analysis.Measurement, error) {
	r := &s.run
	left := s.left(state)
	if !state.Final() {
		left = r.memory.Pace.Left(r.plan.full, state)
		if state.Epochs > 0 { // half of the rest is for the last epoch
			left = math.Min(left, (r.plan.full.Budget*state.PlannedWork()-r.memory.Pace.Spent)/2)
		}
	}
	spent := 0
	for {
		m, err := r.analyzer.Measure(ctx, s.limited(settings, spent, left))
		if err != nil {
			return nil, err
		}
		m.Spectrum.Applications += spent
		grows := s.adaptive() && (r.schedule.Budget > 0 || state.Final())
		if !grows || m.Spectrum.Resolved.Complete || settings.Top >= min(maxPairs, m.Spectrum.Dim/2) {
			return m, nil
		}
		directions, err := m.Directions(ctx)
		if err != nil || directions == nil || directions.All.Within(certain) {
			return m, err
		}
		more := settings
		more.Top = min(2*settings.Top, maxPairs, m.Spectrum.Dim/2)
		bytes, err := more.Memory(m.Spectrum.Dim, m.Spectrum.Dim, 0)
		if err != nil || bytes > maxBytes || 3*s.cost(m.Spectrum) > left {
			return m, nil // err: a solver from outside, whose memory is not known
		}
		settings, spent = more, m.Spectrum.Applications
		settings.Start = m.Spectrum.Vectors()
	}
}

// limited returns settings by which Lanczos takes no more products than the work
// left pays for, besides those that are spent, but enough for a first approximation.
func (s *Spectrum) limited(settings curvature.Settings, spent int, left float64) curvature.Settings {
	if !s.run.plan.quickly || s.run.plan.method != curvature.Lanczos {
		return settings
	}
	pairs := settings.Top + max(settings.Bottom, 0)
	most := max(300, 40*pairs)
	samples := s.run.analyzer.Loss().Samples()
	n := sort.Search(most, func(n int) bool { return s.work(curvature.Lanczos, spent+n+1, samples, pairs) > left })
	if n < most {
		settings.MaxApplications = max(n, pairs)
	}
	return settings
}

// cost returns the work that a measurement of all pairs took.
func (s *Spectrum) cost(found *curvature.Spectrum) float64 {
	return s.work(found.Method, found.Applications, s.run.analyzer.Loss().Samples(), len(found.Top.Values)+len(found.Bottom.Values))
}

// store writes the arrays, but not those of parameters that were put back: its files
// are of one course of training, each of whose eigenvectors continue those before.
func (s *Spectrum) store(arrays []weights.Array, tracking *curvature.Tracking, state *trainer.State) error {
	if _, restored := state.Restored(); restored || s.Dir == "" {
		return nil
	}
	if err := s.run.place.Make(); err != nil {
		return err
	}
	if tracking != nil {
		continues := weights.Array{Name: "top_continues", Shape: []int{len(tracking.Of)}}
		for _, row := range tracking.Of {
			continues.Data = append(continues.Data, float64(row))
		}
		arrays = append(arrays, continues)
	}
	return weights.Write(filepath.Join(s.Dir, record.SpectrumFile(state.Epoch)), arrays)
}

func (s *Spectrum) remember(found *curvature.Spectrum, state *trainer.State) {
	m := &s.run.memory
	m.Pace.Done(state, s.cost(found))
	m.Quick.Waiting, m.Quick.Epoch = false, state.Epoch
	if m.Cold == 0 {
		m.Cold = found.Applications
	}
	if v := found.Vectors(); v != nil {
		m.Rows, m.Columns = v.Dims()
		m.Vectors, m.Top = v.RawMatrix().Data, len(found.Top.Values)
	}
}

// Snapshot implements trainer.Snapshotter.
func (s *Spectrum) Snapshot() ([]byte, error) { return trainer.EncodeState(s.run.memory) }

// Restore implements trainer.Snapshotter.
func (s *Spectrum) Restore(data []byte) error {
	var m spectrumMemory
	if err := trainer.DecodeState(data, &m); err != nil {
		return err
	}
	if err := m.validate(); err != nil {
		return err
	}
	s.run.memory = m
	return nil
}

// Reset implements trainer.Resetter.
func (s *Spectrum) Reset() { s.run = spectrumRun{} }
