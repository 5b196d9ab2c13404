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

// indicator returns 1 for true and 0 for false.
func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
