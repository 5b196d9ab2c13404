package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

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

// Object returns the entry as the JSON object that is its line in a history, but for the
// checksum: with those of the metrics that it has, in their order.
func (e Entry) Object(metrics []string) ([]byte, error) {
	object := fmt.Appendf(nil, "{\"epoch\": %d, \"step\": %d, \"seconds\": %v, \"metrics\": {", e.Epoch, e.Step, e.Seconds)
	separator := ""
	for _, metric := range metrics {
		value, fresh := e.Fresh(metric)
		if !fresh {
			continue
		}
		key, err1 := Marshal(metric, "")
		number, err2 := Marshal(value, "")
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		object = fmt.Appendf(object, "%s%s: %s", separator, key, number)
		separator = ", "
	}
	return append(object, "}}"...), nil
}

// Columns returns the header of the table beside a history, of the metrics after Fixed
// columns.
func Columns(metrics []string) []string {
	return append([]string{"epoch", "step", "seconds"}, metrics...)
}

// Fixed is the number of columns of a table before those of the metrics.
const Fixed = 3

// Row returns the entry as a row of the table beside a history. The cells of metrics that
// it does not have are empty.
func (e Entry) Row(metrics []string) []string {
	row := []string{strconv.Itoa(e.Epoch), strconv.Itoa(e.Step), fmt.Sprint(e.Seconds)}
	for _, metric := range metrics {
		cell := ""
		if value, fresh := e.Fresh(metric); fresh {
			cell = strconv.FormatFloat(value, 'g', -1, 64)
		}
		row = append(row, cell)
	}
	return row
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
// last after the first was written. A line that does not have the checksum with which it
// was written is an error; older versions wrote none.
func ReadHistory(path string) ([]Entry, error) {
	data, err := durable.ReadText(path, maxHistory)
	if err != nil {
		return nil, err
	}
	history, problems := parseHistory(path, data, 1)
	return history, errors.Join(problems...)
}

// Damage returns an error for each line of a history that cannot be read or does not have
// the checksum with which it was written. The history is the content of the file at path.
func Damage(path string, history []byte) []error {
	_, problems := parseHistory(path, history, math.MaxInt)
	return problems
}

// parseHistory parses the lines of a history until it has met a number of problems.
func parseHistory(path string, data []byte, most int) (history []Entry, problems []error) {
	var lines lineReader
	for number := 1; len(problems) < most; number++ {
		line, rest, whole := bytes.Cut(data, []byte("\n"))
		if !whole {
			return history, problems
		}
		data = rest
		entry, err := lines.read(line)
		if n := len(history); err == nil && n > 0 && entry.completes(history[n-1]) {
			history = history[:n-1]
		}
		if n := len(history); err == nil && (entry.Epoch < 0 || n > 0 && entry.Epoch <= history[n-1].Epoch) {
			err = fmt.Errorf("epoch %d; want epochs that count up from 0", entry.Epoch)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", path, number, err))
			continue
		}
		history = append(history, entry)
	}
	return nil, problems
}

// lineReader reads the lines of a history one after another. The zero value is at the
// beginning of the file.
type lineReader struct {
	sum   uint32 // of the lines that were read, as the last of them states it
	begun bool
	seals bool // whether lines have checksums
}

// read parses a line, without its end.
func (l *lineReader) read(line []byte) (Entry, error) {
	has, after, damage := checkSeal(l.sum, line, "}")
	mixed := l.begun && has != l.seals
	l.sum, l.begun, l.seals = checksum(after, []byte("\n")), true, has || l.seals
	entry := Entry{Epoch: -1}
	if len(line) > maxLine {
		return entry, fmt.Errorf("the line that begins with %.80q has %d bytes; want at most %d", line, len(line), maxLine)
	}
	if damage != nil {
		return entry, damage
	}
	if err := json.Unmarshal(line, &entry); err != nil {
		return entry, err
	}
	if mixed {
		return entry, fmt.Errorf("is damaged: of this line and those before it only some have a checksum%s", mend)
	}
	return entry, nil
}

// AppendEntry appends a line of a history, a JSON object, with the checksum of the file up
// to there.
func (a *AppendFile) AppendEntry(object []byte) error {
	return a.Append(SealEntry(a.sum, object))
}

// SealEntry returns the line that AppendEntry appends to a file whose CRC-32 sum (IEEE) is
// sum.
func SealEntry(sum uint32, object []byte) []byte { return seal(sum, object, "}", ", ", "}\n") }

// completes reports whether e is of the same epoch as an earlier entry and has more
// metrics.
func (e Entry) completes(earlier Entry) bool {
	return e.Epoch == earlier.Epoch && e.Step == earlier.Step && len(e.Metrics) > len(earlier.Metrics)
}
