package callbacks

import (
	"bytes"
	"context"
	"encoding/gob"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// Spectrum measures the ends of the Hessian's spectrum at the epochs of its
// schedule: of the mean loss over a whole split, in float64 whatever the
// training's precision. Lanczos starts from the vectors of the measurement
// before.
type Spectrum struct {
	// Schedule is when to measure; 20 epochs, log-spaced, if zero.
	Schedule trainer.Schedule
	// Settings say which pairs, by which method and how well.
	Settings curvature.Settings
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

	objective *models.Objective
	memory    spectrumMemory
}

// spectrumMemory is what a Spectrum carries from one measurement to the next.
type spectrumMemory struct {
	Rows, Columns int
	Vectors       []float64 // of the last measurement, one a row
	Applications  int       // Hessian-vector products of all measurements
	Seconds       float64   // time of all measurements
}

var (
	_ trainer.Meter         = (*Spectrum)(nil)
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
		{Name: "spectrum/lambda_min", Meaning: "smallest eigenvalue of the Hessian"},
		{Name: "spectrum/trace", Meaning: "trace of the Hessian, where every eigenvalue is computed", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/residual", Meaning: "largest residual ‖Hv − λv‖ of the pairs, relative to the largest |λ|", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/converged", Meaning: "1 if every residual met its tolerance, else 0", Better: trainer.Higher, Detail: true},
		{Name: "spectrum/samples", Meaning: "samples that the loss was measured on", Detail: true},
		{Name: "spectrum/hvps", Meaning: "Hessian-vector products of this measurement", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/seconds", Unit: "s", Meaning: "time of this measurement", Better: trainer.Lower, Detail: true},
		{Name: "spectrum/time_share", Meaning: "share of the run's time that the measurements have taken so far", Better: trainer.Lower, Detail: true},
	}
}

// TrainBegin implements trainer.TrainBeginner.
func (s *Spectrum) TrainBegin(_ context.Context, state *trainer.State) error {
	if s.Schedule.IsZero() {
		s.Schedule = trainer.Schedule{Log: 20}
	}
	name := s.Split
	if name == "" {
		name = "train"
	}
	split, err := state.Data.Split(name)
	if err != nil {
		return err
	}
	if split, err = split.Draw(s.Samples, state.Seed); err != nil {
		return err
	}
	s.objective, err = models.NewObjective(state.Model, state.Loss, split, models.ObjectiveSettings{
		Precision: tensor.Float64, Workers: s.Workers,
	})
	return err
}

// EpochEnd implements trainer.EpochEnder.
func (s *Spectrum) EpochEnd(ctx context.Context, state *trainer.State) error {
	if _, measured := state.Fresh("spectrum/lambda_max"); measured || !s.Schedule.Due(state) {
		return nil
	}
	start := time.Now()
	found, err := s.measure(ctx, state)
	if err != nil {
		return err
	}
	if err := s.store(found, state.Epoch); err != nil {
		return err
	}
	s.remember(found, time.Since(start))
	return s.record(found, state, time.Since(start))
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
	return curvature.Solve(ctx, curvature.Hessian{Objective: s.objective}, settings)
}

func (s *Spectrum) store(found *curvature.Spectrum, epoch int) error {
	if s.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return err
	}
	return weights.Write(filepath.Join(s.Dir, fmt.Sprintf("spectrum-%06d.npz", epoch)), found.Arrays())
}

func (s *Spectrum) remember(found *curvature.Spectrum, took time.Duration) {
	s.memory.Applications += found.Applications
	s.memory.Seconds += took.Seconds()
	if v := found.Vectors(); v != nil {
		s.memory.Rows, s.memory.Columns = v.Dims()
		s.memory.Vectors = v.RawMatrix().Data
	}
}

func (s *Spectrum) record(found *curvature.Spectrum, state *trainer.State, took time.Duration) error {
	scale, residual := 0.0, 0.0
	readings := map[string]float64{
		"spectrum/converged": 0,
		"spectrum/samples":   float64(s.objective.Samples()),
		"spectrum/hvps":      float64(found.Applications),
		"spectrum/seconds":   took.Seconds(),
	}
	for _, end := range []struct {
		metric string
		pairs  curvature.Pairs
	}{{"spectrum/lambda_max", found.Top}, {"spectrum/lambda_min", found.Bottom}} {
		if len(end.pairs.Values) == 0 {
			continue
		}
		readings[end.metric] = end.pairs.Values[0]
		scale = max(scale, end.pairs.Values[0], -end.pairs.Values[0])
		residual = max(residual, slices.Max(end.pairs.Residuals))
	}
	if scale > 0 {
		readings["spectrum/residual"] = residual / scale
	}
	if found.Converged {
		readings["spectrum/converged"] = 1
	}
	if found.Trace != nil {
		readings["spectrum/trace"] = found.Trace.Value
	}
	if elapsed := state.Elapsed().Seconds(); elapsed > 0 {
		readings["spectrum/time_share"] = s.memory.Seconds / elapsed
	}
	for name, value := range readings {
		if err := state.Record(name, value); err != nil {
			return err
		}
	}
	return nil
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
	if m.Rows < 0 || m.Columns < 0 || m.Rows*m.Columns != len(m.Vectors) {
		return fmt.Errorf("%d vectors of %d values in %d", m.Rows, m.Columns, len(m.Vectors))
	}
	s.memory = m
	return nil
}
