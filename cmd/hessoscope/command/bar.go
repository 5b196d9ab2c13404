package command

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar shows the progress of a long measurement on a terminal. The zero value shows
// nothing.
type bar struct{ *progressbar.ProgressBar }

func newBar(w io.Writer, what string) bar {
	if !isTerminal(w) {
		return bar{}
	}
	return bar{progressbar.NewOptions(1, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what),
		progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))}
}

func (b bar) show(done, total int) {
	if b.ProgressBar != nil {
		b.ChangeMax(total)
		_ = b.Set(done) // ignore errors of drawing
	}
}

func (b bar) pairs(converged, wanted, applications int) {
	if b.ProgressBar != nil {
		b.Describe(fmt.Sprintf("eigenvalues (%d H·v)", applications))
		b.show(converged, wanted)
	}
}

func (b bar) clear() {
	if b.ProgressBar != nil {
		_ = b.Finish()
	}
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}
