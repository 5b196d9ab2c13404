package callbacks

import (
	"context"
	"fmt"
	"math"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// Parameters records, after every epoch, how large the parameters θ are and how far
// they have moved from their start θ₀. Both are measures of complexity to compare
// those of the boundary with: Jiang et al. (2020), section 4.
type Parameters struct {
	start []float64 // θ₀
}

var (
	_ trainer.Meter         = (*Parameters)(nil)
	_ trainer.TrainBeginner = (*Parameters)(nil)
	_ trainer.EpochEnder    = (*Parameters)(nil)
	_ trainer.Resetter      = (*Parameters)(nil)
	_ trainer.Snapshotter   = (*Parameters)(nil)
)

// Name implements trainer.Hook.
func (*Parameters) Name() string { return "parameters" }

// Metrics implements trainer.Meter.
func (*Parameters) Metrics() []trainer.Metric {
	return []trainer.Metric{
		{Name: record.ParameterNorm, Meaning: "Euclidean norm of all parameters", Better: trainer.Lower, Detail: true},
		{Name: record.ParameterDistance, Meaning: "Euclidean distance of the parameters from those at the start", Better: trainer.Lower, Detail: true},
	}
}

// TrainBegin implements trainer.TrainBeginner.
func (p *Parameters) TrainBegin(_ context.Context, state *trainer.State) error {
	if p.start == nil {
		for _, parameter := range state.Model.Parameters() {
			p.start = append(p.start, models.Values(parameter.Value)...)
		}
	}
	return nil
}

// EpochEnd implements trainer.EpochEnder.
func (p *Parameters) EpochEnd(_ context.Context, state *trainer.State) error {
	if _, measured := state.Fresh(record.ParameterNorm); measured {
		return nil
	}
	if size := models.Size(state.Model); size != len(p.start) {
		return fmt.Errorf("the model has %d parameters, and %d at the start of the run", size, len(p.start))
	}
	norm, distance, at := 0.0, 0.0, 0
	for _, parameter := range state.Model.Parameters() {
		for _, value := range models.Values(parameter.Value) {
			norm += value * value
			moved := value - p.start[at]
			distance += moved * moved
			at++
		}
	}
	return recordAll(state, []reading{{record.ParameterNorm, math.Sqrt(norm)}, {record.ParameterDistance, math.Sqrt(distance)}})
}

// Snapshot implements trainer.Snapshotter.
func (p *Parameters) Snapshot() ([]byte, error) { return trainer.EncodeState(p.start) }

// Restore implements trainer.Snapshotter.
func (p *Parameters) Restore(data []byte) error { return trainer.DecodeState(data, &p.start) }

// Reset implements trainer.Resetter.
func (p *Parameters) Reset() { p.start = nil }
