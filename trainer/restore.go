package trainer

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hessoscope/hessoscope/models"
)

// Restore makes a new Trainer continue from a checkpoint of the same run: the
// model, data, batch size, optimizer, seed and hooks must be the same. Call it
// before Run.
func (t *Trainer) Restore(c *Checkpoint) error {
	if err := t.checkProgress(c.Progress); err != nil {
		return err
	}
	live := t.live()
	if len(c.Arrays) > len(live) {
		return fmt.Errorf("trainer: the checkpoint holds %d arrays, this run %d: its optimizer keeps fewer arrays", len(c.Arrays), len(live))
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

// checkProgress returns an error if p cannot be the progress of this run.
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
