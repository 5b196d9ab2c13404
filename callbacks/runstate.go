package callbacks

import (
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

// entryOf returns the entry of the current epoch in a history, and the names of all
// metrics in the order of their declaration.
func entryOf(s *trainer.State) (entry record.Entry, metrics []string) {
	entry = record.Entry{Epoch: s.Epoch, Step: s.Step, Seconds: seconds(s), Metrics: make(map[string]float64)}
	for _, m := range s.Metrics() {
		metrics = append(metrics, m.Name)
		if value, fresh := s.Fresh(m.Name); fresh {
			entry.Metrics[m.Name] = value
		}
	}
	return entry, metrics
}

// seconds returns the time a run has taken, in seconds, rounded down to the
// millisecond.
func seconds(s *trainer.State) float64 { return float64(s.Elapsed().Milliseconds()) / 1000 }
