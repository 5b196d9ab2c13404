package callbacks

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/hessoscope/hessoscope/trainer"
)

// Progress shows the progress of a run. If Out is a terminal, it draws a bar.
// Otherwise it writes a line every 10 seconds:
//
//	epoch 400/2000, loss 0.0123, 812 steps/s, 41.3s left
//
// Other writers to the same terminal must use Wrap. Write errors are ignored:
// training must continue when the terminal is closed.
type Progress struct {
	Out io.Writer // os.Stderr if nil

	mu    sync.Mutex // guards bar and the terminal
	bar   *progressbar.ProgressBar
	shown time.Time // when the bar or a line was last written
	every time.Duration
	begin progress // when this process began or resumed the run
}

// progress is the progress of a run at one time.
type progress struct {
	time time.Time
	step int
	part float64 // completed part of the run, 0 to 1; 0 if its length is not known
}

var (
	_ trainer.Hook          = (*Progress)(nil)
	_ trainer.Phased        = (*Progress)(nil)
	_ trainer.TrainBeginner = (*Progress)(nil)
	_ trainer.BatchEnder    = (*Progress)(nil)
	_ trainer.EpochEnder    = (*Progress)(nil)
	_ trainer.TrainEnder    = (*Progress)(nil)
	_ trainer.Interrupted   = (*Progress)(nil)
)

const (
	barEvery  = 100 * time.Millisecond
	lineEvery = 10 * time.Second
	barScale  = 1000 // length of the bar, in its own units
)

// Name implements trainer.Hook.
func (*Progress) Name() string { return "progress" }

// Phase implements trainer.Phased.
func (*Progress) Phase() trainer.Phase { return trainer.Record }

// TrainBegin implements trainer.TrainBeginner.
func (p *Progress) TrainBegin(_ context.Context, s *trainer.State) error {
	file, isFile := p.out().(interface{ Fd() uintptr })
	p.start(s, isFile && term.IsTerminal(int(file.Fd())))
	return nil
}

func (p *Progress) out() io.Writer {
	if p.Out == nil {
		return os.Stderr
	}
	return p.Out
}

func (p *Progress) start(s *trainer.State, terminal bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begin = progressOf(s)
	p.shown, p.every = p.begin.time, lineEvery
	if !terminal || s.Epochs == 0 {
		return
	}
	p.every = barEvery
	p.bar = progressbar.NewOptions(barScale,
		progressbar.OptionSetWriter(p.out()),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetPredictTime(false), // its prediction would ignore the epochs done before the run was resumed
		progressbar.OptionShowDescriptionAtLineEnd(),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
	)
}

func progressOf(s *trainer.State) progress {
	now := progress{time: time.Now(), step: s.Step}
	switch {
	case s.Epochs > 0 && s.Steps > 0:
		now.part = float64(s.Step) / (float64(s.Epochs) * float64(s.Steps))
	case s.Epochs > 0:
		now.part = float64(s.Epoch) / float64(s.Epochs)
	}
	return now
}

// BatchEnd implements trainer.BatchEnder.
func (p *Progress) BatchEnd(_ context.Context, s *trainer.State) error {
	p.show(s)
	return nil
}

// EpochEnd implements trainer.EpochEnder.
func (p *Progress) EpochEnd(_ context.Context, s *trainer.State) error {
	p.show(s)
	return nil
}

// show writes the progress if it is due.
func (p *Progress) show(s *trainer.State) {
	if time.Since(p.shown) < p.every {
		return
	}
	now := progressOf(s)
	p.write(p.describe(s, now), now.part)
}

// Measuring returns a function that shows the progress of a measurement. It is
// for the field Progress of curvature.Settings.
func (p *Progress) Measuring(what string) func(converged, wanted, applications int) {
	return func(converged, wanted, applications int) {
		if time.Since(p.shown) >= p.every {
			p.write(fmt.Sprintf("%s: %d of %d eigenpairs, %d Hessian-vector products", what, converged, wanted, applications), 0)
		}
	}
}

// write shows a line, next to the bar if there is one. If part is not 0, it is
// the completed part of the run.
func (p *Progress) write(line string, part float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown = time.Now()
	if p.bar == nil {
		fmt.Fprintln(p.out(), line)
		return
	}
	if done := int(barScale * part); done > 0 && done < barScale { // the library ends a bar that is full
		_ = p.bar.Set(done)
	}
	p.bar.Describe(line)
}

// describe returns the progress in one line.
func (p *Progress) describe(s *trainer.State, now progress) string {
	line := fmt.Sprintf("epoch %d", s.Epoch)
	if s.Epochs > 0 {
		line += fmt.Sprintf("/%d", s.Epochs)
	}
	if now.step > 0 {
		line += ", loss " + formatNumber(s.BatchLoss)
	}
	elapsed := now.time.Sub(p.begin.time)
	if steps := now.step - p.begin.step; steps > 0 && elapsed > 0 {
		line += fmt.Sprintf(", %s steps/s", formatRate(float64(steps)/elapsed.Seconds()))
	}
	if part := now.part - p.begin.part; part > 0 {
		left := float64(elapsed) / part * max(1-now.part, 0)
		line += ", " + formatDuration(time.Duration(left)) + " left"
	}
	return line
}

func formatRate(rate float64) string {
	if rate < 10 {
		return fmt.Sprintf("%.1f", rate)
	}
	return fmt.Sprintf("%.0f", rate)
}

// TrainEnd implements trainer.TrainEnder. It removes the bar.
func (p *Progress) TrainEnd(context.Context, *trainer.State) error {
	p.end()
	return nil
}

// Interrupted implements trainer.Interrupted. It removes the bar.
func (p *Progress) Interrupted(context.Context, *trainer.State, error) error {
	p.end()
	return nil
}

func (p *Progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

// Wrap returns a writer to w that keeps its lines apart from the bar: it clears
// the bar before each Write and redraws it afterwards. Pass it to a Logger that
// writes to the same terminal. It is safe for concurrent use.
func (p *Progress) Wrap(w io.Writer) io.Writer { return besideBar{p, w} }

// besideBar is the writer that Wrap returns.
type besideBar struct {
	progress *Progress
	w        io.Writer
}

func (b besideBar) Write(line []byte) (int, error) {
	p := b.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil {
		return b.w.Write(line)
	}
	_ = p.bar.Clear()
	n, err := b.w.Write(line)
	_ = p.bar.RenderBlank()
	return n, err
}
