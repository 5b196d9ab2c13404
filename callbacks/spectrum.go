package callbacks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// Spectrum measures, at the epochs of its schedule, the spectrum of the Hessian
// of the mean loss over a split, or over a fixed sample of it, in float64
// whatever the precision of training. Lanczos starts from the vectors of the
// previous measurement.
type Spectrum struct {
	// Schedule selects the epochs to measure at. If zero, it is DefaultSchedule.
	Schedule trainer.Schedule
	// Settings choose the eigenpairs, the method and the accuracy. The defaults
	// here are cheaper than those of package curvature: the C + 2 largest pairs,
	// with C the number of classes, no smallest pairs, and a Tolerance of 1e-2.
	// This tolerance suffices because the error of an eigenvalue is of the order
	// of the square of its residual. For a Complexity, which needs eigenvectors,
	// they are 12 pairs or more, to 1e-3, and up to 48 where the number of
	// directions is not known to 5 % and the Schedule's budget pays for them. With
	// a budget the untrained network is measured by the cheap defaults.
	Settings curvature.Settings
	// Matrix is the matrix that is measured; the Hessian if empty.
	Matrix analysis.Matrix
	// Only names the parameters or layers whose curvature is measured; all if
	// empty.
	Only []string
	// Dir is the folder in which every measurement is stored with its vectors, as
	// spectrum-EPOCH.npz; nothing is stored if it is empty.
	Dir string
	// Split is the name of the split; "train" if empty.
	Split string
	// Samples is the number of samples of the split that are used. They are drawn
	// once, with the run's seed. Zero means all.
	Samples int
	// Workers is the number of chunks of data that are computed in parallel; one
	// per CPU if zero.
	Workers int

	// Objective creates the loss whose curvature is measured, which may be
	// computed on several machines; models.NewObjective if nil.
	Objective analysis.NewObjective

	run spectrumRun
}

// spectrumRun is the state of a Spectrum during one run.
type spectrumRun struct {
	schedule  trainer.Schedule
	settings  curvature.Settings
	analyzer  *analysis.Analyzer
	consumers []SpectrumConsumer
	memory    spectrumMemory
}

var (
	_ trainer.Meter         = (*Spectrum)(nil)
	_ trainer.Scheduled     = (*Spectrum)(nil)
	_ trainer.TrainBeginner = (*Spectrum)(nil)
	_ trainer.EpochEnder    = (*Spectrum)(nil)
	_ trainer.Resetter      = (*Spectrum)(nil)
	_ trainer.Snapshotter   = (*Spectrum)(nil)
)

// Name implements trainer.Hook.
func (s *Spectrum) Name() string { return "spectrum" }

// Metrics implements trainer.Meter.
func (s *Spectrum) Metrics() []trainer.Metric {
	return []trainer.Metric{
		{Name: record.LambdaMax, Heading: "λ₁", Meaning: "largest eigenvalue λ₁ of the Hessian", Better: trainer.Lower},
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
		{Name: "spectrum/hvps", Whole: true, Meaning: "Hessian-vector products of this measurement", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/hvps_saved", Whole: true, Meaning: "products fewer than the first measurement took, by starting from the vectors of the one before", Better: trainer.Higher, Detail: true},
		{Name: "spectrum/seconds", Unit: "s", Meaning: "time of this measurement", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/time_share", Meaning: "share of the run's time that the measurements have taken so far", Better: trainer.Lower, Detail: true},
	}
}

// resolves reports whether the settings request all resolvable pairs.
func (s *Spectrum) resolves() bool {
	return s.Settings.Resolved || s.Settings.Method == curvature.Dense || s.Settings.Method == curvature.Reduced
}

// DefaultSchedule returns the schedule of a Spectrum or a Margin that has none:
// 20 log-spaced epochs, as far as a tenth of the run's work allows.
func DefaultSchedule() trainer.Schedule { return trainer.Schedule{Log: 20, Budget: 0.1} }

// orDefault returns the schedule s, or DefaultSchedule if it is zero.
func orDefault(s trainer.Schedule) trainer.Schedule {
	if s.IsZero() {
		return DefaultSchedule()
	}
	return s
}

// Times implements trainer.Scheduled.
func (s *Spectrum) Times(state *trainer.State, _ string, from int) (most int, known bool) {
	return orDefault(s.Schedule).Times(state, from)
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
		Settings: models.ObjectiveSettings{Precision: tensor.Float64, Workers: s.Workers, Only: s.Only},
	}); err != nil {
		return err
	}
	return r.settings.Validate(r.analyzer.Loss().Dim())
}

