package record

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/hessoscope/hessoscope/trainer"
)

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

// ReadRun reads what a callbacks.RunRecord wrote.
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
