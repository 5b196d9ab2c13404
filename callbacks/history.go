package callbacks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/hessoscope/hessoscope/callbacks/stopping"
)

// Entry is a line that a JSONL wrote.
type Entry = stopping.Entry

// ReadHistory reads what a JSONL wrote, in the order of epochs. A last line
// without its end, left by a run that was killed, is left out.
func ReadHistory(path string) ([]Entry, error) {
	data, err := os.ReadFile(path)
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
		entry := Entry{Epoch: -1}
		if err := json.Unmarshal(line, &entry); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		if n := len(history); entry.Epoch < 0 || n > 0 && entry.Epoch <= history[n-1].Epoch {
			return nil, fmt.Errorf("%s:%d: epoch %d; want epochs that count up from 0", path, number, entry.Epoch)
		}
		history = append(history, entry)
	}
}
