package callbacks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// RunRecord writes a file that describes the run and how it ended: a record.Run
// as JSON, with a checksum. The file is replaced atomically when training begins, every
// five seconds while it goes on, at the end of a step or an epoch, and when it ends. Then
// the predictions for every split are computed once more, for the recall and the precision
// of each class.
type RunRecord struct {
	Path string // path of the file, such as "run.json"; its folder is created
	// Info is additional information from the caller, such as a name or the path
	// of the configuration. It is stored as JSON, and omitted if nil.
	Info any
	// Settings are all settings of the run as JSON, and Changes those that were changed
	// when it was resumed, which also become notes of the record. Both are stored as
	// they are.
	Settings json.RawMessage
	Changes  []record.Change

	run     record.Run
	next    int       // first epoch whose readings are not in the history yet
	written time.Time // when the file was last replaced, by the monotonic clock
}

// recordEvery is the time between two records of a run that goes on. It is shorter than
// record.Quiet, after which a run is not taken for alive without further evidence.
const recordEvery = 5 * time.Second

var (
	_ trainer.Hook          = (*RunRecord)(nil)
	_ trainer.Phased        = (*RunRecord)(nil)
	_ trainer.TrainBeginner = (*RunRecord)(nil)
	_ trainer.BatchEnder    = (*RunRecord)(nil)
	_ trainer.EpochEnder    = (*RunRecord)(nil)
	_ trainer.TrainEnder    = (*RunRecord)(nil)
	_ trainer.Interrupted   = (*RunRecord)(nil)
	_ trainer.Resetter      = (*RunRecord)(nil)
	_ trainer.Snapshotter   = (*RunRecord)(nil)
)

// Name implements trainer.Hook.
func (*RunRecord) Name() string { return "run" }

// Phase implements trainer.Phased.
func (*RunRecord) Phase() trainer.Phase { return trainer.Save }

// TrainBegin implements trainer.TrainBeginner.
func (r *RunRecord) TrainBegin(_ context.Context, s *trainer.State) error {
	if r.Path == "" {
		return errors.New("the name of the file, Path, is empty; set it")
	}
	info, err := r.info()
	if err != nil {
		return err
	}
	started := r.run.Started // not zero if the run is resumed
	if started.IsZero() {
		started = timestamp()
	}
	r.run = record.Run{
		Info: info, Settings: r.Settings, Changes: r.Changes, Started: started, Epochs: s.Epochs, Seed: s.Seed, Loss: s.Loss.Name(),
		Model: modelOf(s), Data: dataOf(s), Host: thisHost(), Version: version(), Metrics: s.Metrics(),
	}
	if err := durable.MkdirAll(filepath.Dir(r.Path)); err != nil {
		return err
	}
	return r.write(s, record.StatusRunning)
}

func (r *RunRecord) info() (json.RawMessage, error) {
	if r.Info == nil {
		return nil, nil
	}
	info, err := record.Marshal(r.Info, "")
	if err != nil {
		return nil, fmt.Errorf("info: %w", err)
	}
	return info, nil
}

// timestamp returns the current time in whole seconds, without the monotonic
// clock reading, which JSON does not keep.
func timestamp() time.Time { return time.Now().Truncate(time.Second).UTC() }

func modelOf(s *trainer.State) record.RunModel {
	return record.RunModel{
		Description: models.Describe(s.Model), Parameters: models.Size(s.Model), InputShape: s.Model.InputShape(),
		Classes: s.Model.Classes(), Precision: models.Precision(s.Model).String(),
		FrozenStatistics: models.FrozenStatistics(s.Model),
	}
}

func dataOf(s *trainer.State) record.RunData {
	samples := make(map[string]int)
	for i := range s.Data.Splits {
		samples[s.Data.Splits[i].Name] = s.Data.Splits[i].Len()
	}
	return record.RunData{Name: s.Data.Name, Fingerprint: s.DataFingerprint(), Samples: samples, ClassSamples: classSamples(s)}
}

func classSamples(s *trainer.State) []int {
	train, err := s.Data.Split(datasets.Train)
	if err != nil || train.Labels == nil {
		return nil
	}
	counts := make([]int, s.Model.Classes())
	for _, label := range train.Labels {
		counts[label]++
	}
	return counts
}

func thisHost() record.RunHost {
	name, _ := os.Hostname() // ignore the error: the name may be empty
	return record.RunHost{Name: name, OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.GOMAXPROCS(0), Go: runtime.Version(), Process: os.Getpid()}
}

