package callbacks

import (
	"github.com/hessoscope/hessoscope/trainer"
)

// seconds is the time a run has taken, to the millisecond.
func seconds(s *trainer.State) float64 { return float64(s.Elapsed().Milliseconds()) / 1000 }

// stopped is why a run ends that was not interrupted.
func stopped(s *trainer.State) trainer.Stop {
	if stop, ok := s.Stopped(); ok {
		return stop
	}
	return trainer.Stop{Reason: trainer.Completed}
}
