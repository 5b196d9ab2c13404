package reproduce

import (
	"context"
	"errors"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/record"
)

// settings are those of a test, which writes its lines into the two builders.
func settings(out string) (s Settings, lines, progress *strings.Builder) {
	lines, progress = new(strings.Builder), new(strings.Builder)
	return Settings{Out: out, Quick: true, Lines: lines, Progress: progress, Set: []string{"training.epochs=400"}}, lines, progress
}

func figure(name string) []Figure {
	return Figures[slices.IndexFunc(Figures, func(f Figure) bool { return f.Name == name }):][:1]
}

// A figure is drawn from a network that is trained for it, once.
func TestRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	s, lines, progress := settings(out)
	if err := Run(context.Background(), figure("fig1"), s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"[1/2] training intro1D, about", "[2/2] measuring intro1D, about"} {
		if !strings.Contains(progress.String(), want) {
			t.Errorf("no %q in\n%s", want, progress)
		}
	}
	for _, want := range []string{"fig1.png: six points", "NETWORK", "intro1D  λ₁", "11.07"} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("no %q in\n%s", want, lines)
		}
	}
	picture, err := os.Open(filepath.Join(out, "fig1.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer picture.Close()
	if c, err := png.DecodeConfig(picture); err != nil || c.Width < 1000 || c.Height < 600 {
		t.Errorf("picture of %d × %d, %v; want two rows of three panels", c.Width, c.Height, err)
	}
	for file, want := range map[string]string{"fig1.svg": "quick: logits", "table.md": "| intro1D | training loss | ", "table.csv": "intro1D,λ₁,"} {
		if text, err := os.ReadFile(filepath.Join(out, file)); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v; want %q in it", file, err, want)
		}
	}

	s, _, progress = settings(out)
	if err := Run(context.Background(), figure("fig1"), s); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(progress.String(), "training") {
		t.Errorf("a finished run was trained again:\n%s", progress)
	}
	s.Set = []string{"training.epochs=401"}
	if err := Run(context.Background(), figure("fig1"), s); err == nil || !strings.Contains(err.Error(), "other settings than intro1D now has: training.epochs was 400 and is to be 401 now; take another folder (--out)") {
		t.Errorf("error %v; want that the run has other settings", err)
	}
}

// cancelling cancels a context when something is written.
type cancelling struct{ cancel context.CancelFunc }

func (c cancelling) Write(p []byte) (int, error) {
	c.cancel()
	return len(p), nil
}

// What was interrupted goes on, and finished runs are not trained again.
func TestInterrupted(t *testing.T) {
	out := t.TempDir()
	s, _, _ := settings(out)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.Progress = cancelling{cancel}
	if err := Run(ctx, figure("fig1"), s); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v; want an interruption", err)
	}
	s, _, progress := settings(out)
	if err := Run(context.Background(), figure("fig1"), s); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(progress.String(), "training intro1D") {
		t.Errorf("no training in\n%s", progress)
	}
	if run, err := record.ReadRun(record.Folder(filepath.Join(out, "runs", "intro1D")).Run()); err != nil || run.Status != record.StatusFinished || run.Epoch != 400 {
		t.Errorf("run %+v, %v", run, err)
	}
}

// All recipes are valid, and come after those that they start from.
func TestRecipes(t *testing.T) {
	seen := make(map[string]bool)
	for _, quick := range []bool{false, true} {
		for i := range recipes {
			r := &recipes[i]
			if _, err := r.config(Settings{Quick: quick}); err != nil {
				t.Error(err)
			}
			if start := r.start(); start != "" && !seen[start] {
				t.Errorf("%s starts from %s, which comes later", r.name, start)
			}
			seen[r.name] = true
		}
	}
	var names []string
	for _, r := range needed(figure("fig3")) {
		names = append(names, r.name)
	}
	if want := []string{"gauss", "gauss_random_labels", "gauss_large_norm", "gauss_adversarial"}; !slices.Equal(names, want) {
		t.Errorf("fig3 needs %q; want %q", names, want)
	}
}

// Without MNIST, its figure alone is an error, and is left out among others.
func TestWithoutMNIST(t *testing.T) {
	s, lines, _ := settings(t.TempDir())
	s.DataDir = t.TempDir()
	if err := Run(context.Background(), figure("fig6"), s); err == nil || !strings.Contains(err.Error(), s.DataDir) {
		t.Errorf("error %v; want that the files are not in %s", err, s.DataDir)
	}
	left, err := s.available(context.Background(), slices.Concat(figure("fig1"), figure("fig6")))
	if err != nil || len(left) != 1 || left[0].Name != "fig1" || !strings.Contains(lines.String(), "fig6 is left out: MNIST cannot be had") {
		t.Errorf("figures %v, %v, %s", left, err, lines)
	}
}

// A claim is tested by the numbers of the networks, and not mentioned without them.
func TestJudge(t *testing.T) {
	of := func(outliers int) *network {
		n := &network{result: new(analysis.Result), testAccuracy: math.NaN()}
		n.result.Data.Classes = 3
		n.result.Spectrum.Outliers = &boundary.Outliers{Ratio: boundary.Outlier{Count: outliers}}
		return n
	}
	for _, test := range []struct {
		normal, adversarial int
		want                string
	}{{2, 8, holds}, {2, 2, fails}, {3, 8, fails}} {
		claims := judge(map[string]*network{"mnist-017": of(test.normal), "mnist-017-adversarial": of(test.adversarial)})
		if len(claims) != 1 || claims[0].verdict != test.want {
			t.Errorf("%d and %d outliers: %+v; want one claim, and %s", test.normal, test.adversarial, claims, test.want)
		}
	}
}