// EpochEnd implements trainer.EpochEnder.
func (s *Spectrum) EpochEnd(ctx context.Context, state *trainer.State) error {
	if _, measured := state.Fresh("spectrum/seconds"); measured {
		return nil
	}
	before := s.run.memory.Pace
	if !s.run.memory.Pace.Due(s.run.schedule, state) {
		return nil
	}
	if err := s.measure(ctx, state); err != nil {
		s.run.memory.Pace = before // EpochEnd is called again when the run is resumed
		return err
	}
	return nil
}

func (s *Spectrum) measure(ctx context.Context, state *trainer.State) error {
	r := &s.run
	start := time.Now()
	if err := r.analyzer.Refresh(); err != nil {
		return err
	}
	settings := r.settings
	settings.Start = r.memory.vectors()
	if untrained := state.Work() == 0 && r.schedule.Budget > 0; s.adaptive() && !untrained {
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
	arrays := m.Spectrum.Arrays()
	for _, c := range r.consumers {
		more, err := c.Consume(ctx, m, state)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name(), err)
		}
		arrays = append(arrays, more...)
	}
	if err := s.store(arrays, tracking, state.Epoch); err != nil {
		return err
	}
	took := time.Since(start).Seconds()
	s.remember(m.Spectrum, state, took)
	readings = append(readings, reading{"spectrum/seconds", took})
	if elapsed := state.Elapsed().Seconds(); elapsed > 0 {
		readings = append(readings, reading{"spectrum/time_share", r.memory.Seconds / elapsed})
	}
	return recordAll(state, readings)
}

// adaptive tells whether the number of pairs is chosen by what a Complexity
// learns from them.
func (s *Spectrum) adaptive() bool {
	return s.Settings.Top == 0 && slices.ContainsFunc(s.run.consumers, func(c SpectrumConsumer) bool {
		_, is := c.(*Complexity)
		return is
	})
}

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
	spent := 0
	for {
		m, err := r.analyzer.Measure(ctx, settings)
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
		if err != nil || bytes > maxBytes || !r.memory.Pace.Affords(r.schedule, state, 3*s.work(m.Spectrum.Applications)) {
			return m, nil // err: a solver from outside, whose memory is not known
		}
		settings, spent = more, m.Spectrum.Applications
		settings.Start = m.Spectrum.Vectors()
	}
}

func (s *Spectrum) store(arrays []weights.Array, tracking *curvature.Tracking, epoch int) error {
	if s.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return err
	}
	if tracking != nil {
		continues := weights.Array{Name: "top_continues", Shape: []int{len(tracking.Of)}}
		for _, row := range tracking.Of {
			continues.Data = append(continues.Data, float64(row))
		}
		arrays = append(arrays, continues)
	}
	return weights.Write(filepath.Join(s.Dir, record.SpectrumFile(epoch)), arrays)
}

// productWork is the cost of a Hessian-vector product per sample, in gradients of
// one sample. The second differentiation goes through a graph that is about twice
// as large; the rest is for the solver's own arithmetic, the alignments and the
// writing of the results.
const productWork = 3.5

// work is the cost of so many Hessian-vector products, in gradients of one sample.
func (s *Spectrum) work(products int) float64 {
	return productWork * float64(products*s.run.analyzer.Loss().Samples())
}

func (s *Spectrum) remember(found *curvature.Spectrum, state *trainer.State, seconds float64) {
	m := &s.run.memory
	m.Seconds += seconds
	m.Pace.Done(state, s.work(found.Applications))
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
