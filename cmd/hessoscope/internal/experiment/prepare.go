package experiment

import (
	"context"
	"fmt"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// Prepare loads the data and builds everything that is needed to train into dir. It
// finds what is wrong with the experiment before anything is written.
func (c *Config) Prepare(ctx context.Context, dir string, console Console) (*trainer.Trainer, error) {
	data, err := c.LoadData(ctx)
	if err != nil {
		return nil, err
	}
	model, err := c.BuildModel(data)
	if err != nil {
		return nil, err
	}
	if !c.Spectrum.Off {
		if err := c.Solver().Validate(models.Size(model)); err != nil {
			return nil, fmt.Errorf("spectrum: %w", err)
		}
	}
	hooks, err := c.hooks(record.Folder(dir), data.Width() == 2 && data.Classes != nil, console)
	if err != nil {
		return nil, err
	}
	settings := c.Trainer()
	if settings.Loss, err = c.Loss(data); err != nil {
		return nil, fmt.Errorf("training.class_weights: %w", err)
	}
	t, err := trainer.New(settings, model, data, hooks...)
	if err != nil {
		return nil, err
	}
	kept, err := c.checkMemory(model, data, t.State().PlannedWork())
	if err != nil {
		return nil, err
	}
	for _, h := range hooks {
		if s, is := h.(*callbacks.Spectrum); is {
			s.Memory = kept
		}
	}
	if c.Checkpoint.Best != "" {
		m, err := t.State().Metric(c.Checkpoint.Best)
		if err != nil {
			return nil, fmt.Errorf("checkpoint.best: %w", err)
		}
		if m.Better == trainer.Neither {
			return nil, fmt.Errorf("checkpoint.best: neither lower nor higher values of %s are better; choose another metric", m.Name)
		}
	}
	return t, strictyaml.Keyed[Config](trainer.Below("Stop", c.earlyStopping(nil).Check(t.State())))
}
