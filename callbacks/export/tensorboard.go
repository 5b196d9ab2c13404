package export

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// TensorBoard writes an event file, which TensorBoard shows. At the end of an epoch it
// has a scalar for every fresh metric, under its name and with its meaning. The step of
// TensorBoard is the epoch. TensorBoard keeps scalars as float32; a value beyond its range
// is left out. On resume the file is treated like that of callbacks.JSONL. A TensorBoard
// that is open meanwhile shows the repeated epochs twice until it is restarted.
type TensorBoard struct {
	// Path is the path of the file, record.Folder.Events for a run. TensorBoard only
	// finds files whose names contain "tfevents", and calls the run by their folder.
	Path string
	// Spectrum measures the eigenvalues that become histograms, under the name
	// spectrum/eigenvalues; there are none if it is nil. A histogram has all eigenvalues
	// or an estimate of them where the method gives these, or else those that are known.
	Spectrum *callbacks.Spectrum
	// Hyperparameters are shown beside the final metrics, to compare runs by. The values
	// are numbers, bools and strings; others are shown as fmt.Sprint formats them.
	Hyperparameters map[string]any

	appendFile
	run eventRun
}

// appendFile is an unexported name for the file that the hook embeds, so that the field
// is not exported.
type appendFile = record.AppendFile

// eventRun is the state of a TensorBoard during one run.
type eventRun struct {
	histogram []byte                     // an encoded value that belongs to the end of this epoch
	written   map[string]trainer.Reading // what the file has of each metric
	begun     bool
	event     encoder
}

var (
	_ callbacks.SpectrumConsumer = (*TensorBoard)(nil)
	_ trainer.Phased             = (*TensorBoard)(nil)
	_ trainer.TrainBeginner      = (*TensorBoard)(nil)
	_ trainer.EpochEnder         = (*TensorBoard)(nil)
	_ trainer.TrainEnder         = (*TensorBoard)(nil)
	_ trainer.Interrupted        = (*TensorBoard)(nil)
	_ trainer.Resetter           = (*TensorBoard)(nil)
	_ trainer.Snapshotter        = (*TensorBoard)(nil)
)

// Name implements trainer.Hook.
func (*TensorBoard) Name() string { return "tensorboard" }

// Phase implements trainer.Phased.
func (*TensorBoard) Phase() trainer.Phase { return trainer.Record }

// TrainBegin implements trainer.TrainBeginner.
func (t *TensorBoard) TrainBegin(_ context.Context, s *trainer.State) error {
	if t.Path != "" && !strings.Contains(filepath.Base(t.Path), "tfevents") {
		return fmt.Errorf("%s: TensorBoard does not find a file of this name; want one with tfevents, such as %s", t.Path, filepath.Base(record.Folder("").Events()))
	}
	if t.Spectrum != nil {
		if err := t.Spectrum.Subscribe(s, t); err != nil {
			return err
		}
	}
	if err := t.Open(t.Path); err != nil {
		return err
	}
	t.run.begun = true
	if t.run.written == nil {
		t.run.written = make(map[string]trainer.Reading)
	}
	if n, _ := t.Written().Read(make([]byte, 1)); n > 0 {
		return nil // a resumed run, whose file has been read before
	}
	if err := t.Append(t.run.event.version(time.Now())); err != nil {
		return err
	}
	if len(t.Hyperparameters) == 0 {
		return nil
	}
	return t.Append(t.run.event.sessionStart(time.Now(), t.Hyperparameters))
}

// Consume implements callbacks.SpectrumConsumer.
func (t *TensorBoard) Consume(_ context.Context, m *analysis.Measurement, _ *trainer.State) ([]weights.Array, error) {
	if h := newHistogram(m.Spectrum); h != nil {
		t.run.histogram = h.encode()
	}
	return nil, nil
}

// EpochEnd implements trainer.EpochEnder.
func (t *TensorBoard) EpochEnd(_ context.Context, s *trainer.State) error {
	e := &t.run.event
	e.begin(time.Now(), s.Epoch)
	for _, m := range s.Metrics() {
		value, fresh := s.Fresh(m.Name)
		if !fresh || math.Abs(value) > math.MaxFloat32 {
			continue
		}
		last, known := t.run.written[m.Name]
		if known && last.Epoch == s.Epoch && last.Value == value {
			continue // the epoch turned out to be the last, and is written again
		}
		description := ""
		if !known {
			description = describe(m)
		}
		e.scalar(m.Name, description, float32(value))
	}
	if t.run.histogram != nil {
		e.value(t.run.histogram)
	}
	if e.empty() {
		return nil
	}
	if err := t.Append(e.end()); err != nil {
		return err // a resumed run writes the event again
	}
	t.run.histogram = nil
	for _, m := range s.Metrics() {
		if value, fresh := s.Fresh(m.Name); fresh && math.Abs(value) <= math.MaxFloat32 {
			t.run.written[m.Name] = trainer.Reading{Value: value, Epoch: s.Epoch}
		}
	}
	return nil
}

// describe explains a metric in one line.
func describe(m trainer.Metric) string {
	text := m.Meaning
	if m.Unit != "" {
		text += fmt.Sprintf(" (%s)", m.Unit)
	}
	return text
}

// TrainEnd implements trainer.TrainEnder.
func (t *TensorBoard) TrainEnd(ctx context.Context, s *trainer.State) error {
	return errors.Join(t.endSession(succeeded), t.appendFile.TrainEnd(ctx, s))
}

// Interrupted implements trainer.Interrupted.
func (t *TensorBoard) Interrupted(ctx context.Context, s *trainer.State, err error) error {
	var ended error
	if trainer.StopOf(err).Reason != trainer.Cancelled && t.run.begun {
		ended = t.endSession(failed)
	}
	return errors.Join(ended, t.appendFile.Interrupted(ctx, s, err))
}

// endSession tells how the run ended, if it told its hyper-parameters.
func (t *TensorBoard) endSession(s status) error {
	if len(t.Hyperparameters) == 0 {
		return nil
	}
	return t.Append(t.run.event.sessionEnd(time.Now(), s))
}

// eventState is what a checkpoint has of a TensorBoard.
type eventState struct {
	File      []byte // state of the file
	Histogram []byte
	Written   map[string]trainer.Reading
}

// Snapshot implements trainer.Snapshotter.
func (t *TensorBoard) Snapshot() ([]byte, error) {
	file, err := t.appendFile.Snapshot()
	if err != nil {
		return nil, err
	}
	return trainer.EncodeState(eventState{file, t.run.histogram, t.run.written})
}

// Restore implements trainer.Snapshotter.
func (t *TensorBoard) Restore(data []byte) error {
	var state eventState
	if err := trainer.DecodeState(data, &state); err != nil {
		return err
	}
	t.run.histogram, t.run.written = state.Histogram, state.Written
	return t.appendFile.Restore(state.File)
}

// Reset implements trainer.Resetter.
func (t *TensorBoard) Reset() {
	t.run = eventRun{}
	t.appendFile.Reset()
}
