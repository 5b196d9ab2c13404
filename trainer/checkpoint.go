package trainer

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hessoscope/hessoscope/models/weights"
)

// Checkpoint is all that is needed to go on with a run: a snapshot of
// parameters, optimizer, hooks and progress.
type Checkpoint struct {
	Progress Progress
	Arrays   []weights.Array   // parameters under their names, then the optimizer's state under "optimizer/…"
	Hooks    map[string][]byte // of hooks that have a state, by name
}

// Progress is how far a run has come.
type Progress struct {
	Format    int                `json:"format"`     // of the checkpoint file: 2
	Epoch     int                `json:"epoch"`      // whose batches or end are under way
	Batch     int                `json:"batch"`      // batches of it that are done
	Stage     int                `json:"stage"`      // stages of its end that are done
	Step      int                `json:"step"`       // training steps done
	Seed      uint64             `json:"seed"`       // of the run
	Data      string             `json:"data"`       // fingerprint of the data set
	Optimizer string             `json:"optimizer"`  // its name
	Hooks     []string           `json:"hooks"`      // in order
	Elapsed   time.Duration      `json:"elapsed"`    // nanoseconds spent so far
	Loss      float64            `json:"loss"`       // sum of the mini-batch losses of the epoch so far
	BatchLoss float64            `json:"batch_loss"` // of the last mini-batch
	Work      float64            `json:"work"`       // of training and evaluation, as State.Work
	Metrics   map[string]Reading `json:"metrics"`    // last readings
	Stop      *Stop              `json:"stop,omitempty"`
}

const (
	checkpointFormat = 2
	progressFile     = "progress.json"
	hookPrefix       = "hooks/"
)

// Write stores the checkpoint in a .npz file: np.load sees the parameters
// under their own names. The file is replaced as a whole or not at all.
func (c *Checkpoint) Write(path string) error {
	progress, err := json.MarshalIndent(c.Progress, "", " ")
	if err != nil {
		return fmt.Errorf("trainer: checkpoint: %w", err)
	}
	archive := &weights.Archive{Arrays: c.Arrays, Files: map[string][]byte{progressFile: progress}}
	for name, data := range c.Hooks {
		archive.Files[hookPrefix+name] = data
	}
	return weights.WriteArchive(path, archive)
}

// ReadCheckpoint reads what Write stored.
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
	for name, data := range archive.Files {
		if hook, ok := strings.CutPrefix(name, hookPrefix); ok {
			c.Hooks[hook] = data
		}
	}
	return c, nil
}
