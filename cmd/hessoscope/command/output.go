package command

import (
	"io"
	"sync"

	"github.com/hessoscope/hessoscope/callbacks/terminal"
)

// output has the streams that commands write to: results go to stdout, progress to
// stderr.
type output struct {
	stdout, stderr io.Writer
}

// stream is standard output or error. A write to it that fails, because its reader or
// its terminal is gone or its disk is full, interrupts the command as a signal does, so
// that what trains is saved. What is written later is dropped.
type stream struct {
	io.Writer
	interrupt func()

	mu  sync.Mutex
	err error // the first that Write met
}

// Write implements io.Writer. It never returns an error.
func (s *stream) Write(p []byte) (int, error) {
	if s.problem() != nil {
		return len(p), nil
	}
	if _, err := s.Writer.Write(p); err != nil {
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
		s.interrupt()
	}
	return len(p), nil
}

// problem returns the error that ended the stream, or nil.
func (s *stream) problem() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Columns returns the width of the terminal that the stream is, for terminal.Width.
func (s *stream) Columns() int { return terminal.Width(s.Writer) }
