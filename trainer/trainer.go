package trainer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Config holds the settings of training. Rate is required. The zero value of
// every other field is a valid setting.
type Config struct {
	Epochs    int
	BatchSize int // samples per step; the whole split if zero or larger than it
	Rate      RateSchedule
	Optimizer UpdateRule // OptimizerConfig{}, plain gradient descent, if nil
	// ClipNorm is the largest norm of a mini-batch's gradient: a larger gradient
	// is scaled down to it. No clipping if zero.
	ClipNorm float64
	// Augmentation changes the images of every mini-batch at random, by Seed. All
	// measurements and evaluations see the images as they are.
	Augmentation datasets.Augmentation
	Loss         models.Loss // CrossEntropy if nil
	Seed         uint64
	Evaluate     Schedule // as in SessionSettings
	Workers      int      // as in SessionSettings
}

// Validate returns a *FieldError for the first invalid field.
func (c Config) Validate() error {
	switch {
	case c.Epochs < 0:
		return wrong("Epochs", "is %d; want 0 or more", c.Epochs)
	case c.BatchSize < 0:
		return wrong("BatchSize", "is %d; want 0, for the whole split, or more", c.BatchSize)
	case !(c.ClipNorm >= 0) || math.IsInf(c.ClipNorm, 0):
		return wrong("ClipNorm", "is %g; want 0, for no clipping, or more", c.ClipNorm)
	}
	if err := c.Augmentation.Validate(); err != nil {
		return wrong("Augmentation", "is invalid: %v", err)
	}
	if c.Rate == nil {
		return wrong("Rate", "is missing; want Rate{Base: η} or a schedule of your own")
	}
	return cmp.Or(Below("Rate", validate(c.Rate)), Below("Optimizer", validate(c.Optimizer)), Below("Evaluate", c.Evaluate.Validate()))
}

