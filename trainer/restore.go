package trainer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/models"
)

// Restore makes a new Trainer continue from a checkpoint of the same run: the
// model, data, loss, batch size, augmentation, optimizer, seed and hooks must be the
// same. Epochs and Rate need not; what is trained then is another run than that which
// began. Call it before Run.
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
	s.Step, s.BatchLoss, s.work, s.before, s.start, s.stop = p.Step, p.BatchLoss, p.Work, p.Elapsed, p.Start, p.Stop
	s.Epoch = p.Epoch
	if p.Stage == 0 {
		s.Epoch = max(p.Epoch-1, 0)
	}
	t.keepGood()
	return nil
}

// checkProgress returns an error if p cannot be the progress of this run.
func (t *Trainer) checkProgress(p Progress) error {
	if err := t.session.checkProgress(p); err != nil {
		return err
	}
	s, batches := t.session.state, t.batches()
	switch {
	case p.Optimizer == "":
		return errors.New("trainer: the checkpoint is of a Session, whose optimizer is not known; resume it with a Session")
	case p.Optimizer != t.optimizer.Name():
		return fmt.Errorf("trainer: the checkpoint is of a run with the optimizer %s; this one has %s", p.Optimizer, t.optimizer.Name())
	case p.BatchSize != 0 && p.BatchSize != t.config.BatchSize:
		return fmt.Errorf("trainer: the checkpoint is of a run with batches of %d samples; this one has %d", p.BatchSize, t.config.BatchSize)
	case p.Augmentation != nil && *p.Augmentation != t.config.Augmentation:
		return fmt.Errorf("trainer: the checkpoint is of a run with the augmentation %+v; this one has %+v", *p.Augmentation, t.config.Augmentation)
	case p.Epoch < 0 || p.Epoch > s.Epochs || p.Batch < 0 || p.Batch > batches || p.Step != max(p.Epoch-1, 0)*batches+p.Batch:
		return fmt.Errorf("trainer: the checkpoint is at epoch %d, batch %d, step %d; this run has %d epochs of %d batches",
			p.Epoch, p.Batch, p.Step, s.Epochs, batches)
	case p.Stage < 0 || p.Stage > len(t.session.stages()) || p.Stage > 0 && p.Epoch > 0 && p.Batch < batches:
		return fmt.Errorf("trainer: the checkpoint is at stage %d after batch %d; this run has %d batches an epoch and then %d stages",
			p.Stage, p.Batch, batches, len(t.session.stages()))
	}
	return nil
}

// Restore makes a new Session continue from a checkpoint of the same run: it sets
// the learnables, by name, and the hooks to what they were at the end of the epoch
// that State().Epoch then tells. Seed, data, loss and hooks must be the same. Call it
// before Begin. The loop goes on with the next epoch, as Epochs does by itself.
// What the loop has besides the learnables is the caller's to put back: the state
// of a solver with momentum, the order of the samples. A Snapshotter of your own
// among the hooks can keep it in the checkpoint.
func (e *Session) Restore(c *Checkpoint) error {
	if err := e.expect(context.Background(), "Restore", unbegun, begun, ended); err != nil {
		return err
	}
	if c == nil {
		return errors.New("trainer: the checkpoint is nil; want one of ReadCheckpoint")
	}
	if e.status != unbegun {
		return errors.New("trainer: Restore after Begin; restore a new session before its loop")
	}
	if err := e.checkProgress(c.Progress); err != nil {
		return err
	}
	s, p, stages := e.state, c.Progress, len(e.stages())
	switch {
	case p.Optimizer != "":
		return fmt.Errorf("trainer: the checkpoint is of a Trainer with the optimizer %s; resume it with a Trainer", p.Optimizer)
	case p.Epoch < 0 || s.Epochs > 0 && p.Epoch > s.Epochs || p.Step < 0 || p.Stage < 0 || p.Stage > stages:
		return fmt.Errorf("trainer: the checkpoint is at epoch %d, step %d, stage %d; this run has %d epochs and %d stages", p.Epoch, p.Step, p.Stage, s.Epochs, stages)
	}
	if err := models.Import(models.State(s.Model), c.Arrays); err != nil {
		return fmt.Errorf("%w (in the checkpoint)", err)
	}
	if err := e.restoreHooks(c.Hooks); err != nil {
		return err
	}
	maps.Copy(s.metrics.last, p.Metrics)
	e.stage, e.resumed = p.Stage, true
	s.Epoch, s.Step, s.BatchLoss, s.work, s.before, s.start, s.stop = p.Epoch, p.Step, p.BatchLoss, p.Work, p.Elapsed, p.Start, p.Stop
	return nil
}

