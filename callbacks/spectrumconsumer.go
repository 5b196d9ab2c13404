package callbacks

import (
	"context"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// A SpectrumConsumer is a hook that uses the eigenpairs that a Spectrum measures.
// It calls Spectrum.Subscribe when training begins.
type SpectrumConsumer interface {
	trainer.Hook
	// Consume is called with every spectrum that is measured, at the end of the
	// epoch. It is part of the measurement: after an error, the whole measurement
	// is repeated when the run is resumed. Consume may record metrics that the
	// hook declares as a trainer.Meter. The arrays that it returns are stored with
	// the eigenpairs; their names must be unique. It must not change the
	// eigenvectors.
	Consume(ctx context.Context, m *analysis.Measurement, state *trainer.State) ([]weights.Array, error)
}
