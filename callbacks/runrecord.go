package callbacks

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// RunRecord keeps a file on what the run is, and how it ended: a Run as JSON.
// It is replaced as a whole when training begins and when it ends.
type RunRecord struct {
	Path string // of the file, such as "run.json"; its folder is created
	// Info is what the caller knows and a hook cannot: a name, the path of the
	// configuration. It is stored as JSON; nothing if nil.
	Info any

	run Run
}

// Run describes a training run. ReadRun reads it.
type Run struct {
	Info   json.RawMessage `json:"info,omitempty"` // as the caller gave it
	Status Status          `json:"status"`
	Stop   *trainer.Stop   `json:"stop,omitempty"` // why it ended; nil while it is running
	// Restored tells of which epoch the parameters of the last checkpoint are,
	// where that is not Epoch. The Final readings are those of Epoch still.
	Restored *trainer.Restored `json:"restored,omitempty"`
	Error    string            `json:"error,omitempty"` // that ended it
	Started  time.Time         `json:"started"`         // first, before it was ever resumed
	Updated  time.Time         `json:"updated"`         // when this was written
	Seconds  float64           `json:"seconds"`         // that it has taken so far, pauses left out
	Epoch    int               `json:"epoch"`           // epochs completed
	Epochs   int               `json:"epochs"`          // epochs planned; 0 if not known
	Step     int               `json:"step"`            // training steps completed
	Seed     uint64            `json:"seed"`            // of all random numbers
	Loss     string            `json:"loss"`            // name of the loss that is minimised
	Model    RunModel          `json:"model"`
	Data     RunData           `json:"data"`
	Host     RunHost           `json:"host"`              // of the last session
	Version  string            `json:"version,omitempty"` // of this module; empty if not known

	Metrics []trainer.Metric           `json:"metrics"` // all that were declared, in order
	Final   map[string]trainer.Reading `json:"final"`   // the last readings, by metric; a metric that was never read is missing
}

// RunModel describes the model of a Run.
type RunModel struct {
	Description string `json:"description"` // one line
	Parameters  int    `json:"parameters"`  // P, the number of values
	InputShape  []int  `json:"input_shape"` // of one sample
	Classes     int    `json:"classes"`
	Precision   string `json:"precision"` // float32 or float64
}

// RunData describes the data set of a Run.
type RunData struct {
	Name        string         `json:"name"`
	Fingerprint string         `json:"fingerprint"` // as datasets.Dataset.Fingerprint
	Samples     map[string]int `json:"samples"`     // of each split
}

// RunHost describes the computer of a Run.
type RunHost struct {
	Name string `json:"name"`
	OS   string `json:"os"`   // GOOS
	Arch string `json:"arch"` // GOARCH
	CPUs int    `json:"cpus"` // that the program may use
	Go   string `json:"go"`   // version
}

// Status is how far a Run has come. One that was killed is left running.
type Status string

// The statuses. Those of a run that ended by an error are the trainer.Reason.
const (
	StatusRunning     Status = "running"
	StatusFinished    Status = "finished"                // all epochs are done, or a hook asked for the end
	StatusInterrupted        = Status(trainer.Cancelled) // can be resumed
	StatusNotFinite          = Status(trainer.NotFinite)
	StatusFailed             = Status(trainer.Failed)
)

// ReadRun reads what a RunRecord wrote.
func ReadRun(path string) (*Run, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(Run)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if r.Status == "" {
		return nil, fmt.Errorf("%s: no status; this is not the record of a run", path)
	}
	return r, nil
}

var (
	_ trainer.Hook          = (*RunRecord)(nil)
	_ trainer.Phased        = (*RunRecord)(nil)
	_ trainer.TrainBeginner = (*RunRecord)(nil)
	_ trainer.TrainEnder    = (*RunRecord)(nil)
	_ trainer.Interrupted   = (*RunRecord)(nil)
	_ trainer.Snapshotter   = (*RunRecord)(nil)
)

// Name implements trainer.Hook.
func (*RunRecord) Name() string { return "run" }

