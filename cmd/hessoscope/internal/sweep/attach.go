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

// Fault is the exit status of the command when its last line tells what is
// wrong: this line is what a sweep tells of a run that failed.
const Fault = 2

// saveTime is how long an interrupted process may take to save before it is
// killed; it can be resumed then, too.
const saveTime = time.Minute

// attach runs a process that ends when this one does. Its standard input is a
// pipe: a byte asks it to save and end, as an interrupt would, but for one that
// a terminal sends to both processes it does not count as the second; and the
// pipe closes however this process ends. See Obey.
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

// Obey is the other end of attach, in the process, whose standard input it reads
// as long as that is open. It calls interrupt when the process is to save and
// end, and gone when the other process is no more: a run that ends at once then
// can be resumed as one that was killed.
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

// lastLine is what a process has written last, from an offset on; how it ended
// where it has written nothing.
func lastLine(log *os.File, from int64, end error) string {
	text, err := io.ReadAll(io.NewSectionReader(log, from, 1<<62))
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
