package trainer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hessoscope/hessoscope/models"
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

// capture snapshots the run as it is now.
func (t *Trainer) capture() (*Checkpoint, error) {
	s := t.session.state
	hooks, err := t.session.snapshots()
	if err != nil {
		return nil, err
	}
	return &Checkpoint{
		Progress: Progress{
			Format: checkpointFormat, Epoch: t.epoch, Batch: t.batch, Stage: t.session.stage, Step: s.Step,
			Seed: s.Seed, Data: s.Data.Fingerprint(), Optimizer: t.optimizer.Name(), Hooks: t.session.hookNames(),
			Elapsed: s.Elapsed(), Loss: t.lossSum, BatchLoss: s.BatchLoss, Work: s.work, Metrics: maps.Clone(s.metrics.last), Stop: s.stop,
		},
		Arrays: models.Export(t.live()),
		Hooks:  hooks,
	}, nil
}

// Restore makes a new Trainer go on from a checkpoint of the same run: same
// model, data, batch size, optimizer, seed and hooks. Call it before Run.
func (t *Trainer) Restore(c *Checkpoint) error {
	if err := t.checkProgress(c.Progress); err != nil {
		return err
	}
	live := t.live()
	if len(c.Arrays) > len(live) {
		return fmt.Errorf("trainer: the checkpoint holds %d arrays, this run %d: the optimizer keeps less here", len(c.Arrays), len(live))
	}
	if err := models.Import(live, c.Arrays); err != nil {
		return fmt.Errorf("%w (in the checkpoint)", err)
	}
	if err := t.session.restoreHooks(c.Hooks); err != nil {
		return err
	}
	s, p := t.session.state, c.Progress
	maps.Copy(s.metrics.last, p.Metrics)
	t.position, t.session.stage = position{p.Epoch, p.Batch, p.Loss}, p.Stage
	s.Step, s.BatchLoss, s.work, s.before, s.stop = p.Step, p.BatchLoss, p.Work, p.Elapsed, p.Stop
	s.Epoch = p.Epoch
	if p.Stage == 0 {
		s.Epoch = max(p.Epoch-1, 0)
	}
	t.keepGood()
	return nil
}

// checkProgress is an error unless p can be that of a run like this one.
func (t *Trainer) checkProgress(p Progress) error {
	s, batches, hooks := t.session.state, t.batches(), t.session.hookNames()
	switch {
	case p.Seed != s.Seed:
		return fmt.Errorf("trainer: the checkpoint is of a run with seed %d; this one has %d", p.Seed, s.Seed)
	case p.Data != s.Data.Fingerprint():
		return fmt.Errorf("trainer: the checkpoint is of a run on other data than %s as it is now", s.Data.Name)
	case p.Optimizer != t.optimizer.Name():
		return fmt.Errorf("trainer: the checkpoint is of a run with the optimizer %s; this one has %s", p.Optimizer, t.optimizer.Name())
	case !slices.Equal(p.Hooks, hooks):
		return fmt.Errorf("trainer: the checkpoint was made with the hooks %v, this run has %v; resume with the same", p.Hooks, hooks)
	case p.Epoch < 0 || p.Epoch > s.Epochs || p.Batch < 0 || p.Batch > batches || p.Step != max(p.Epoch-1, 0)*batches+p.Batch:
		return fmt.Errorf("trainer: the checkpoint is at epoch %d, batch %d, step %d; this run has %d epochs of %d batches",
			p.Epoch, p.Batch, p.Step, s.Epochs, batches)
	case p.Stage < 0 || p.Stage > len(t.session.stages()) || p.Stage > 0 && p.Epoch > 0 && p.Batch < batches:
		return fmt.Errorf("trainer: the checkpoint is at stage %d after batch %d; this run has %d batches an epoch and then %d stages",
			p.Stage, p.Batch, batches, len(t.session.stages()))
	}
	return nil
}
