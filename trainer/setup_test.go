package trainer_test

import (
	"context"
	"slices"
	"testing"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

func load(t testing.TB, name string) *datasets.Dataset {
	t.Helper()
	data, err := datasets.Load(context.Background(), name, datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// newMLP returns a ReLU network for data, with the same parameters at every call.
func newMLP(t testing.TB, data *datasets.Dataset, precision tensor.Dtype, hidden ...int) *models.MLP {
	t.Helper()
	m, err := models.NewMLP(models.MLPConfig{
		Input: data.Width(), Hidden: hidden, Classes: len(data.Classes), Precision: precision,
	}, trainer.Stream(0, "init", 0))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newTrainer(t testing.TB, c trainer.Config, m models.Model, data *datasets.Dataset, hooks ...trainer.Hook) *trainer.Trainer {
	t.Helper()
	tr, err := trainer.New(c, m, data, hooks...)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// train runs to the end, which must be the end of all planned epochs.
func train(t testing.TB, c trainer.Config, m models.Model, data *datasets.Dataset, hooks ...trainer.Hook) *trainer.State {
	t.Helper()
	tr := newTrainer(t, c, m, data, hooks...)
	stop, err := tr.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if stop.Reason != trainer.Completed {
		t.Fatalf("stopped: %+v", stop)
	}
	return tr.State()
}

// flat returns all parameters as one vector.
func flat(m models.Model) []float64 {
	var all []float64
	for _, p := range m.Parameters() {
		all = append(all, models.Values(p.Value)...)
	}
	return all
}

func wantSame(t testing.TB, what string, got, want []float64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: not the same bits", what)
	}
}

func wantError(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
}

// probe is a hook for every event. It calls on with the name of the event.
type probe struct {
	name    string
	phase   trainer.Phase
	metrics []trainer.Metric
	on      func(ctx context.Context, event string, s *trainer.State) error
}

func (p *probe) fire(ctx context.Context, event string, s *trainer.State) error {
	if p.on == nil {
		return nil
	}
	return p.on(ctx, event, s)
}

func (p *probe) Name() string              { return p.name }
func (p *probe) Phase() trainer.Phase      { return p.phase }
func (p *probe) Metrics() []trainer.Metric { return p.metrics }

func (p *probe) TrainBegin(ctx context.Context, s *trainer.State) error {
	return p.fire(ctx, "TrainBegin", s)
}

func (p *probe) TrainEnd(ctx context.Context, s *trainer.State) error {
	return p.fire(ctx, "TrainEnd", s)
}

func (p *probe) EpochBegin(ctx context.Context, s *trainer.State) error {
	return p.fire(ctx, "EpochBegin", s)
}

func (p *probe) EpochEnd(ctx context.Context, s *trainer.State) error {
	return p.fire(ctx, "EpochEnd", s)
}

func (p *probe) BatchEnd(ctx context.Context, s *trainer.State) error {
	return p.fire(ctx, "BatchEnd", s)
}

func (p *probe) ValidationEnd(ctx context.Context, s *trainer.State) error {
	return p.fire(ctx, "ValidationEnd", s)
}

func (p *probe) Interrupted(ctx context.Context, s *trainer.State, _ error) error {
	return p.fire(ctx, "Interrupted", s)
}
