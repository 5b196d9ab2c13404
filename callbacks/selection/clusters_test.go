package selection

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestClusters(t *testing.T) {
	with := func(path string, seed uint64, data string, starts ...string) Candidate {
		c := run(path, nil)
		c.Run.Seed, c.Run.Data.Fingerprint, c.Starts = seed, data, starts
		return c
	}
	have := Clusters([]Candidate{
		with("a", 0, "x"),
		with("b", 1, "x"),
		with("same draw as a", 0, "x"),
		with("same seed, other data", 0, "y"),
		with("from b", 2, "y", "b"),
		with("from a file", 3, "x", "file"),
		with("from the same file", 4, "y", "file"),
		with("from both", 5, "z", "file", "b"),
	})
	if diff := cmp.Diff([]int{0, 1, 0, 2, 1, 1, 1, 1}, have); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}
