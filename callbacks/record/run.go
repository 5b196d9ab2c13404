package record

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/trainer"
)

// Run describes a training run. ReadRun reads it.
type Run struct {
	Info json.RawMessage `json:"info,omitempty"` // as the caller gave it
	// Settings are all settings of the run, and Changes those that were changed when it
	// was resumed, as the caller gave them. Settings has the new values.
	Settings json.RawMessage `json:"settings,omitempty"`
	Changes  []Change        `json:"changes,omitempty"`

	Status Status        `json:"status"`
	Stop   *trainer.Stop `json:"stop,omitempty"` // why it ended; nil while it is running
	// Restored is the epoch of the parameters in the last checkpoint, if they were
	// put back to those of an earlier epoch than Epoch, and what was measured of them.
	// The Final readings belong to Epoch.
	Restored *trainer.Restored `json:"restored,omitempty"`
	Error    string            `json:"error,omitempty"` // error that ended the run
	Started  time.Time         `json:"started"`         // when the run was first started
	Updated  time.Time         `json:"updated"`         // when this record was written
	Seconds  float64           `json:"seconds"`         // time the run has taken, without interruptions
	Epoch    int               `json:"epoch"`           // epochs completed
	Epochs   int               `json:"epochs"`          // epochs planned; 0 if not known
	Step     int               `json:"step"`            // training steps completed
	Seed     uint64            `json:"seed"`            // seed of all random numbers
	Loss     string            `json:"loss"`            // name of the loss that is minimised
	Model    RunModel          `json:"model"`
	Data     RunData           `json:"data"`
	Host     RunHost           `json:"host"`              // computer on which the run last began or was resumed
	Version  string            `json:"version,omitempty"` // version of this module; empty if not known

	// Notes are what its user should know, such as that dropout is left out.
	Notes []string `json:"notes,omitempty"`

	Metrics []trainer.Metric           `json:"metrics"` // all declared metrics, in order
	Final   map[string]trainer.Reading `json:"final"`   // the last reading of each metric; a metric that was never recorded is missing
	// Unrecorded tells that the run was interrupted at the end of Epoch, before its readings
	// were written to the history.
	Unrecorded bool `json:"unrecorded,omitempty"`

	// Confusion compares predictions and labels, by the split, of the network that a run
	// that is finished has kept; splits without labels are missing.
	Confusion map[string]*Confusion `json:"confusion,omitempty"`
}

// Change is a setting that was changed when a run was resumed.
type Change struct {
	Epoch   int    `json:"epoch"`   // epoch to which the run had come
	Step    int    `json:"step"`    // training steps that were done with the old value
	Setting string `json:"setting"` // its key, such as training.rate.base
	Was     string `json:"was"`     // old value
	Is      string `json:"is"`      // new value
}

// String describes the change in a sentence without its end.
func (c Change) String() string {
	return fmt.Sprintf("%s was %s until epoch %d (step %d) and is %s since", c.Setting, c.Was, c.Epoch, c.Step, c.Is)
}

// RunModel describes the model of a Run.
type RunModel struct {
	Description string `json:"description"` // one line
	Parameters  int    `json:"parameters"`  // P, the number of values
	InputShape  []int  `json:"input_shape"` // shape of one sample
	Classes     int    `json:"classes"`
	Precision   string `json:"precision"` // float32 or float64
	// FrozenStatistics is models.FrozenStatistics.
	FrozenStatistics int `json:"frozen_statistics"`
}

// RunData describes the data set of a Run.
type RunData struct {
	Name        string         `json:"name"`
	Fingerprint string         `json:"fingerprint"` // as datasets.Dataset.Fingerprint
	Samples     map[string]int `json:"samples"`     // number of samples of each split
	// ClassSamples are the numbers of training samples of each class; nil without labels.
	ClassSamples []int `json:"class_samples,omitempty"`
}

// RunHost describes the computer of a Run.
type RunHost struct {
	Name string `json:"name"`
	OS   string `json:"os"`   // GOOS
	Arch string `json:"arch"` // GOARCH
	CPUs int    `json:"cpus"` // CPUs that the program may use
	Go   string `json:"go"`   // version
	// Process is the number of the process that trains; 0 in records of older versions.
	Process int `json:"process,omitempty"`
}

// Status is the status of a Run. A run that was killed still has the status
// running; Run.Condition tells.
type Status string

// The statuses. A run that ended with an error has the trainer.Reason as its
// status.
const (
	StatusRunning     Status = "running"
	StatusFinished    Status = "finished"                // all epochs are done, or a hook requested a stop
	StatusInterrupted        = Status(trainer.Cancelled) // the run can be resumed
	StatusNotFinite          = Status(trainer.NotFinite)
	StatusFailed             = Status(trainer.Failed)
)

// maxRun is the largest size of a run.json, in bytes. One of a hundred metrics has some
// 30,000.
const maxRun = 16 << 20

// ReadRun reads a file that a callbacks.RunRecord wrote. It is an error if the file does
// not have the checksum with which it was written; older versions wrote none.
func ReadRun(path string) (*Run, error) {
	data, err := durable.ReadText(path, maxRun)
	if err != nil {
		return nil, err
	}
	if err := CheckJSON(data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
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

// Write replaces the file at path by the record, with a checksum.
func (r *Run) Write(path string) error {
	data, err := Marshal(r, "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := durable.WriteFile(path, SealJSON(data)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// History reads the history of the run, whose record was read before. It is an error if
// it ends before what the record tells of. While the run is being trained it may: a
// resumed run repeats some epochs.
func (r *Run) History(folder Folder) ([]Entry, error) {
	history, err := ReadHistory(folder.History())
	if err != nil || r.Condition(time.Now()) == StatusRunning {
		return history, err
	}
	ends, last := -1, -1
	if n := len(history); n > 0 {
		ends = history[n-1].Epoch
	}
	for _, reading := range r.Final {
		if reading.Epoch < r.Epoch || !r.Unrecorded {
			last = max(last, reading.Epoch)
		}
	}
	if ends < last {
		told := fmt.Sprintf("ends at epoch %d", ends)
		if ends < 0 {
			told = "has no epoch"
		}
		return nil, fmt.Errorf("%s: is cut short: it %s, and %s has metrics of epoch %d%s", folder.History(), told, folder.Run(), last, mend)
	}
	return history, nil
}
