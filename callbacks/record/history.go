package record

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

// Entry holds the metrics that were recorded at one epoch: a line of
// metrics.jsonl.
type Entry struct {
	Epoch   int                `json:"epoch"`   // epochs completed
	Step    int                `json:"step"`    // training steps completed
	Seconds float64            `json:"seconds"` // time the run had taken
	Metrics map[string]float64 `json:"metrics"` // by name; only those recorded at this epoch
}

// Fresh returns the value of a metric if it was recorded at this epoch.
func (e Entry) Fresh(metric string) (float64, bool) {
	value, ok := e.Metrics[metric]
	return value, ok
}

// The largest sizes of a history and of a line in it, in bytes: those of a million
// epochs with 30 metrics each, and of some 10,000 metrics.
const (
	maxHistory = 1 << 30
	maxLine    = 1 << 20
)

// ReadHistory reads a file that a callbacks.JSONL wrote, in the order of epochs.
// It ignores an incomplete last line, which a killed run may leave. Of two lines of
// an epoch the second counts, if it has more metrics: the epoch turned out to be the
// last after the first was written.
func ReadHistory(path string) ([]Entry, error) {
	data, err := durable.ReadText(path, maxHistory)
	if err != nil {
		return nil, err
	}
	var history []Entry
	for number := 1; ; number++ {
		line, rest, whole := bytes.Cut(data, []byte("\n"))
		if !whole {
			return history, nil
		}
		data = rest
		if len(line) > maxLine {
			return nil, fmt.Errorf("%s:%d: the line that begins with %.80q has %d bytes; want at most %d", path, number, line, len(line), maxLine)
		}
		entry := Entry{Epoch: -1}
		if err := json.Unmarshal(line, &entry); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		if n := len(history); n > 0 && entry.completes(history[n-1]) {
			history = history[:n-1]
		}
		if n := len(history); entry.Epoch < 0 || n > 0 && entry.Epoch <= history[n-1].Epoch {
			return nil, fmt.Errorf("%s:%d: epoch %d; want epochs that count up from 0", path, number, entry.Epoch)
		}
		history = append(history, entry)
	}
}

// completes reports whether e is of the same epoch as an earlier entry and has more
// metrics.
func (e Entry) completes(earlier Entry) bool {
	return e.Epoch == earlier.Epoch && e.Step == earlier.Step && len(e.Metrics) > len(earlier.Metrics)
}
