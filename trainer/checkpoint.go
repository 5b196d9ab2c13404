package trainer

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models/weights"
)

// Checkpoint holds everything that is needed to resume a run: a snapshot of
// the parameters, the optimizer, the hooks and the progress.
type Checkpoint struct {
	Progress Progress
	Arrays   []weights.Array   // parameters and buffers under their names, then the optimizer's state under "optimizer/…"
	Data     *datasets.Schema  // of the data of the run; nil in a checkpoint of an older version
	Hooks    map[string][]byte // states of the hooks that are Snapshotters, by hook name
}

// Progress is how far a run has come.
type Progress struct {
	Format    int    `json:"format"`     // version of the checkpoint format: 2
	Epoch     int    `json:"epoch"`      // current epoch
	Batch     int    `json:"batch"`      // batches of this epoch that are done
	Stage     int    `json:"stage"`      // stages of the end of this epoch that are done
	Step      int    `json:"step"`       // training steps done
	Seed      uint64 `json:"seed"`       // seed of the run
	Data      string `json:"data"`       // fingerprint of the data set
	Optimizer string `json:"optimizer"`  // name of the optimizer; empty in a Session
	Minimised string `json:"minimised"`  // name of the loss; empty in a checkpoint of an older version
	BatchSize int    `json:"batch_size"` // samples per step; 0 in a Session, and of an older version
	// Augmentation is that of the Config; nil in a Session, and of an older version.
	Augmentation *datasets.Augmentation `json:"augmentation,omitempty"`
	Hooks        []string               `json:"hooks"`           // names of all hooks, in calling order
	Elapsed      time.Duration          `json:"elapsed"`         // nanoseconds spent so far
	Loss         float64                `json:"loss"`            // sum of the mini-batch losses of the epoch so far
	BatchLoss    float64                `json:"batch_loss"`      // loss of the last mini-batch
	Work         float64                `json:"work"`            // cost of training and evaluation, as State.Work
	Metrics      map[string]Reading     `json:"metrics"`         // last reading of each metric
	Start        *float64               `json:"start,omitempty"` // first training loss that was evaluated
	Stop         *Stop                  `json:"stop,omitempty"`  // nil if no stop was requested
}

const (
	checkpointFormat = 2
	progressFile     = "progress.json"
	dataFile         = "data.json"
	hookPrefix       = "hooks/"
)

// Write stores the checkpoint in a .npz file, in which np.load finds the
// parameters under their own names. It replaces the file atomically.
func (c *Checkpoint) Write(path string) error {
	progress, err := json.MarshalIndent(c.Progress, "", " ")
	if err != nil {
		return fmt.Errorf("trainer: checkpoint: %w", err)
	}
	archive := &weights.Archive{Arrays: c.Arrays, Files: map[string][]byte{progressFile: progress}}
	if c.Data != nil {
		if archive.Files[dataFile], err = json.MarshalIndent(c.Data, "", " "); err != nil {
			return fmt.Errorf("trainer: checkpoint: %w", err)
		}
	}
	for name, data := range c.Hooks {
		archive.Files[hookPrefix+name] = data
	}
	return weights.WriteArchive(path, archive)
}

// ReadCheckpoint reads a file that Checkpoint.Write stored. A file in another
// checkpoint format is an error.
func ReadCheckpoint(path string) (*Checkpoint, error) {
	archive, err := weights.ReadArchive(path)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Arrays: archive.Arrays, Hooks: make(map[string][]byte)}
	progress, ok := archive.Files[progressFile]
	if !ok {
		return nil, fmt.Errorf("%s: no entry %q; this is not a checkpoint", path, progressFile)
	}
	if err := json.Unmarshal(progress, &c.Progress); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", path, progressFile, err)
	}
	if c.Progress.Format != checkpointFormat {
		return nil, fmt.Errorf("%s: the checkpoint has format %d, and this version resumes runs of format %d; finish the run with the version that began it, or start it anew",
			path, c.Progress.Format, checkpointFormat)
	}
	if data, ok := archive.Files[dataFile]; ok {
		if err := json.Unmarshal(data, &c.Data); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, dataFile, err)
		}
	}
	for name, data := range archive.Files {
		if hook, ok := strings.CutPrefix(name, hookPrefix); ok {
			c.Hooks[hook] = data
		}
	}
	return c, nil
}
