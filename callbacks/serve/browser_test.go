package serve_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/internal/browsertest"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/serve"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// steps is a hook that lets a run go on by one epoch for every value it receives.
type steps chan struct{}

func (steps) Name() string { return "steps" }

func (s steps) EpochEnd(ctx context.Context, _ *trainer.State) error {
	select {
	case <-s:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// train trains a run in dir until ctx is done or it has ended.
func train(t *testing.T, dir string, hooks ...trainer.Hook) <-chan error {
	t.Helper()
	data, err := datasets.Load(t.Context(), "gauss", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{5}, Classes: 3}, trainer.Stream(1, "init", 0))
	if err != nil {
		t.Fatal(err)
	}
	folder := record.Folder(dir)
	tr, err := trainer.New(trainer.Config{Epochs: 12, Rate: trainer.Rate{Base: 0.1}}, m, data, append(hooks,
		&callbacks.JSONL{Path: folder.History()}, &callbacks.RunRecord{Path: folder.Run()},
		&callbacks.Spectrum{Schedule: trainer.Schedule{Every: 3}, Dir: folder.Measurements()})...)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := tr.Run(t.Context())
		ended <- err
	}()
	return ended
}

// A run that begins appears in the list, and its page follows it to its end.
func TestBrowserFollowsTraining(t *testing.T) {
	browser := browsertest.New(t)
	ctx, cancel := context.WithTimeout(browser, 30*time.Second)
	defer cancel()
	runs := t.TempDir()
	l, stop := serving(t, &serve.Server{Paths: []string{runs}, Every: 50 * time.Millisecond})
	defer stop()

	var mu sync.Mutex
	var problems []string
	check(t, chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*runtime.EventExceptionThrown); ok {
			mu.Lock()
			defer mu.Unlock()
			problems = append(problems, e.ExceptionDetails.Exception.Description)
		}
	}))
	until := func(condition string) {
		t.Helper()
		for range 200 {
			value, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
			check(t, err)
			if value {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
		mu.Lock()
		defer mu.Unlock()
		t.Fatalf("%s did not become true; the page says %q, %v; exceptions %q", condition, text, err, problems)
	}
	check(t, chromedp.Do(ctx, chromedp.Navigate(serve.URL(l))))
	until(`document.querySelector('h1')?.textContent === 'no runs yet'`)

	const name = "<i>live run"
	step := make(steps)
	ended := train(t, filepath.Join(runs, name), step)
	until(`[...document.querySelectorAll('tbody th a')].some(a => a.textContent === '<i>live run')`)
	step <- struct{}{}
	step <- struct{}{}
	check(t, chromedp.Do(ctx, chromedp.Click(`tbody th a`)))
	until(`document.querySelector('.facts')?.textContent.includes('running')`)
	shows := func(epoch string) {
		t.Helper()
		until(`document.querySelector('.facts')?.textContent.includes('epochs ` + epoch + ` of 12')`)
	}
	shows("1")
	for range 5 {
		step <- struct{}{}
	}
	shows("6")
	close(step)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	until(`document.querySelector('.facts')?.textContent.includes('finished')`)
	until(`document.querySelector('output')?.textContent === 'epoch 12'`)
	if elements, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.querySelectorAll('h1 i').length`)); err != nil || elements != 0 {
		t.Errorf("the name of the run has become %d elements, %v", elements, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(problems) > 0 {
		t.Errorf("exceptions: %q", problems)
	}
	check(t, chromedp.Do(ctx, chromedp.Navigate("about:blank"))) // closes the stream of events
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
