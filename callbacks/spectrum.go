package callbacks

import (
	"bytes"
	"context"
	"encoding/gob"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// Spectrum measures the Hessian's spectrum at the epochs of its schedule: of
// the mean loss over a whole split, or a fixed part of it, in float64 whatever
// the training's precision. Lanczos starts from the vectors of the measurement
// before.
type Spectrum struct {
	// Schedule is when to measure. If zero, that is at 20 epochs, log-spaced,
	// as far as a tenth of the run's work pays for them.
	Schedule trainer.Schedule
	// Settings say which pairs, by which method and how well. Their defaults
	// here are cheaper than the solver's own: C + 2 largest pairs and no
	// smallest, to a Tolerance of 1e-2, since an eigenvalue's error is of the
	// order of the residual's square.
	Settings curvature.Settings
	// Matrix is the Hessian, or the Gauss-Newton matrix.
	Matrix Matrix
	// Only names the parameters or layers whose curvature is measured; all if
	// empty.
	Only []string
	// Dir is the folder that every measurement is stored in, with its vectors,
	// as spectrum-EPOCH.npz; nothing is stored if empty.
	Dir string
	// Split is the data; "train" if empty.
	Split string
	// Samples is how many of them are measured on, drawn once by the run's
	// seed; all if zero.
	Samples int
	// Workers compute chunks of data at once; one a CPU if zero.
	Workers int

	split      *datasets.Split
	objective  *models.Objective
	gradients  *boundary.Reinforcing // nil before they are needed
	complexity *Complexity           // nil if it is not measured
	tracking   *curvature.Tracking   // of the present measurement; nil at the first
	memory     spectrumMemory
}

// Matrix is a curvature matrix.
type Matrix string

// The matrices.
const (
	Hessian     Matrix = "hessian" // the default
	GaussNewton Matrix = "gauss_newton"
)

// spectrumMemory is what a Spectrum carries from one measurement to the next.
type spectrumMemory struct {
	Rows, Columns int
	Vectors       []float64 // of the last measurement, one a row
	Top           int       // rows that belong to the largest eigenvalues
	Seconds       float64   // time of all measurements
	Cold          int       // Hessian-vector products of the first measurement
	Pace          trainer.Pace
}

var (
	_ trainer.Meter         = (*Spectrum)(nil)
	_ trainer.Scheduled     = (*Spectrum)(nil)
	_ trainer.TrainBeginner = (*Spectrum)(nil)
	_ trainer.EpochEnder    = (*Spectrum)(nil)
	_ trainer.Snapshotter   = (*Spectrum)(nil)
)

// Name implements trainer.Hook.
func (s *Spectrum) Name() string { return "spectrum" }

// Metrics implements trainer.Meter.
func (s *Spectrum) Metrics() []trainer.Metric {
	return []trainer.Metric{
		{Name: "spectrum/lambda_max", Meaning: "largest eigenvalue λ₁ of the Hessian", Better: trainer.Lower},
		{Name: "spectrum/lambda_min", Meaning: "smallest eigenvalue of the Hessian", Detail: true},
		{Name: "spectrum/outliers", Unit: "eigenvalues", Meaning: "eigenvalues above λ₁/10; C − 1 for a boundary as simple as can be", Better: trainer.Lower},
		{Name: "spectrum/outliers_gap", Meaning: "eigenvalues above the largest ratio of neighbours", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/outliers_edge", Meaning: "eigenvalues above the edge of the bulk, median + 6·MAD, where the bulk is known", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/outliers_resolved", Meaning: "1 if no error bar and no unknown eigenvalue can change spectrum/outliers, else 0", Better: trainer.Higher, Detail: true},
		{Name: "spectrum/edge_of_stability", Meaning: "η·λ₁/2: gradient descent is unstable above 1", Detail: true},
		{Name: "spectrum/gradient_share", Meaning: "share of ‖∇L‖² in the space of the C largest eigenvectors", Detail: true},
		{Name: "spectrum/overlap", Meaning: "overlap of the top eigenvectors' space with that of the measurement before, 0 to 1", Detail: true},
		{Name: "spectrum/continuity", Meaning: "|cosine| of the first eigenvector with the one before that it continues", Detail: true},
		{Name: "spectrum/trace", Meaning: "trace of the Hessian, where it is computed", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/trace_error", Meaning: "error of spectrum/trace: a bound, or a standard error where it is sampled", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/frobenius", Meaning: "‖H‖_F, where it is computed", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/resolved", Meaning: "eigenvalues with |λ| > 1e-10·λ₁, where all of them are computed", Detail: true},
		{Name: "spectrum/residual", Meaning: "largest residual ‖Hv − λv‖ of the pairs, relative to the largest |λ|", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/converged", Meaning: "1 if every residual met its tolerance, else 0", Better: trainer.Higher, Detail: true},
		{Name: "spectrum/samples", Meaning: "samples that the loss was measured on", Detail: true},
		{Name: "spectrum/hvps", Meaning: "Hessian-vector products of this measurement", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/hvps_saved", Meaning: "products fewer than the first measurement took, by starting from the vectors of the one before", Better: trainer.Higher, Detail: true},
		{Name: "spectrum/seconds", Unit: "s", Meaning: "time of this measurement", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/time_share", Meaning: "share of the run's time that the measurements have taken so far", Better: trainer.Lower, Detail: true},
	}
}

// resolves tells whether all resolvable pairs are asked for.
func (s *Spectrum) resolves() bool {
	return s.Settings.Resolved || s.Settings.Method == curvature.Dense || s.Settings.Method == curvature.Reduced
}

// DefaultSchedule is when a Spectrum and a Margin measure that have no schedule:
// at 20 epochs, log-spaced, as far as a tenth of the run's work pays for them.
func DefaultSchedule() trainer.Schedule { return trainer.Schedule{Log: 20, Budget: 0.1} }

// orDefault is the schedule of a hook that measures.
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

// TrainBegin implements trainer.TrainBeginner.
func (s *Spectrum) TrainBegin(_ context.Context, state *trainer.State) error {
	s.Schedule = orDefault(s.Schedule)
	if err := s.Schedule.Validate(); err != nil {
		return trainer.Below("Schedule", err)
	}
	if s.Settings.Tolerance == 0 {
		s.Settings.Tolerance = 1e-2
	}
	if s.Settings.Top == 0 {
		s.Settings.Top = state.Model.Classes() + 2
	}
	if s.Settings.Bottom == 0 {
		s.Settings.Bottom = -1
	}
	if s.Matrix != "" && s.Matrix != Hessian && s.Matrix != GaussNewton {
		return fmt.Errorf("matrix %q; want %s or %s", s.Matrix, Hessian, GaussNewton)
	}
	name := s.Split
	if name == "" {
		name = datasets.Train
	}
	split, err := state.Data.Split(name)
	if err != nil {
		return err
	}
	if s.split, err = split.Draw(s.Samples, state.Seed); err != nil {
		return err
	}
	if s.objective, err = models.NewObjective(state.Model, state.Loss, s.split, s.objectiveSettings()); err != nil {
		return err
	}
	return s.Settings.Validate(s.objective.Dim())
}

func (s *Spectrum) objectiveSettings() models.ObjectiveSettings {
	return models.ObjectiveSettings{Precision: tensor.Float64, Workers: s.Workers, Only: s.Only}
}

// reinforcing returns the reinforcing gradients at the present parameters.
func (s *Spectrum) reinforcing(ctx context.Context, state *trainer.State) (_ *boundary.Reinforcing, err error) {
	if s.gradients == nil {
		s.gradients, err = boundary.NewReinforcing(ctx, state.Model, s.split, s.objectiveSettings())
		return s.gradients, err
	}
	return s.gradients, s.gradients.Refresh(ctx)
}

// EpochEnd implements trainer.EpochEnder.
func (s *Spectrum) EpochEnd(ctx context.Context, state *trainer.State) error {
	if _, measured := state.Fresh("spectrum/lambda_max"); measured {
		return nil
	}
	before := s.memory.Pace
	if !s.memory.Pace.Due(s.Schedule, state) {
		return nil
	}
	if err := s.measureAll(ctx, state); err != nil {
		s.memory.Pace = before // called again when the run is resumed
		return err
	}
	return nil
}

func (s *Spectrum) measureAll(ctx context.Context, state *trainer.State) error {
	start := time.Now()
	found, err := s.measure(ctx, state)
	if err != nil {
		return err
	}
	readings, err := s.read(ctx, found, state)
	if err != nil {
		return err
	}
	arrays := found.Arrays()
	if s.complexity != nil && s.complexity.due(state) {
		more, aligned, err := s.complexity.measure(ctx, found, state)
		if err != nil {
			return err
		}
		readings, arrays = append(readings, more...), append(arrays, aligned...)
	}
	if err := s.store(arrays, state.Epoch); err != nil {
		return err
	}
	took := time.Since(start).Seconds()
	s.remember(found, state, took)
	readings = append(readings, reading{"spectrum/seconds", took})
	if elapsed := state.Elapsed().Seconds(); elapsed > 0 {
		readings = append(readings, reading{"spectrum/time_share", s.memory.Seconds / elapsed})
	}
	for _, r := range readings {
		if err := state.Record(r.metric, r.value); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spectrum) measure(ctx context.Context, state *trainer.State) (*curvature.Spectrum, error) {
	if err := s.objective.Refresh(); err != nil {
		return nil, err
	}
	settings := s.Settings
	settings.Seed = state.Seed
	if m := s.memory; m.Rows > 0 {
		settings.Start = mat.NewDense(m.Rows, m.Columns, m.Vectors)
	}
	if settings.WantsSeeds(s.objective.Dim()) {
		gradients, err := s.reinforcing(ctx, state)
		if err != nil {
			return nil, err
		}
		if settings.Seeds, err = gradients.Seeds(ctx); err != nil {
			return nil, err
		}
	}
	if s.Matrix == GaussNewton {
		return curvature.Solve(ctx, curvature.GaussNewton{Objective: s.objective}, settings)
	}
	return curvature.Solve(ctx, curvature.Hessian{Objective: s.objective}, settings)
}

func (s *Spectrum) store(arrays []weights.Array, epoch int) error {
	if s.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return err
	}
	if s.tracking != nil {
		continues := weights.Array{Name: "top_continues", Shape: []int{len(s.tracking.Of)}}
		for _, row := range s.tracking.Of {
			continues.Data = append(continues.Data, float64(row))
		}
		arrays = append(arrays, continues)
	}
	return weights.Write(filepath.Join(s.Dir, fmt.Sprintf("spectrum-%06d.npz", epoch)), arrays)
}

// productWork is the work of a Hessian-vector product in gradients of one
// sample, for each sample: the second sweep goes through a graph about twice
// as large, and the solver's own arithmetic, the alignments and the writing of
// the results come on top.
const productWork = 3.5

func (s *Spectrum) remember(found *curvature.Spectrum, state *trainer.State, seconds float64) {
	m := &s.memory
	m.Seconds += seconds
	m.Pace.Done(state, productWork*float64(found.Applications*s.objective.Samples()))
	if m.Cold == 0 {
		m.Cold = found.Applications
	}
	if v := found.Vectors(); v != nil {
		m.Rows, m.Columns = v.Dims()
		m.Vectors, m.Top = v.RawMatrix().Data, len(found.Top.Values)
	}
}

// Snapshot implements trainer.Snapshotter.
func (s *Spectrum) Snapshot() ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(s.memory)
	return b.Bytes(), err
}

// Restore implements trainer.Snapshotter.
func (s *Spectrum) Restore(data []byte) error {
	var m spectrumMemory
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&m); err != nil {
		return err
	}
	if m.Rows < 0 || m.Columns < 0 || m.Rows*m.Columns != len(m.Vectors) || m.Top < 0 || m.Top > m.Rows {
		return fmt.Errorf("%d vectors of %d values in %d", m.Rows, m.Columns, len(m.Vectors))
	}
	s.memory = m
	return nil
}
