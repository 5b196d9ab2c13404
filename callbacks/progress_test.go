package callbacks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hessoscope/hessoscope/trainer"
)

// progressState returns the State of a run of 20 epochs of 50 steps after a number of
// steps.
func progressState(step int) *trainer.State {
	return &trainer.State{Epochs: 20, Steps: 50, Step: step, Epoch: step / 50, BatchLoss: 0.01234}
}

func TestProgressLines(t *testing.T) {
	var out bytes.Buffer
	p := &Progress{Out: &out}
	if err := p.TrainBegin(t.Context(), progressState(100)); err != nil { // resumed after a tenth
		t.Fatal(err)
	}
	batches := func(from, to int) {
		for step := from; step < to; step++ {
			if err := p.BatchEnd(t.Context(), progressState(step)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if line := p.describe(progressState(0), progress{}); line != "epoch 0/20" { // no batch has a loss yet
		t.Errorf("%q before the first step", line)
	}
	batches(101, 300)
	if out.Len() != 0 {
		t.Errorf("wrote %q within the first 10 seconds", out.String())
	}
	// Pretend that 10 seconds have passed.
	p.shown, p.begin.time = p.shown.Add(-lineEvery), p.begin.time.Add(-lineEvery)
	batches(300, 500)
	// Another fifth of the run took 10 seconds, so that the rest takes 35.
	want := regexp.MustCompile(`^epoch 6/20, loss 0.0123, 20 steps/s, 35\.\ds left\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("wrote %q, want one line that matches %s", out.String(), want)
	}
	out.Reset()
	fmt.Fprint(p.Wrap(&out), "a line\n")
	if out.String() != "a line\n" {
		t.Errorf("wrote %q, want the line alone", out.String())
	}
}

// In the user's own training loop, the numbers of epochs and of steps per epoch are
// not known.
func TestProgressUnknownLength(t *testing.T) {
	for _, test := range []struct {
		state trainer.State
		want  string
	}{
		{trainer.State{}, `^epoch 3, loss 0.5000, 1.2 steps/s\n$`},
		{trainer.State{Epochs: 12}, `^epoch 3/12, loss 0.5000, 1.2 steps/s, 30.0s left\n$`},
	} {
		var out bytes.Buffer
		p := &Progress{Out: &out}
		p.start(&test.state, test.state.Epochs == 0) // no bar without an end, though on a terminal
		p.shown, p.begin.time = p.shown.Add(-lineEvery), p.begin.time.Add(-lineEvery)
		test.state.Epoch, test.state.Step, test.state.BatchLoss = 3, 12, 0.5
		if err := p.EpochEnd(t.Context(), &test.state); err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(test.want).MatchString(out.String()) {
			t.Errorf("wrote %q, want a match of %s", out.String(), test.want)
		}
	}
}

// screen returns what a terminal shows after a text. It interprets \r, \n and the
// code that erases the rest of a line.
func screen(written string) []string {
	lines, column := [][]rune{nil}, 0
	for rest := written; rest != ""; {
		line := &lines[len(lines)-1]
		switch r, width := firstRune(rest); {
		case strings.HasPrefix(rest, "\033[J"):
			*line, rest = (*line)[:min(column, len(*line))], rest[3:]
		case r == '\r':
			column, rest = 0, rest[1:]
		case r == '\n':
			lines, column, rest = append(lines, nil), 0, rest[1:]
		default:
			for len(*line) <= column {
				*line = append(*line, ' ')
			}
			(*line)[column] = r
			column, rest = column+1, rest[width:]
		}
	}
	shown := make([]string, len(lines))
	for i, l := range lines {
		shown[i] = strings.TrimRight(string(l), " ")
	}
	return shown
}

func firstRune(s string) (rune, int) {
	for i, r := range s {
		if i == 0 {
			return r, len(string(r))
		}
	}
	return 0, 0
}

func TestProgressBar(t *testing.T) {
	var out bytes.Buffer
	p := &Progress{Out: &out}
	log := p.Wrap(&out)
	p.start(progressState(0), true)
	show := func(step int) {
		p.shown = p.shown.Add(-barEvery)
		if err := p.BatchEnd(t.Context(), progressState(step)); err != nil {
			t.Fatal(err)
		}
	}
	bar := func(percent, epoch int) *regexp.Regexp {
		return regexp.MustCompile(fmt.Sprintf(`^ *%d%% \|.{1,30}\| +epoch %d/20, loss 0.0123, .* steps/s, .*s left$`, percent, epoch))
	}
	expect := func(lines []string, last *regexp.Regexp) {
		t.Helper()
		have := screen(out.String())
		if len(have) != len(lines)+1 || !last.MatchString(have[len(have)-1]) {
			t.Fatalf("the screen shows %q, want %q and a match of %s", have, lines, last)
		}
		for i, want := range lines {
			if have[i] != want {
				t.Errorf("line %d is %q, want %q", i, have[i], want)
			}
		}
	}
	show(100)
	expect(nil, bar(10, 2))
	fmt.Fprintln(log, "one")
	expect([]string{"one"}, bar(10, 2))
	show(250)
	expect([]string{"one"}, bar(25, 5))
	fmt.Fprintln(log, "two")
	show(999)
	expect([]string{"one", "two"}, bar(99, 19))
	show(1000)
	if err := p.TrainEnd(t.Context(), progressState(1000)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(log, "three")
	expect([]string{"one", "two", "three"}, regexp.MustCompile(`^$`))
}

// Between two drawings, steps write nothing. An interrupted run leaves neither a bar
// nor a goroutine.
func TestProgressIsCheapAndEnds(t *testing.T) {
	defer goleak.VerifyNone(t)
	var out bytes.Buffer
	p := &Progress{Out: &out}
	p.start(progressState(0), true)
	p.shown = time.Now().Add(time.Hour) // no drawing is due
	state := progressState(10)
	if allocs := testing.AllocsPerRun(1000, func() { _ = p.BatchEnd(context.Background(), state) }); allocs != 0 || out.Len() != 0 {
		t.Errorf("%g allocations a step and %q written; want none", allocs, out.String())
	}
	p.shown = time.Time{}
	if err := p.EpochEnd(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	if err := p.Interrupted(t.Context(), state, errors.New("stopped")); err != nil {
		t.Fatal(err)
	}
	if shown := screen(out.String()); len(shown) != 1 || shown[0] != "" {
		t.Errorf("the screen shows %q, want nothing", shown)
	}
}

// Other goroutines may log during training; run with -race.
func TestProgressWrapIsConcurrent(t *testing.T) {
	p := &Progress{Out: io.Discard}
	p.start(progressState(0), true)
	p.every = 0
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			w := p.Wrap(io.Discard)
			for range 100 {
				fmt.Fprintln(w, "a line")
			}
		})
	}
	for step := range 200 {
		if err := p.BatchEnd(t.Context(), progressState(step)); err != nil {
			t.Fatal(err)
		}
	}
	group.Wait()
	if err := p.TrainEnd(t.Context(), progressState(200)); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkProgressBatchEnd(b *testing.B) {
	p := &Progress{Out: io.Discard}
	p.start(progressState(0), true)
	state := progressState(10)
	for b.Loop() {
		_ = p.BatchEnd(context.Background(), state)
	}
}

// Measurements to come count as long as the last one, and not with the speed of training.
func TestProgressCountsMeasurementsToCome(t *testing.T) {
	var out bytes.Buffer
	p := &Progress{Out: &out}
	p.start(progressState(0), false)
	p.costs = []cost{{metric: "spectrum/seconds", last: 4, spent: 8, coming: 3}, {metric: "boundary/margin_seconds"}}
	p.shown, p.begin.time = p.shown.Add(-lineEvery), p.begin.time.Add(-lineEvery)
	if err := p.BatchEnd(t.Context(), progressState(500)); err != nil {
		t.Fatal(err)
	}
	// Of 10 seconds 8 were for measurements, so that the other half of training takes 2.
	if !regexp.MustCompile(`, 14\.\ds left\n$`).MatchString(out.String()) {
		t.Errorf("wrote %q, want 14 s left", out.String())
	}
}
