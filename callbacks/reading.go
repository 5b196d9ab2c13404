package callbacks

import "github.com/hessoscope/hessoscope/trainer"

// reading is a value of a metric, recorded when a measurement is complete.
type reading struct {
	metric string
	value  float64
}

// recordAll records readings, the first error ends it.
func recordAll(state *trainer.State, readings []reading) error {
	for _, r := range readings {
		if err := state.Record(r.metric, r.value); err != nil {
			return err
		}
	}
	return nil
}

// indicator is 1 for true.
func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
