package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

// A Tail reads the history of a run while the run writes it.
type Tail struct {
	Path string // of a metrics.jsonl; it may not exist yet

	offset int64 // size of the lines that were read
	lines  lineReader
	last   *Entry
}

// Next returns the entries of later epochs that were written since the last call. The
// first entry may be of the last epoch of the call before: it then has more metrics and
// takes the place of that one. A run that is resumed cuts its history back and repeats
// some epochs; they were returned before and are left out.
func (t *Tail) Next() ([]Entry, error) {
	file, size, err := durable.Open(t.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if size > maxHistory {
		return nil, fmt.Errorf("%s: has %d bytes; want at most %d", t.Path, size, maxHistory)
	}
	if size >= t.offset {
		entries, err := t.read(file, size)
		if err == nil {
			return entries, nil
		}
	}
	t.offset, t.lines = 0, lineReader{} // the history was cut back, and may have grown again
	return t.read(file, size)
}

// read reads the whole lines between offset and size.
func (t *Tail) read(file io.ReaderAt, size int64) ([]Entry, error) {
	data := make([]byte, size-t.offset)
	if _, err := file.ReadAt(data, t.offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	offset, lines, last := t.offset, t.lines, t.last
	var entries []Entry
	for {
		line, rest, whole := bytes.Cut(data, []byte("\n"))
		if !whole {
			t.offset, t.lines, t.last = offset, lines, last
			return entries, nil
		}
		data = rest
		entry, err := lines.read(line)
		if err == nil && entry.Epoch < 0 {
			err = errors.New("is no line of metrics")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %.60q, after %d bytes, %w", t.Path, line, offset, err)
		}
		offset += int64(len(line)) + 1
		switch {
		case last == nil || entry.Epoch > last.Epoch:
			entries = append(entries, entry)
		case !entry.completes(*last):
			continue
		case len(entries) > 0:
			entries[len(entries)-1] = entry
		default:
			entries = append(entries, entry)
		}
		last = &entry
	}
}