// ErrWithinEpoch is wrapped by the error of State.Checkpoint in a Session while
// the parameters may be those of the middle of an epoch.
var ErrWithinEpoch = errors.New("trainer: a Session can be saved only at the end of an epoch, after which its loop can go on")

// ErrAfterNotFinite is wrapped by the error of State.Checkpoint after a loss or another value that is
// not finite has ended the run: the parameters are those of an earlier epoch, or not finite,
// and hooks remember what came later. An earlier checkpoint has both.
var ErrAfterNotFinite = errors.New("trainer: a value that is not finite has ended the run, which can be resumed from an earlier checkpoint alone")

// capture takes a snapshot of the run as it is now.
func (e *Session) capture() (*Checkpoint, error) {
	if !e.atEnd {
		return nil, ErrWithinEpoch
	}
	hooks, err := e.snapshots()
	if err != nil {
		return nil, err
	}
	s, stage := e.state, e.stage
	if !e.open {
		stage = len(e.stages())
	}
	return &Checkpoint{
		Progress: Progress{
			Format: checkpointFormat, Epoch: s.Epoch, Stage: stage, Step: s.Step, Seed: s.Seed, Data: s.DataFingerprint(), Minimised: s.Loss.Name(), Hooks: e.hookNames(),
			Elapsed: s.Elapsed(), BatchLoss: s.BatchLoss, Work: s.work, Metrics: maps.Clone(s.metrics.last), Start: s.start, Stop: s.stop,
		},
		Arrays: models.Export(models.State(s.Model)),
		Data:   s.Data.Schema(),
		Hooks:  hooks,
	}, nil
}

// checkProgress returns an error if p is the progress of a run with another seed, other
// data, another loss or other hooks.
func (e *Session) checkProgress(p Progress) error {
	s, hooks := e.state, e.hookNames()
	switch {
	case p.Seed != s.Seed:
		return fmt.Errorf("trainer: the checkpoint is of a run with seed %d; this one has %d", p.Seed, s.Seed)
	case p.Data != s.DataFingerprint():
		return fmt.Errorf("trainer: the checkpoint is of a run on other data than %s as it is now", s.Data.Name)
	case p.Minimised != "" && p.Minimised != s.Loss.Name():
		return fmt.Errorf("trainer: the checkpoint is of a run with the loss %s; this one has %s", p.Minimised, s.Loss.Name())
	case !slices.Equal(p.Hooks, hooks):
		return fmt.Errorf("trainer: the checkpoint was made with the hooks %s, this run has %s; resume with the same", cmp.Or(strings.Join(p.Hooks, ", "), "none"), cmp.Or(strings.Join(hooks, ", "), "none"))
	}
	return nil
}

// hookNames returns the names of the hooks, in order.
func (e *Session) hookNames() []string {
	var names []string
	for _, h := range e.hooks {
		names = append(names, h.Name())
	}
	return names
}

// snapshots returns the states of the hooks that are Snapshotters, by hook name.
func (e *Session) snapshots() (map[string][]byte, error) {
	all := make(map[string][]byte)
	for _, h := range e.hooks {
		s, ok := h.(Snapshotter)
		if !ok {
			continue
		}
		data, err := s.Snapshot()
		if err != nil {
			return nil, fmt.Errorf("hook %s: snapshot: %w", h.Name(), err)
		}
		all[h.Name()] = data
	}
	return all, nil
}

func (e *Session) restoreHooks(snapshots map[string][]byte) error {
	for _, h := range e.hooks {
		if s, ok := h.(Snapshotter); ok {
			if err := s.Restore(snapshots[h.Name()]); err != nil {
				return fmt.Errorf("hook %s: restore: %w", h.Name(), err)
			}
		}
	}
	return nil
}