// Phase implements trainer.Phased.
func (*RunRecord) Phase() trainer.Phase { return trainer.Save }

// TrainBegin implements trainer.TrainBeginner.
func (r *RunRecord) TrainBegin(_ context.Context, s *trainer.State) error {
	info, err := r.info()
	if err != nil {
		return err
	}
	started := r.run.Started
	if started.IsZero() {
		started = timestamp()
	}
	r.run = Run{
		Info: info, Started: started, Epochs: s.Epochs, Seed: s.Seed, Loss: s.Loss.Name(),
		Model: modelOf(s), Data: dataOf(s), Host: thisHost(), Version: version(), Metrics: s.Metrics(),
	}
	if err := os.MkdirAll(filepath.Dir(r.Path), 0o755); err != nil {
		return err
	}
	return r.write(s, StatusRunning)
}

func (r *RunRecord) info() (json.RawMessage, error) {
	if r.Info == nil {
		return nil, nil
	}
	info, err := marshal(r.Info, "")
	if err != nil {
		return nil, fmt.Errorf("info: %w", err)
	}
	return info, nil
}

// timestamp is the time in whole seconds, without the clock reading that JSON
// would lose.
func timestamp() time.Time { return time.Now().Truncate(time.Second).UTC() }

func modelOf(s *trainer.State) RunModel {
	return RunModel{
		Description: describe(s.Model), Parameters: models.Size(s.Model), InputShape: s.Model.InputShape(),
		Classes: s.Model.Classes(), Precision: models.Precision(s.Model).String(),
	}
}

func dataOf(s *trainer.State) RunData {
	samples := make(map[string]int)
	for i := range s.Data.Splits {
		samples[s.Data.Splits[i].Name] = s.Data.Splits[i].Len()
	}
	return RunData{Name: s.Data.Name, Fingerprint: s.Data.Fingerprint(), Samples: samples}
}

func thisHost() RunHost {
	name, _ := os.Hostname() // one without a name is no reason not to train
	return RunHost{Name: name, OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.GOMAXPROCS(0), Go: runtime.Version()}
}

// version is that of this module, in whatever program it runs.
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

// TrainEnd implements trainer.TrainEnder.
func (r *RunRecord) TrainEnd(_ context.Context, s *trainer.State) error {
	stop := stopped(s)
	r.run.Stop = &stop
	if restored, ok := s.Restored(); ok {
		r.run.Restored = &restored
	}
	return r.write(s, StatusFinished)
}

// Interrupted implements trainer.Interrupted.
func (r *RunRecord) Interrupted(_ context.Context, s *trainer.State, err error) error {
	if r.run.Status == "" { // training has not begun; what is recorded of before stays true
		return nil
	}
	stop := trainer.StopOf(err)
	r.run.Stop, r.run.Error = &stop, err.Error()
	return r.write(s, Status(stop.Reason))
}

// write brings the record up to date and replaces the file.
func (r *RunRecord) write(s *trainer.State, status Status) error {
	r.run.Status, r.run.Updated = status, timestamp()
	r.run.Seconds, r.run.Epoch, r.run.Step = seconds(s), s.Epoch, s.Step
	r.run.Final = make(map[string]trainer.Reading)
	for _, m := range s.Metrics() {
		if last, ok := s.Last(m.Name); ok {
			r.run.Final[m.Name] = last
		}
	}
	data, err := marshal(&r.run, "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", r.Path, err)
	}
	if err := durable.WriteFile(r.Path, append(data, '\n')); err != nil {
		return fmt.Errorf("%s: %w", r.Path, err)
	}
	return nil
}

// Snapshot implements trainer.Snapshotter: when the run was started.
func (r *RunRecord) Snapshot() ([]byte, error) { return json.Marshal(r.run.Started) }

// Restore implements trainer.Snapshotter.
func (r *RunRecord) Restore(data []byte) error {
	if err := json.Unmarshal(data, &r.run.Started); err != nil {
		return fmt.Errorf("state %q: %w", data, err)
	}
	return nil
}
