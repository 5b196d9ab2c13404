package trainer

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Notes returns what the user of the run should know, a sentence each: what was
// changed in reading the data (datasets.Dataset.Notes), in what way
// the model is measured differently from how it is trained (models.Notes), and
// where the loss that is measured is not the one trained by, and what the hooks add,
// such as what a budget does not pay for. Some come after the first batch.
func (s *State) Notes() []string { return slices.Concat(s.Data.Notes, models.Notes(s.Model), s.notes) }

// Note adds a note, a sentence. A hook adds those that come before training in
// TrainBegin.
func (s *State) Note(note string) { s.notes = append(s.notes, note) }

// checkModel returns an error if the logits are probabilities, and compares the
// losses that the model and the settings name.
func (e *Session) checkModel(ctx context.Context) error {
	s := e.state
	split := &s.Data.Splits[0]
	if _, linear := s.Model.(*models.MLP); !linear && split.Labels != nil { // an MLP ends in a linear layer
		if err := models.CheckLogits(ctx, s.Model, split); err != nil {
			return fmt.Errorf("trainer: %w", err)
		}
	}
	if own := models.LossOf(s.Model); own != models.CrossEntropy && own != s.Loss {
		if err := e.compareLosses(ctx, own, split); err != nil {
			return err
		}
	}
	var err error
	e.lossCheck, err = models.NewLossCheck(s.Model, s.Loss, split)
	return err
}

// compareLosses adds a note if the loss of the settings is not the model's own.
func (e *Session) compareLosses(ctx context.Context, own models.Loss, split *datasets.Split) error {
	var values [2]float64
	for i, loss := range []models.Loss{own, e.state.Loss} {
		o, err := models.NewObjective(e.state.Model, loss, split, models.ObjectiveSettings{})
		if err != nil {
			return err
		}
		value, err := o.Evaluate(ctx)
		if err != nil {
			return err
		}
		values[i] = value.Loss
	}
	if math.Abs(values[0]-values[1]) > 1e-6*math.Max(math.Abs(values[0]), math.Abs(values[1])) {
		e.state.Note(fmt.Sprintf("the cost of the graph is %.6g on the split %s, and the %s that is measured %.6g: leave SessionSettings.Loss out to measure the cost",
			values[0], split.Name, e.state.Loss.Name(), values[1]))
	}
	return nil
}

// checkBatch compares the loss of the first batch, before whose step the session
// began, with the one that is measured.
func (e *Session) checkBatch(ctx context.Context, step int, loss float64) error {
	check := e.lossCheck
	e.lossCheck = nil
	if check == nil || step != e.state.Step+1 {
		return nil
	}
	note, err := check.Note(ctx, loss)
	if note != "" {
		e.state.Note(note)
	}
	return err
}
