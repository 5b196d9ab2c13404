package callbacks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/trainer"
)

// Checkpoint saves a run so that it can be resumed with trainer.ReadCheckpoint
// and Trainer.Restore, and then ends as if it had never been interrupted. It
// writes
//
//	last.npz          before the first step, at every Interval, at the last epoch, and when
//	                  the run is interrupted; again when training ends, if a hook put back
//	                  other parameters
//	previous.npz      what last.npz was before, in case that file is damaged; not on file
//	                  systems without hard links
//	best.npz          at an epoch at which the metric Best is better than ever before
//	epoch-000200.npz  at the epochs of Schedule, if Keep is set
//
// Each file is replaced atomically. A trainer.Session resumes with Session.Restore.
// It is saved only at the end of an epoch: the parameters of the middle of one would
// be of no use to its loop.
type Checkpoint struct {
	Dir string // folder of the files; created if missing
	// Interval is the time after which the run is saved again, between two
	// steps; 10 seconds if zero, not at all if negative.
	Interval time.Duration
	// Schedule has the epochs at which the run is saved regardless of Interval.
	Schedule trainer.Schedule
	Keep     bool // keep the epochs of Schedule, each in a file of its own
	// Best is the name of the metric that selects best.npz; there is no such file
	// if it is empty. The declaration of the metric says whether lower or higher
	// is better.
	Best string

	run checkpointing
}

// checkpointing is the state of a Checkpoint during one run.
type checkpointing struct {
	place  durable.Place
	saved  time.Time // when last.npz was last written, or training began; zero before training
	epoch  int       // epoch of last.npz; −1 before it is written
	better trainer.Direction
	best   *trainer.Reading // best reading of the metric Best; nil before the first
}

var (
	_ trainer.Hook          = (*Checkpoint)(nil)
	_ trainer.Phased        = (*Checkpoint)(nil)
	_ trainer.TrainBeginner = (*Checkpoint)(nil)
	_ trainer.BatchEnder    = (*Checkpoint)(nil)
	_ trainer.EpochEnder    = (*Checkpoint)(nil)
	_ trainer.TrainEnder    = (*Checkpoint)(nil)
	_ trainer.Interrupted   = (*Checkpoint)(nil)
	_ trainer.Resetter      = (*Checkpoint)(nil)
	_ trainer.Snapshotter   = (*Checkpoint)(nil)
)

// Name implements trainer.Hook.
func (*Checkpoint) Name() string { return "checkpoint" }

// Phase implements trainer.Phased.
func (*Checkpoint) Phase() trainer.Phase { return trainer.Save }

// TrainBegin implements trainer.TrainBeginner. It returns an error if the metric
// Best is not declared or has no better direction.
func (c *Checkpoint) TrainBegin(_ context.Context, s *trainer.State) error {
	if c.Dir == "" {
		return errors.New("the folder of the checkpoints, Dir, is empty; set it")
	}
	if err := c.Schedule.Validate(); err != nil {
		return trainer.Below("Schedule", err)
	}
	if c.Best != "" {
		m, err := s.Metric(c.Best)
		if err != nil {
			return err
		}
		if m.Better == trainer.Neither {
			return fmt.Errorf("best: of metric %q neither lower nor higher is better; choose another", c.Best)
		}
		c.run.better = m.Better
	}
	var err error
	if c.run.place, err = durable.PlaceOf(c.Dir); err != nil {
		return err
	}
	if err := c.run.place.Make(); err != nil {
		return err
	}
	c.run.saved, c.run.epoch = time.Now(), -1
	return nil
}

// BatchEnd implements trainer.BatchEnder. It saves the run within an epoch,
// because an epoch may take hours.
func (c *Checkpoint) BatchEnd(_ context.Context, s *trainer.State) error {
	if !c.overdue() {
		return nil
	}
	return c.saveIfPossible(s)
}

// saveIfPossible writes last.npz, but not within an epoch of a Session.
func (c *Checkpoint) saveIfPossible(s *trainer.State) error {
	err := c.save(s, record.LastCheckpoint)
	if errors.Is(err, trainer.ErrWithinEpoch) || errors.Is(err, trainer.ErrAfterNotFinite) {
		return nil
	}
	return err
}

