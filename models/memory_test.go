package models_test

import (
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models"
)

// Whatever the memory for it, and the number of workers, results are the same bit for
// bit, and Kept and Bytes tell what is kept.
func TestResultsDoNotDependOnMemory(t *testing.T) {
	split := blobs(1300, 20, 3, 3)
	m := newMLP(t, models.MLPConfig{Input: 20, Hidden: []int{30, 30}, Classes: 3})
	var want []float64
	for _, precision := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		want = nil
		for _, test := range []struct {
			memory int64
			least  int // chunks that are kept
			most   int
		}{{1, 0, 0}, {1 << 20, 1, 11}, {1 << 30, 12, 12}} {
			for _, workers := range []int{1, 2, 5} {
				o, err := models.NewObjective(m, models.CrossEntropy, split, models.ObjectiveSettings{Memory: test.memory, Workers: workers, Precision: precision})
				if err != nil {
					t.Fatal(err)
				}
				dst, src := mat.NewDense(3, o.Dim(), nil), mat.NewDense(3, o.Dim(), normal(3*o.Dim(), 4))
				var got []float64
				for range 2 {
					if err := o.HessianProducts(t.Context(), dst, src); err != nil {
						t.Fatal(err)
					}
					got = append(got, dst.RawMatrix().Data...)
					g, loss := gradient(t, o)
					got = append(append(got, g...), loss)
				}
				if want == nil {
					want = got
				}
				if !slices.Equal(got, want) {
					t.Errorf("%v, %d workers, %d bytes: other results", precision, workers, test.memory)
				}
				kept, chunks := o.Kept()
				if kept < test.least || kept > test.most || chunks != 12 {
					t.Errorf("%v, %d workers, %d bytes: %d of %d chunks kept; want %d to %d of 12", precision, workers, test.memory, kept, chunks, test.least, test.most)
				}
			}
		}
	}
}

// Products of kept chunks allocate a few closures, as many for any number of chunks.
func TestKeptChunksAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools of scratch memory at random")
	}
	m := newMLP(t, models.MLPConfig{Input: 2, Hidden: []int{8}, Classes: 3})
	count := func(n int) float64 {
		o := newObjective(t, m, models.CrossEntropy, blobs(n, 2, 3, 1), 1)
		dst, src := mat.NewDense(2, o.Dim(), nil), mat.NewDense(2, o.Dim(), normal(2*o.Dim(), 2))
		return testing.AllocsPerRun(10, func() {
			if err := o.HessianProducts(t.Context(), dst, src); err != nil {
				t.Fatal(err)
			}
		})
	}
	few, many := count(500), count(5000)
	if many > few {
		t.Errorf("%v allocations for 4 chunks and %v for 40", few, many)
	}
}

// Nothing is kept for what is computed once at the same parameters.
func TestGramKeepsNoPasses(t *testing.T) {
	m := newMLP(t, models.MLPConfig{Input: 20, Hidden: []int{30, 30}, Classes: 3})
	o, err := models.NewObjective(m, models.CrossEntropy, blobs(1300, 20, 3, 3), models.ObjectiveSettings{Workers: 2, Memory: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.GradientGram(t.Context()); err != nil {
		t.Fatal(err)
	}
	if kept, chunks := o.Kept(); kept != 0 || chunks != 12 {
		t.Errorf("%d of %d chunks kept; want none of 12", kept, chunks)
	}
}
