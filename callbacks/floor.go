package callbacks

import "github.com/hessoscope/hessoscope/trainer"

// What a hook may spend at the end of a run, in seconds of one core, where the share of
// its budget is less. So a run that takes a fraction of a second ends with measurements
// that others can be compared with.
const (
	spectrumFloor = 1
	marginFloor   = 0.25
)

// withFloor returns the work that a budget leaves, or the work of some seconds if that is
// more and the parameters at the current epoch are those that the run ends with.
func withFloor(state *trainer.State, left, seconds float64) float64 {
	if !state.Final() || restoresEarlier(state) {
		return left
	}
	return max(left, seconds*state.Second())
}

// restoresEarlier reports whether the parameters of an earlier epoch will be put back if
// the run ends at the current one. They are measured then.
func restoresEarlier(state *trainer.State) bool {
	for _, h := range state.Hooks() {
		if e, is := h.(*EarlyStopping); is && e.restoresEarlier(state) {
			return true
		}
	}
	return false
}
