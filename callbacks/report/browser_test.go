package report_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/hessoscope/hessoscope/callbacks/internal/browsertest"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/report"
)

// TestBrowser opens pages in a real browser, each in a tab. It is skipped where there
// is no Chromium.
func TestBrowser(t *testing.T) {
	browser := browsertest.New(t)
	for name, test := range map[string]func(*testing.T, *tab){
		"run in the plane": testPlanePage,
		"run in 4 inputs":  testHeatmapPage,
		"names are text":   testNamesAreText,
		"comparison":       testComparison,
		"frames":           testFrames,
		"just begun":       testJustBegun,
		"classes":          testClasses,
		"live":             testLive,
		"live comparison":  testLiveComparison,
		"phone":            testPhone,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := chromedp.NewContext(browser)
			defer cancel()
			ctx, cancel = context.WithTimeout(ctx, 30*time.Second)
			defer cancel()
			p := &tab{t: t, ctx: ctx}
			p.listen()
			test(t, p)
			p.mu.Lock()
			defer p.mu.Unlock()
			if len(p.problems) > 0 {
				t.Errorf("problems: %q", p.problems)
			}
			if p.opened == 0 {
				t.Error("the request of the page itself was not seen, so others would not be either")
			}
		})
	}
}

// tab is a page in a browser. It collects what must not happen: requests, messages of
// errors, and exceptions.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string
	allowed  string // start of the addresses that may be requested
	opened   int    // requests that were allowed
}

func (p *tab) listen() {
	check(p.t, chromedp.Listen(p.ctx, func(event any) {
		p.mu.Lock()
		defer p.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			switch address := e.Request.URL; {
			case strings.HasPrefix(address, p.allowed):
				p.opened++
			case !strings.HasPrefix(address, "data:"):
				p.problems = append(p.problems, "request of "+address)
			}
		case *runtime.EventExceptionThrown:
			p.problems = append(p.problems, "exception: "+e.ExceptionDetails.Exception.Description)
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError {
				p.problems = append(p.problems, fmt.Sprintf("console: %s", e.Args[0].Value))
			}
		case *log.EventEntryAdded:
			p.problems = append(p.problems, e.Entry.Text)
		}
	}))
}

// open writes a page to a file and opens it.
func (p *tab) open(d *report.Data) {
	p.t.Helper()
	path := filepath.Join(p.t.TempDir(), "report.html")
	file, err := os.Create(path)
	check(p.t, err)
	check(p.t, report.Write(file, d))
	check(p.t, file.Close())
	p.navigate((&url.URL{Scheme: "file", Path: path}).String())
}

func (p *tab) navigate(address string) {
	p.t.Helper()
	p.mu.Lock()
	p.allowed = address
	p.mu.Unlock()
	check(p.t, chromedp.Do(p.ctx, chromedp.Navigate(address)))
	p.until(`document.querySelector('h1')`)
	p.frame()
}

// frame waits until what was asked for is drawn.
func (p *tab) frame() {
	p.t.Helper()
	evaluate[bool](p, `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(true)))))`)
}

