package callbacks

import (
	"context"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// A SpectrumConsumer is a hook that reads more out of the eigenpairs that a
// Spectrum measures. It calls Spectrum.Subscribe when training begins.
type SpectrumConsumer interface {
	trainer.Hook
	// Consume is called with every spectrum that is measured, at the end of the
	// epoch and as a part of the measurement: after an error, all of it is
	// repeated when the run is resumed. It may record metrics that the hook
	// declares as a trainer.Meter. The arrays that it returns are stored with the
	// eigenpairs, under names of their own. The eigenvectors must not be changed.
	Consume(ctx context.Context, m *analysis.Measurement, state *trainer.State) ([]weights.Array, error)
}
