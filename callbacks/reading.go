package callbacks

import "github.com/hessoscope/hessoscope/trainer"

// reading is a value of a metric. A measurement collects its readings and records
// them when it is complete, so that one that fails records nothing.
type reading struct {
	metric string
	value  float64
}

// recordAll records readings. It stops at the first error.
func recordAll(state *trainer.State, readings []reading) error {
	for _, r := range readings {
		if err := state.Record(r.metric, r.value); err != nil {
			return err
		}
	}
	return nil
}

// atPace measures, and records the readings, if the schedule has work of this cost due
// at the pace. measure returns also the work done, in gradients of one sample. After an
// error the pace is as it was, since EpochEnd is called again when the run is resumed.
func atPace(state *trainer.State, pace *trainer.Pace, schedule trainer.Schedule, cost float64, measure func() ([]reading, float64, error)) error {
	before := *pace
	if !pace.Due(schedule, state, cost) {
		return nil
	}
	readings, work, err := measure()
	if err != nil {
		*pace = before
		return err
	}
	pace.Done(state, work)
	return recordAll(state, readings)
}

// indicator returns 1 for true and 0 for false.
func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
