package callbacks

import (
	"github.com/hessoscope/hessoscope/trainer"
)

// seconds returns the time a run has taken, in seconds, rounded down to the
// millisecond.
func seconds(s *trainer.State) float64 { return float64(s.Elapsed().Milliseconds()) / 1000 }