func (p *tab) until(condition string) {
	p.t.Helper()
	for range 100 {
		if evaluate[bool](p, "!!("+condition+")") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.t.Fatalf("%s did not become true", condition)
}

func evaluate[T any](p *tab, script string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	check(p.t, err)
	return value
}

// blank returns the canvases on which nothing is drawn.
const blank = `[...document.querySelectorAll('canvas')].filter(c => !c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v))
	.map(c => c.getAttribute('aria-label') || c.closest('figure').dataset.chart)`

// seen returns what the slider has to move: pictures of all panels, the line and the
// values of all charts, and the readings.
const seen = `Object.fromEntries([
	...[...document.querySelectorAll('canvas.drawn')].map(c => [c.getAttribute('aria-label').replace(/ at epoch.*/, ''), c.toDataURL()]),
	...[...document.querySelectorAll('.moment')].map(m => ['line of ' + m.closest('figure').dataset.chart, m.hidden ? 'hidden' : m.style.transform]),
	['readings', document.querySelector('.readings').textContent],
	['legend', document.querySelector('[data-chart=loss] .legend').textContent],
	['epoch', document.querySelector('output').textContent]])`

// testSlider checks that a step of the slider, by key, moves everything.
func testSlider(t *testing.T, p *tab, panels ...string) {
	t.Helper()
	if b := evaluate[[]string](p, blank); len(b) > 0 {
		t.Errorf("nothing is drawn on %q", b)
	}
	for step, key := range []string{kb.ArrowLeft, kb.ArrowLeft, kb.ArrowRight} {
		before := evaluate[map[string]string](p, seen)
		for _, panel := range panels {
			if _, ok := before[panel]; !ok {
				t.Fatalf("no panel %q", panel)
			}
		}
		if len(before) < 13 {
			t.Fatalf("%d things to move; want at least 13", len(before))
		}
		check(t, chromedp.Do(p.ctx, chromedp.KeyEvent(key)))
		p.frame()
		for what, now := range evaluate[map[string]string](p, seen) {
			if now == before[what] {
				t.Errorf("step %d of the slider does not move %s", step+1, what)
			}
		}
	}
}

func testPlanePage(t *testing.T, p *tab) {
	d, err := report.Collect(testRun{epochs: 40, metrics: 20, spectra: 5, plane: true}.write(t, t.TempDir()))
	check(t, err)
	check(t, d.Runs[0].SetPoints([]float64{-0.5, 0.5, 0.5, -0.5}, []int{0, 1}))
	p.open(d)
	testSlider(t, p, "Spectrum", "Decision regions", "Alignment of the gradients in the plane with eigenvector 5")

	// The focus on a term explains it.
	check(t, chromedp.Do(p.ctx, chromedp.Focus(chromedp.CSS(`[data-chart=loss] .legend .term`))))
	if text := evaluate[string](p, `document.getElementById('explanation').hidden ? '' : document.getElementById('explanation').textContent`); !strings.Contains(text, "the meaning of train/loss") {
		t.Errorf("the explanation of the loss is %q", text)
	}
	// Everything that can be operated or seen has a name.
	if nameless := evaluate[int](p, `[...document.querySelectorAll('button, [role=img], input, select')].filter(e =>
		!(e.textContent.trim() || e.getAttribute('aria-label') || (e.labels && e.labels.length))).length`); nameless > 0 {
		t.Errorf("%d elements have no accessible name", nameless)
	}
	// The other theme draws everything anew.
	before := evaluate[string](p, `document.querySelector('[data-chart=loss] canvas').toDataURL()`)
	check(t, chromedp.Do(p.ctx, chromedp.Click(chromedp.CSS(`#theme`))))
	p.frame()
	if evaluate[string](p, `document.querySelector('[data-chart=loss] canvas').toDataURL()`) == before {
		t.Error("the switch of the theme does not change a chart")
	}
	check(t, chromedp.Do(p.ctx, chromedp.Click(chromedp.CSS(`#theme`)))) // as it was: pages of a browser share it

	pdf, err := chromedp.Run(p.ctx, chromedp.PrintToPDF())
	if err != nil || len(pdf) < 10_000 {
		t.Errorf("%d bytes on paper, error %v", len(pdf), err)
	}
}

func testHeatmapPage(t *testing.T, p *tab) {
	d, err := report.Collect(testRun{epochs: 40, metrics: 20, spectra: 5}.write(t, t.TempDir()))
	check(t, err)
	p.open(d)
	testSlider(t, p, "Spectrum", "Alignments of 60 samples with 12 eigenvectors")
}

func testNamesAreText(t *testing.T, p *tab) {
	const name = `<img src=x onerror=alert(1)> & <b>`
	folder := testRun{epochs: 3, metrics: 13, spectra: 1}.write(t, filepath.Join(t.TempDir(), name))
	text, err := os.ReadFile(folder.Run())
	check(t, err)
	const description = `</script><script>document.title='changed'</script>`
	check(t, os.WriteFile(folder.Run(), []byte(strings.Replace(string(text), "{", `{"info": {"description": "`+description+`"}, "notes": ["<i>note</i>"], `, 1)), 0o644))
	for _, compare := range []bool{false, true} {
		d, err := report.Collect(folder)
		if compare {
			d, err = report.Compare([]record.Folder{folder, folder})
		}
		check(t, err)
		p.open(d)
		shown := evaluate[string](p, `document.body.innerText`)
		if !strings.Contains(shown, name) || !compare && !(strings.Contains(shown, description) && strings.Contains(shown, "<i>note</i>")) {
			t.Errorf("comparison %t: the page does not show name, description and notes as they are", compare)
		}
		if n := evaluate[int](p, `document.querySelectorAll('main img, main b b, main i:not(.scale i), script:not([type])').length`); n != 1 {
			t.Errorf("comparison %t: %d elements that are markup of a name, or scripts; want the script of the page alone", compare, n)
		}
	}
}

func testComparison(t *testing.T, p *tab) {
	dir := t.TempDir()
	var folders []record.Folder
	for i, epochs := range []int{30, 10, 20} {
		folders = append(folders, testRun{epochs: epochs, metrics: 13}.write(t, filepath.Join(dir, fmt.Sprintf("run%d", i))))
	}
	d, err := report.Compare(folders)
	check(t, err)
	p.open(d)
	if b := evaluate[[]string](p, blank); len(b) > 0 {
		t.Errorf("nothing is drawn on %q", b)
	}
	const rows = `[...document.querySelectorAll('tbody th')].map(e => e.textContent).join()`
	const heading = `[...document.querySelectorAll('thead button')].find(b => b.textContent === 'epoch')`
	for i, want := range []string{"run1,run2,run0", "run0,run2,run1"} {
		evaluate[bool](p, heading+`.click(), true`)
		if have := evaluate[string](p, rows); have != want {
			t.Errorf("rows %s after %d clicks on epoch; want %s", have, i+1, want)
		}
	}
	if sort := evaluate[string](p, heading+`.parentElement.getAttribute('aria-sort')`); sort != "descending" {
		t.Errorf("aria-sort is %s; want descending", sort)
	}
	const picture = `document.querySelector('[data-chart="train/loss"] canvas').toDataURL()`
	before := evaluate[string](p, picture)
	check(t, chromedp.Do(p.ctx, chromedp.Click(chromedp.CSS(`.show`))))
	p.frame()
	if evaluate[string](p, picture) == before || evaluate[string](p, `document.querySelector('.show').getAttribute('aria-pressed')`) != "false" {
		t.Error("the swatch of a run does not hide its lines")
	}
}

// The table of classes shows the split that is chosen, and none without labels.
func testClasses(t *testing.T, p *tab) {
	folder := testRun{epochs: 3, metrics: 13}.write(t, t.TempDir())
	d, err := report.Collect(folder)
	check(t, err)
	p.open(d)
	const table = `[...document.querySelectorAll('.confusion tr')].map(r => [...r.children].map(c => c.textContent).join(' ')).join('; ')`
	const shade = `getComputedStyle(document.querySelector('.confusion .wrong:not(:empty)')).backgroundColor`
	if have, want := evaluate[string](p, table), "class recall precision as red as green as blue; red 0.5 1 1 1 ·; green 1 0.6667 · 2 ·; blue – – · · ·; mean 0.75    "; have != want {
		t.Errorf("test: %q; want %q", have, want)
	}
	if evaluate[string](p, shade) == evaluate[string](p, `getComputedStyle(document.querySelector('.confusion .right')).backgroundColor`) {
		t.Error("mistakes have the colour of what is right")
	}
	evaluate[bool](p, `document.getElementById('split').value = 'train', document.getElementById('split').dispatchEvent(new Event('change')), true`)
	if have := evaluate[string](p, table); !strings.Contains(have, "blue 1 1 · · 1; mean 1 ") {
		t.Errorf("train: %q", have)
	}
	d.Runs[0].Confusion = nil
	p.open(d)
	if evaluate[bool](p, `document.body.innerText.includes('recall')`) {
		t.Error("there are classes in the page of a run without labels")
	}
}

// A run that ended before its first epoch has a page too.
func testJustBegun(t *testing.T, p *tab) {
	folder := record.Folder(t.TempDir())
	check(t, os.WriteFile(folder.Run(), []byte(`{"status": "interrupted", "seed": 18446744073709551615}`), 0o644))
	d, err := report.Collect(folder)
	check(t, err)
	p.open(d)
	if text := evaluate[string](p, `document.body.innerText`); !strings.Contains(text, "Interrupted at epoch 0") || !strings.Contains(text, "18446744073709551615") {
		t.Errorf("the page does not tell of the interruption and the seed:\n%s", text)
	}
}

// A page of 1,000 epochs of 50 metrics stays smooth while the slider moves.
func testFrames(t *testing.T, p *tab) {
	d, err := report.Collect(testRun{epochs: 999, metrics: 50, spectra: 100, plane: true}.write(t, t.TempDir()))
	check(t, err)
	p.open(d)
	times := evaluate[[]float64](p, `new Promise(done => {
		const input = document.getElementById('moment'), times = [];
		let last = performance.now(), i = 0;
		requestAnimationFrame(function step(now) {
			times.push(now - last);
			last = now;
			if (i++ >= Number(input.max)) { done(times.slice(1).sort((a, b) => a - b)); return; }
			input.value = i;
			input.dispatchEvent(new Event('input'));
			requestAnimationFrame(step);
		});
	})`)
	median, late := times[len(times)/2], times[len(times)*95/100]
	t.Logf("%d frames while the slider moves: %.1f ms at the median, %.1f ms at 95 %%", len(times), median, late)
	if len(times) < 20 || median > 34 { // 30 frames a second
		t.Errorf("%d frames, %.1f ms at the median; want at most 34 ms", len(times), median)
	}
}

// A page of a server shows newer data after an event, in the charts that are there.
func testLive(t *testing.T, p *tab) {
	folder := testRun{epochs: 20, metrics: 13, spectra: 3}.write(t, filepath.Join(t.TempDir(), "run"))
	change := p.serve(func() (*report.Data, error) { return report.Collect(folder) })
	p.until(`document.querySelector('output').textContent === 'epoch 20'`)
	evaluate[bool](p, `window.chart = document.querySelector('[data-chart=loss] canvas'), true`)
	testRun{epochs: 30, metrics: 13, spectra: 4}.write(t, string(folder))
	change()
	p.until(`document.querySelector('output').textContent === 'epoch 30'`)
	if !evaluate[bool](p, `chart.isConnected && document.querySelector('.facts').textContent.includes('epochs 30')`) {
		t.Error("the page was built anew, or does not tell of epoch 30")
	}
}

// A comparison that a server shows keeps its order while its runs go on, and begins
// without runs.
func testLiveComparison(t *testing.T, p *tab) {
	dir := t.TempDir()
	var folders []record.Folder
	change := p.serve(func() (*report.Data, error) {
		if len(folders) == 0 {
			return &report.Data{Title: "no runs yet", Compare: true, Runs: []*report.Run{}}, nil
		}
		return report.Compare(folders)
	})
	for i, epochs := range []int{10, 20} {
		folders = append(folders, testRun{epochs: epochs, metrics: 13}.write(t, filepath.Join(dir, fmt.Sprintf("run%d", i))))
	}
	change()
	p.until(`document.querySelectorAll('tbody tr').length === 2`)
	evaluate[bool](p, `window.chart = document.querySelector('[data-chart="train/loss"] canvas'),
		[...document.querySelectorAll('thead button')].find(b => b.textContent === 'epoch').click(), document.querySelector('.show').click(), true`)
	testRun{epochs: 30, metrics: 13}.write(t, string(folders[0]))
	change()
	p.until(`document.querySelector('tbody').textContent.includes('30')`)
	if have := evaluate[string](p, `[...document.querySelectorAll('tbody th')].map(e => e.textContent + e.querySelector('.show').getAttribute('aria-pressed')).join()`); have != "run1true,run0false" {
		t.Errorf("rows and whether they are shown: %s; want run1, and run0, which is hidden and now has more epochs", have)
	}
	if !evaluate[bool](p, `chart.isConnected`) {
		t.Error("the charts were built anew")
	}
}

// serve opens the page of a server with these data. It returns a function that tells
// the page that they have changed.
func (p *tab) serve(collect func() (*report.Data, error)) (change func()) {
	p.t.Helper()
	changes := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /run/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if err := report.WriteLive(w, "run"); err != nil {
			p.t.Error(err)
		}
	})
	mux.HandleFunc("GET /run/data.json", func(w http.ResponseWriter, _ *http.Request) {
		d, err := collect()
		if err != nil {
			p.t.Error(err)
			return
		}
		if err := json.NewEncoder(w).Encode(d); err != nil {
			p.t.Error(err)
		}
	})
	mux.HandleFunc("GET /run/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		for {
			select {
			case <-changes:
				fmt.Fprint(w, "event: change\ndata:\n\n")
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	})
	server := httptest.NewServer(mux)
	p.t.Cleanup(func() {
		server.CloseClientConnections() // the stream of events
		server.Close()
	})
	p.navigate(server.URL + "/run/")
	return func() { changes <- struct{}{} }
}

func testPhone(t *testing.T, p *tab) {
	check(t, chromedp.Do(p.ctx, chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile)))
	d, err := report.Collect(testRun{epochs: 40, metrics: 20, spectra: 5, plane: true}.write(t, filepath.Join(t.TempDir(), strings.Repeat("long", 20))))
	check(t, err)
	p.open(d)
	if b := evaluate[[]string](p, blank); len(b) > 0 {
		t.Errorf("nothing is drawn on %q", b)
	}
	if over := evaluate[int](p, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		t.Errorf("the page is %d pixels wider than the screen", over)
	}
}