// validate calls the Validate method of a part of the configuration, if it has
// one.
func validate(part any) error {
	if v, ok := part.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

// Trainer trains one model on the "train" split of one data set.
type Trainer struct {
	config    Config
	session   *Session
	train     *datasets.Split
	order     []int // the samples, in the order of the current epoch
	stepper   *stepper
	optimizer Optimizer
	good      good

	position
}

// position is how far a run has come.
type position struct {
	epoch   int     // current epoch
	batch   int     // batches of this epoch that are done
	lossSum float64 // sum of the mini-batch losses of the epoch so far
}

// good is what the model is set back to when a loss is not finite: the start of the
// epoch, or the checkpoint from which the run was resumed.
type good struct {
	epoch, step int
	stop        *Stop
	readings    map[string]Reading
	tensors     []*tensor.Dense // parameters and buffers
}

// New returns a trainer of model on the "train" split of data. It declares the
// metrics of the hooks, so that a hook that reads an undeclared metric can return
// an error when training begins.
func New(c Config, model models.Model, data *datasets.Dataset, hooks ...Hook) (*Trainer, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	if err := checkSubject(model, data); err != nil {
		return nil, err
	}
	train, err := data.Split("train")
	if err != nil {
		return nil, err
	}
	if c.BatchSize == 0 || c.BatchSize > train.Len() {
		c.BatchSize = train.Len()
	}
	if fixed, ok := model.(models.Fixed); ok && c.BatchSize > fixed.BatchSize() {
		return nil, fmt.Errorf("trainer: batch size %d; the model's graph holds %d", c.BatchSize, fixed.BatchSize())
	}
	if models.WholeBatches(model) && (c.BatchSize != model.(models.Fixed).BatchSize() || train.Len()%c.BatchSize != 0) {
		return nil, fmt.Errorf("trainer: batch size %d for %d samples; the samples of a batch depend on each other, and the model's graph holds %d", c.BatchSize, train.Len(), model.(models.Fixed).BatchSize())
	}
	session, err := NewSession(model, data, SessionSettings{
		Loss: c.Loss, Epochs: c.Epochs, Seed: c.Seed, Evaluate: c.Evaluate, Workers: c.Workers,
	}, hooks...)
	if err != nil {
		return nil, err
	}
	t := &Trainer{config: c, session: session, train: train, order: make([]int, train.Len())}
	t.config.Loss = session.state.Loss
	augment, err := newAugmenter(c.Augmentation, data, c.Seed)
	if err != nil {
		return nil, err
	}
	t.stepper = newStepper(model, session.state.Loss, train, c.Seed, augment)
	if err := t.checkBatches(); err != nil {
		return nil, err
	}
	if c.Optimizer == nil {
		c.Optimizer = OptimizerConfig{}
	}
	if t.optimizer, err = c.Optimizer.NewOptimizer(model.Parameters()); err != nil {
		return nil, err
	}
	session.state.Steps = t.batches()
	session.state.snapshot = t.capture
	session.state.ended = c.Epochs == 0 // the untrained network is the last epoch
	return t, session.state.metrics.declare(
		Metric{Name: "train/batch_loss", Heading: "batch loss", Meaning: "mean loss of the epoch's mini-batches, each before its step", Better: Lower, Detail: true},
		Metric{Name: "train/learning_rate", Heading: "rate", Meaning: "learning rate of the epoch", Detail: true},
	)
}

// checkBatches returns the error of a training form that does not exist for a size
// of mini-batch, such as batch normalisation of a single sample.
func (t *Trainer) checkBatches() error {
	if _, ok := t.session.state.Model.(models.TrainingForm); !ok {
		return nil
	}
	for _, n := range []int{t.config.BatchSize, len(t.order) % t.config.BatchSize} {
		if n == 0 {
			continue
		}
		if _, err := t.stepper.batch(n); err != nil {
			return fmt.Errorf("trainer: mini-batches of %d of %d samples: %w", n, len(t.order), err)
		}
	}
	return nil
}

// State returns the State that the hooks read.
func (t *Trainer) State() *State { return t.session.state }

// batches returns the number of mini-batches of an epoch. The last one may be
// smaller than the others.
func (t *Trainer) batches() int {
	return (len(t.order) + t.config.BatchSize - 1) / t.config.BatchSize
}

// Run trains until the planned epochs are done or a hook requests a stop, and
// returns why training ended. If ctx is cancelled, the current step or
// measurement is completed or abandoned, and the error wraps that of ctx; a
// checkpoint that is taken then continues exactly from there. If a loss, a gradient
// or a metric is NaN or infinite, the run ends: the parameters are set back to the end of
// the previous epoch, and the error wraps models.ErrNotFinite. Hooks still remember what
// came after that epoch, so no checkpoint can be taken any more (ErrAfterNotFinite). The run can be
// resumed, with a lower rate, from one that was taken before.
func (t *Trainer) Run(ctx context.Context) (Stop, error) {
	if err := t.run(ctx); err != nil {
		if errors.Is(err, models.ErrNotFinite) {
			err = t.rollBack(err)
		}
		return StopOf(err), t.session.interrupted(ctx, err)
	}
	return t.session.state.Ended(), nil
}

func (t *Trainer) run(ctx context.Context) error {
	if err := t.session.begin(ctx); err != nil {
		return err
	}
	for {
		if err := t.runEpoch(ctx); err != nil {
			return err
		}
		if _, stopped := t.session.Stopped(); stopped || t.epoch == t.config.Epochs {
			break
		}
		t.position = position{epoch: t.epoch + 1}
	}
	// In a checkpoint that is taken from here on, the epoch is complete.
	t.session.stage = len(t.session.stages())
	return t.session.trainEnd(ctx)
}

// runEpoch completes the current epoch: its remaining batches and the stages of
// its end. Epoch 0 has no batches.
func (t *Trainer) runEpoch(ctx context.Context) error {
	if t.epoch > 0 {
		if err := t.trainEpoch(ctx); err != nil {
			return err
		}
	}
	s := t.session.state
	s.Epoch = t.epoch
	if err := t.recordEpoch(); err != nil {
		return err
	}
	return t.session.end(ctx)
}

// recordEpoch records the trainer's own metrics of the current epoch.
func (t *Trainer) recordEpoch() error {
	if t.epoch == 0 {
		return nil
	}
	s := t.session.state
	if err := s.Record("train/batch_loss", t.lossSum/float64(t.batches())); err != nil {
		return err
	}
	return s.Record("train/learning_rate", s.LearningRate)
}

// trainEpoch runs the remaining batches of the current epoch.
func (t *Trainer) trainEpoch(ctx context.Context) error {
	s := t.session.state
	s.LearningRate = t.config.Rate.At(t.epoch, t.config.Epochs)
	if !(s.LearningRate >= 0) || math.IsInf(s.LearningRate, 0) {
		return fmt.Errorf("trainer: the learning rate of epoch %d is %g; want a finite number, 0 or more", t.epoch, s.LearningRate)
	}
	t.shuffle()
	if err := t.cancelled(ctx); err != nil {
		return err
	}
	if t.batch == 0 {
		t.keepGood()
		if err := fire(t.session.hooks, func(h EpochBeginner) error { return h.EpochBegin(ctx, s) }); err != nil {
			return err
		}
	}
	for t.batch < t.batches() {
		if err := t.step(ctx); err != nil {
			return err
		}
		// Check after the step: an epoch that has begun then has at least one
		// batch done, so that a resumed run does not begin it again.
		if err := t.cancelled(ctx); err != nil {
			return err
		}
	}
	return nil
}

// cancelled returns the error of ctx, wrapped with the current epoch and step.
func (t *Trainer) cancelled(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("trainer: epoch %d, step %d: %w", t.epoch, t.session.state.Step, err)
	}
	return nil
}

