package command

import (
	"fmt"
	"io"
	"time"

	"github.com/hessoscope/hessoscope/callbacks/terminal"
)

// bar shows the progress of a long measurement on a terminal. A nil one shows nothing.
type bar struct {
	line  *terminal.Line
	what  string
	began time.Time
	shown time.Time
}

const barEvery = 100 * time.Millisecond

// newBar returns nil if w is not a terminal on which a line can be erased.
func newBar(w io.Writer, what string) *bar {
	if !terminal.Interactive(w) {
		return nil
	}
	return &bar{line: &terminal.Line{Out: w}, what: what, began: time.Now()}
}

func (b *bar) show(done, total int) {
	if b == nil || time.Since(b.shown) < barEvery {
		return
	}
	b.shown = time.Now()
	text := fmt.Sprintf("%s, %d of %d", b.what, done, total)
	part := float64(done) / float64(max(total, 1))
	if part > 0 {
		left := time.Duration(float64(time.Since(b.began)) * (1 - part) / part)
		text += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	b.line.Show(part, text)
}

func (b *bar) pairs(converged, wanted, applications int) {
	if b != nil {
		b.what = fmt.Sprintf("eigenvalues (%d H·v)", applications)
		b.show(converged, wanted)
	}
}

func (b *bar) clear() {
	if b != nil {
		b.line.Clear()
	}
}
