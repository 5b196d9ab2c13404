package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Fault is the exit status of the command if its last line says what is wrong. A
// sweep shows this line for a run that failed.
const Fault = 2

// saveTime is the time after which an interrupted process that is still saving is
// killed. Its run can be resumed nevertheless.
const saveTime = time.Minute

// attach runs a process that ends when this one does. The standard input of the
// process is a pipe. A byte on it asks the process to save and exit, like an
// interrupt. Unlike a signal, the byte does not count as a second interrupt if the
// terminal has already sent one to both processes. The pipe closes however this
// process ends. See Obey.
func attach(ctx context.Context, executable string, args []string, processors int, log *os.File) error {
	cmd := exec.CommandContext(ctx, executable, args...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", processors))
	cmd.Stdout, cmd.Stderr = log, log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	cmd.Cancel = func() error {
		_, err := stdin.Write([]byte{'\n'})
		return err
	}
	cmd.WaitDelay = saveTime
	return cmd.Run()
}

// Obey is the counterpart of attach in the attached process. It reads the standard
// input until that is closed. It calls interrupt when the process is to save and
// exit, and gone when the other process has ended. The process may then exit
// immediately: its run can be resumed like one that was killed.
func Obey(stdin io.Reader, interrupt, gone func()) {
	for {
		n, err := stdin.Read(make([]byte, 1))
		if n > 0 {
			interrupt()
		}
		if err != nil {
			gone()
			return
		}
	}
}

// maxLine is the most bytes of a log that are searched for its last line.
const maxLine = 1 << 16

// lastLine returns the last line that a process wrote to its log after an offset, if
// it ended with the status Fault. Otherwise it returns how the process ended.
func lastLine(log *os.File, from int64, end error) string {
	if size, err := log.Seek(0, io.SeekEnd); err == nil {
		from = max(from, size-maxLine)
	}
	text, err := io.ReadAll(io.NewSectionReader(log, from, maxLine))
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	last := strings.TrimPrefix(string(lines[len(lines)-1]), "hessoscope: ")
	var exit *exec.ExitError
	switch {
	case errors.As(end, &exit) && exit.ExitCode() == Fault && last != "" && err == nil:
		return last
	case end != nil:
		return end.Error()
	default:
		return "it ended without finishing its run"
	}
}
