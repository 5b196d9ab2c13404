package selection

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestClusters(t *testing.T) {
	with := func(path string, seed uint64, data string, starts ...string) *Ranked {
		c := run(path, nil)
		c.Run.Seed, c.Run.Data.Fingerprint, c.Starts = seed, data, starts
		return &Ranked{candidate: &c}
	}
	have := clusters([]*Ranked{
		with("a", 0, "x"),
		with("b", 1, "x"),
		with("same draw as a", 0, "x"),
		with("same seed, other data", 0, "y"),
		with("from b", 2, "y", "b"),
		with("from a file", 3, "x", "file"),
		with("from the same file", 4, "y", "file"),
		with("from both", 5, "z", "file", "b"),
	})
	same := map[int][]int{}
	for i, k := range have {
		same[k] = append(same[k], i)
	}
	want := [][]int{{0, 2}, {3}, {1, 4, 5, 6, 7}}
	var groups [][]int
	for _, i := range []int{0, 3, 1} {
		groups = append(groups, same[have[i]])
	}
	if diff := cmp.Diff(want, groups); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}
