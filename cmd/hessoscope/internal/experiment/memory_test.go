package experiment

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/memory"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models/network"
)

// What is said to fit fits, and what is said to go on nevertheless goes on.
func TestMemoryIsTold(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // products need memory for each worker
	wide := "name: e\ndata: {set: gauss}\nmodel: {hidden: [1000, 1000]}\ntraining: {epochs: 3, rate: {base: 0.1}}\n"
	off := "spectrum: {off: true}\n"
	pairs := "spectrum: {method: lanczos, top: 20, schedule: {every: 1}}\n"
	for _, test := range []struct {
		name, text, gb, needed string
		fits                   string // settings, or "" if the message names something else
		says                   string
	}{
		{"training", wide + off, "0.12", "training 0.105 GB", "model.precision=float32", "model.precision=float32 fits"},
		{"a little", wide + off, "0.07", "training 0.105 GB", "", "A network of "},
		{"enough", wide + off, "0.2", "", "", ""},
		{"fewer pairs", wide + pairs, "1.6", "spectrum 1.98 GB, training 0.105 GB", "spectrum.top=11", "spectrum.method=lanczos with spectrum.top=11 fits"},
		{"no pairs", wide + pairs, "0.6", "spectrum 1.98 GB", "spectrum.off=true", "spectrum.off=true fits"},
		{"neither", wide + pairs, "0.12", "training 0.105 GB", "spectrum.off=true model.precision=float32", "model.precision=float32 with spectrum.off=true fits"},
		{"λ₁ alone", wide, "0.25", "spectrum 0.209 GB", "spectrum.off=true", "spectrum.off=true fits"},
	} {
		t.Run(test.name, func(t *testing.T) {
			prepare := func(set ...string) error {
				c, err := Parse("e.yaml", []byte(test.text))
				if err != nil {
					t.Fatal(err)
				}
				if err := c.Set(append([]string{"critical_sharpness.off=true", "effective_rank.off=true", "memory_gb=" + test.gb}, set...)...); err != nil {
					t.Fatal(err)
				}
				c.Resolve()
				_, err = c.Prepare(t.Context(), t.TempDir(), Console{Log: io.Discard, Format: "text"})
				return err
			}
			err := prepare()
			if test.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.needed) || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("%v; want it to say %q and %q", err, test.needed, test.says)
			}
			nevertheless := regexp.MustCompile(`memory_gb=[0-9.]+`).FindString(err.Error())
			if err := prepare(nevertheless); err != nil {
				t.Errorf("with %s: %v", nevertheless, err)
			}
			if test.fits != "" {
				if err := prepare(strings.Fields(test.fits)...); err != nil {
					t.Errorf("with %s: %v", test.fits, err)
				}
			}
		})
	}
}

// Many classes of few samples each are told, too: a row of outputs a sample.
func TestMemoryOfOutputs(t *testing.T) {
	var table strings.Builder
	table.WriteString("x,label\n")
	for i := range 6000 {
		fmt.Fprintf(&table, "%d,k%d\n", i, i)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("d.csv", []byte(table.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Parse("e.yaml", []byte("name: e\ndata: {csv: d.csv}\nmodel: {hidden: [5]}\ntraining: {epochs: 1, rate: {base: 0.1}}\nspectrum: {off: true}\nmemory_gb: 0.2\n"))
	if err != nil {
		t.Fatal(err)
	}
	c.Resolve()
	_, err = c.Prepare(t.Context(), "runs/e", Console{Log: io.Discard, Format: "text"})
	if err == nil || !strings.Contains(err.Error(), "outputs 0.288 GB") || !strings.Contains(err.Error(), "samples in 6000 classes fits") {
		t.Error(err)
	}
}

// The inner products of the gradients of kernels need all gradients: that is told, and
// what is left without them. Passes are kept in an eighth of memory_gb, or in what is
// left.
func TestMemoryOfTheComplexity(t *testing.T) {
	lenet, err := network.New(network.LeNet5(10), network.Settings{}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	const samples = 2000 // times 62,006 numbers
	data := &datasets.Dataset{Splits: []datasets.Split{{Name: datasets.Train, X: make([]float64, samples*3*32*32), Labels: make([]int, samples)}}}
	check := func(set ...string) (int64, error) {
		c, err := Parse("e.yaml", []byte("name: e\ndata: {set: gauss}\nmodel: {hidden: [5]}\ntraining: {epochs: 1, rate: {base: 0.1}}\nspectrum: {top: 3}\neffective_rank: {off: true}\n"))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Set(set...); err != nil {
			t.Fatal(err)
		}
		return c.checkMemory(lenet, data, 1e9)
	}
	held := memory.Held() / 1e9
	_, err = check(fmt.Sprintf("memory_gb=%.2f", 0.8+held))
	if err == nil || !strings.Contains(err.Error(), "Needed for spectrum 1.1") || !strings.Contains(err.Error(), "complexity.off=true fits") {
		t.Errorf("0.8 GB: %v", err)
	}
	for _, test := range []struct {
		set         string
		gb          float64 // besides what is held
		least, most float64 // GB that may be kept
	}{
		{"complexity.off=true", 0.8, 0.1, 0.125}, // an eighth
		{"complexity.off=true", 16, 2, 2.1},
		{"complexity.off=true", 0.07, 0.001, 0.01}, // what is left
		{"spectrum.memory=50000000", 2, 0.05, 0.05},
		{"spectrum.memory=9000000000", 2, 0.5, 1}, // what is left
	} {
		kept, err := check(fmt.Sprintf("memory_gb=%.3f", test.gb+held), test.set)
		if got := float64(kept) / 1e9; err != nil || got < test.least || got > test.most {
			t.Errorf("%s, %g GB: %.3g GB may be kept, error %v; want %g to %g", test.set, test.gb, got, err, test.least, test.most)
		}
	}
}

// The hook of a run keeps no more than that.
func TestMemoryOfPassesIsBounded(t *testing.T) {
	c, err := Parse("e.yaml", []byte("name: e\ndata: {set: gauss}\nmodel: {hidden: [5]}\ntraining: {epochs: 1, rate: {base: 0.1}}\nmemory_gb: 0.4\n"))
	if err != nil {
		t.Fatal(err)
	}
	c.Resolve()
	run, err := c.Prepare(t.Context(), t.TempDir(), Console{Log: io.Discard, Format: "text"})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range run.State().Hooks() {
		if s, is := h.(*callbacks.Spectrum); is && s.Memory == 50_000_000 {
			return
		}
	}
	t.Error("the Spectrum does not keep passes in an eighth of memory_gb")
}