// version returns the version of this module, also when it is a dependency of the
// running program.
func version() string {
	const path = "github.com/hessoscope/hessoscope"
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range append(build.Deps, &build.Main) {
		if m.Path == path {
			return m.Version
		}
	}
	return ""
}

// BatchEnd implements trainer.BatchEnder.
func (r *RunRecord) BatchEnd(_ context.Context, s *trainer.State) error { return r.refresh(s) }

// EpochEnd implements trainer.EpochEnder. Hooks of the phase Record have written the
// readings of the epoch by then.
func (r *RunRecord) EpochEnd(_ context.Context, s *trainer.State) error {
	r.next = s.Epoch + 1
	return r.refresh(s)
}

// refresh writes the record if it is due.
func (r *RunRecord) refresh(s *trainer.State) error {
	if time.Since(r.written) < recordEvery {
		return nil
	}
	return r.write(s, record.StatusRunning)
}

// TrainEnd implements trainer.TrainEnder.
func (r *RunRecord) TrainEnd(ctx context.Context, s *trainer.State) (err error) {
	if r.run.Confusion, err = confusions(ctx, s); err != nil {
		return err
	}
	stop := s.Ended()
	r.run.Stop = &stop
	if restored, ok := s.Restored(); ok {
		r.run.Restored = &restored
	}
	return r.write(s, record.StatusFinished)
}

// confusions compares the predictions for every split with its labels, in the precision
// of the training, as the accuracies do.
func confusions(ctx context.Context, s *trainer.State) (map[string]*record.Confusion, error) {
	found := make(map[string]*record.Confusion)
	for i := range s.Data.Splits {
		split := &s.Data.Splits[i]
		if split.Labels == nil {
			continue
		}
		o, err := models.NewObjective(s.Model, s.Loss, split, models.ObjectiveSettings{Precision: models.Precision(s.Model)})
		if err != nil {
			return nil, err
		}
		logits := make([]float64, o.Samples()*s.Model.Classes())
		if err := o.Logits(ctx, logits); err != nil {
			return nil, err
		}
		c := record.NewConfusion(s.Model.Classes(), s.Data.Classes, split.Labels[:o.Samples()], logits)
		if len(c.Classes) > record.MostConfused {
			c.Matrix = nil
		}
		found[split.Name] = c
	}
	return found, nil
}

// Interrupted implements trainer.Interrupted.
func (r *RunRecord) Interrupted(_ context.Context, s *trainer.State, err error) error {
	if r.run.Status == "" { // training has not begun, so an existing record remains correct
		return nil
	}
	stop := trainer.StopOf(err)
	r.run.Stop, r.run.Error = &stop, err.Error()
	return r.write(s, record.Status(stop.Reason))
}

// write updates the record and replaces the file.
func (r *RunRecord) write(s *trainer.State, status record.Status) error {
	r.run.Status, r.run.Updated = status, timestamp()
	r.run.Seconds, r.run.Epoch, r.run.Step, r.run.Unrecorded = seconds(s), s.Epoch, s.Step, s.Epoch >= r.next
	r.run.Notes = s.Notes()
	for _, c := range r.Changes {
		r.run.Notes = append(r.run.Notes, c.String()+".")
	}
	r.run.Final = make(map[string]trainer.Reading)
	for _, m := range s.Metrics() {
		if last, ok := s.Last(m.Name); ok {
			r.run.Final[m.Name] = last
		}
	}
	if err := r.run.Write(r.Path); err != nil {
		return err
	}
	r.written = time.Now()
	return nil
}

// runState is what a checkpoint has of a RunRecord.
type runState struct {
	Started time.Time
	Next    int
}

// Snapshot implements trainer.Snapshotter. The state is the time at which the run
// was started, and what is recorded.
func (r *RunRecord) Snapshot() ([]byte, error) {
	return trainer.EncodeState(runState{r.run.Started, r.next})
}

// Restore implements trainer.Snapshotter.
func (r *RunRecord) Restore(data []byte) error {
	var state runState
	err := trainer.DecodeState(data, &state)
	if err != nil && trainer.DecodeState(data, &state.Started) == nil { // of an older version
		err = nil
	}
	r.run.Started, r.next = state.Started, state.Next
	return err
}

// Reset implements trainer.Resetter.
func (r *RunRecord) Reset() { r.run, r.next, r.written = record.Run{}, 0, time.Time{} }