// shuffle orders the samples for the current epoch. Each epoch has a random
// stream of its own, so that it can be repeated without the epochs before it.
func (t *Trainer) shuffle() {
	for i := range t.order {
		t.order[i] = i
	}
	if t.batches() > 1 {
		Stream(t.config.Seed, "shuffle", t.epoch).Shuffle(len(t.order), func(i, j int) {
			t.order[i], t.order[j] = t.order[j], t.order[i]
		})
	}
}

// step trains on one mini-batch.
func (t *Trainer) step(ctx context.Context) error {
	s := t.session.state
	first := t.batch * t.config.BatchSize
	rows := t.order[first:min(first+t.config.BatchSize, len(t.order))]
	loss, norm, err := t.stepper.gradient(rows, s.Step+1)
	if err != nil {
		return fmt.Errorf("trainer: epoch %d, step %d: %w", t.epoch, s.Step+1, err)
	}
	scale := 1.0
	if c := t.config.ClipNorm; c > 0 && norm > c {
		scale = c / norm
	}
	t.optimizer.Step(s.Step+1, s.LearningRate, scale, t.stepper.grads)
	t.lossSum += loss
	t.batch++
	s.work += float64(len(rows))
	return t.session.batchEnd(ctx, s.Step+1, loss)
}

// live returns the tensors that training changes: the parameters, the buffers, and
// the state of the optimizer under "optimizer/…".
func (t *Trainer) live() []models.Parameter {
	live := models.State(t.session.state.Model)
	for _, p := range t.optimizer.State() {
		live = append(live, models.Parameter{Name: "optimizer/" + p.Name, Value: p.Value})
	}
	return live
}

// capture takes a snapshot of the run as it is now.
func (t *Trainer) capture() (*Checkpoint, error) {
	s := t.session.state
	hooks, err := t.session.snapshots()
	if err != nil {
		return nil, err
	}
	return &Checkpoint{
		Progress: Progress{
			Format: checkpointFormat, Epoch: t.epoch, Batch: t.batch, Stage: t.session.stage, Step: s.Step,
			Seed: s.Seed, Data: s.DataFingerprint(), Optimizer: t.optimizer.Name(), Minimised: s.Loss.Name(), BatchSize: t.config.BatchSize,
			Augmentation: &t.config.Augmentation, Hooks: t.session.hookNames(),
			Elapsed: s.Elapsed(), Loss: t.lossSum, BatchLoss: s.BatchLoss, Work: s.work, Metrics: maps.Clone(s.metrics.last), Start: s.start, Stop: s.stop,
		},
		Arrays: models.Export(t.live()),
		Data:   s.Data.Schema(),
		Hooks:  hooks,
	}, nil
}

// keepGood copies the current state to t.good.
func (t *Trainer) keepGood() {
	s := t.session.state
	t.good = good{epoch: s.Epoch, step: s.Step, stop: s.stop, readings: maps.Clone(s.metrics.last), tensors: t.good.tensors}
	for i, p := range models.State(s.Model) {
		if i == len(t.good.tensors) {
			t.good.tensors = append(t.good.tensors, tensor.New(tensor.WithShape(p.Value.Shape()...), tensor.Of(p.Value.Dtype())))
		}
		copyTensor(t.good.tensors[i], p.Value)
	}
}

// rollBack sets the model and its readings back to t.good, and adds this to the error.
func (t *Trainer) rollBack(err error) error {
	if t.good.tensors == nil {
		return fmt.Errorf("%w; the cause is in the initial parameters or in the data", err)
	}
	s := t.session.state
	for i, p := range models.State(s.Model) {
		copyTensor(p.Value, t.good.tensors[i])
	}
	s.Epoch, s.Step, s.stop, s.metrics.last = t.good.epoch, t.good.step, t.good.stop, maps.Clone(t.good.readings)
	return fmt.Errorf("%w; the model is set back to epoch %d, step %d: lower the learning rate (%g) or clip the gradient", err, s.Epoch, s.Step, s.LearningRate)
}

func copyTensor(dst, src *tensor.Dense) {
	if src.Dtype() == tensor.Float32 {
		copy(dst.Float32s(), src.Float32s())
		return
	}
	copy(dst.Float64s(), src.Float64s())
}