// overdue reports whether Interval has passed since the run was last saved.
func (c *Checkpoint) overdue() bool {
	interval := cmp.Or(c.Interval, 10*time.Second)
	return interval > 0 && time.Since(c.run.saved) >= interval
}

// EpochEnd implements trainer.EpochEnder.
func (c *Checkpoint) EpochEnd(_ context.Context, s *trainer.State) error {
	var files []string
	before := c.run.best
	if c.improve(s) {
		files = append(files, record.BestCheckpoint)
	}
	scheduled := c.Schedule.Due(s)
	if scheduled && c.Keep {
		files = append(files, record.EpochCheckpoint(s.Epoch))
	}
	// The first checkpoint comes before the first step: where there is none later, it was lost.
	if scheduled || s.Step == 0 || s.Final() || c.overdue() {
		files = append(files, record.LastCheckpoint)
	}
	if err := c.save(s, files...); err != nil {
		c.run.best = before // so that best.npz is written when the run is resumed
		return err
	}
	return nil
}

// improve stores the fresh reading of the metric Best, if it is better than all
// before it, and reports whether it is. It is called before anything is saved,
// because the reading belongs to the checkpoint.
func (c *Checkpoint) improve(s *trainer.State) bool {
	value, fresh := s.Fresh(c.Best)
	if !fresh || !improves(c.run.best, value, c.run.better) {
		return false
	}
	c.run.best = &trainer.Reading{Value: value, Epoch: s.Epoch, Step: s.Step}
	return true
}

// improves reports whether a value is better than the best so far, which is nil
// before the first.
func improves(best *trainer.Reading, value float64, better trainer.Direction) bool {
	return best == nil || better == trainer.Lower && value < best.Value || better == trainer.Higher && value > best.Value
}

// save writes the current state of the run to files in Dir. It writes last.npz
// after the others: if the process is killed in between, the resumed run starts
// from an earlier state and writes the others again.
func (c *Checkpoint) save(s *trainer.State, files ...string) error {
	if len(files) == 0 {
		return nil
	}
	checkpoint, err := s.Checkpoint()
	if err != nil {
		return err
	}
	if err := c.run.place.Make(); err != nil {
		return err
	}
	for _, file := range files {
		if file == record.LastCheckpoint {
			c.keepPrevious()
		}
		if err := checkpoint.Write(filepath.Join(c.Dir, file)); err != nil {
			return err
		}
		if file == record.LastCheckpoint {
			c.run.saved, c.run.epoch = time.Now(), s.Epoch
		}
	}
	return nil
}

// keepPrevious gives last.npz, which is about to be replaced, another name. A checkpoint that
// cannot be kept is no reason not to write the next one.
func (c *Checkpoint) keepPrevious() {
	previous := filepath.Join(c.Dir, record.PreviousCheckpoint)
	_ = os.Remove(previous)
	_ = os.Link(filepath.Join(c.Dir, record.LastCheckpoint), previous)
}

// TrainEnd implements trainer.TrainEnder. It saves parameters that a hook put
// back, and an epoch that became the last one only after EpochEnd.
func (c *Checkpoint) TrainEnd(_ context.Context, s *trainer.State) error {
	if _, restored := s.Restored(); !restored && c.run.epoch == s.Epoch {
		return nil
	}
	return c.save(s, record.LastCheckpoint)
}

// Interrupted implements trainer.Interrupted. It saves the run after any error after which
// the trainer leaves it in a state that can be resumed.
func (c *Checkpoint) Interrupted(_ context.Context, s *trainer.State, _ error) error {
	if c.run.saved.IsZero() { // training has not begun, so an existing checkpoint is still up to date
		return nil
	}
	return c.saveIfPossible(s)
}

// Snapshot implements trainer.Snapshotter. The state is the best reading so far.
func (c *Checkpoint) Snapshot() ([]byte, error) {
	return trainer.EncodeState(checkpointState{c.run.best})
}

// Restore implements trainer.Snapshotter.
func (c *Checkpoint) Restore(data []byte) error {
	var state checkpointState
	err := trainer.DecodeState(data, &state)
	c.run.best = state.Best
	return err
}

// checkpointState is the part of a Checkpoint's state that is saved.
type checkpointState struct{ Best *trainer.Reading }

// Reset implements trainer.Resetter.
func (c *Checkpoint) Reset() { c.run = checkpointing{} }
