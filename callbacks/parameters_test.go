package callbacks_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

func flat(m models.Model) []float64 {
	var all []float64
	for _, p := range m.Parameters() {
		all = append(all, models.Values(p.Value)...)
	}
	return all
}

// The start is that of the run, also after it was interrupted and resumed.
func TestParametersOfAResumedRun(t *testing.T) {
	halfway := errors.New("halfway")
	var saved *trainer.Checkpoint
	tr, model := newTraining(t, &callbacks.Parameters{}, &probe{epochEnd: func(_ context.Context, s *trainer.State) error {
		if s.Epoch < 3 {
			return nil
		}
		var err error
		if saved, err = s.Checkpoint(); err != nil {
			return err
		}
		return halfway
	}})
	start := flat(model)
	if _, err := tr.Run(t.Context()); !errors.Is(err, halfway) {
		t.Fatal(err)
	}
	resumed, model := newTraining(t, &callbacks.Parameters{}, &probe{})
	if err := resumed.Restore(saved); err != nil {
		t.Fatal(err)
	}
	if _, err := resumed.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	end := flat(model)
	for metric, want := range map[string]float64{
		record.ParameterNorm:     floats.Norm(end, 2),
		record.ParameterDistance: floats.Distance(end, start, 2),
	} {
		have, ok := resumed.State().Fresh(metric)
		if !ok || math.Abs(have-want) > 1e-12*want {
			t.Errorf("%s is %v, %v; want %v", metric, have, ok, want)
		}
	}
}
