package record_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

func TestTail(t *testing.T) {
	line := func(epoch int, metrics string) string {
		return fmt.Sprintf("{\"epoch\": %d, \"step\": %d, \"seconds\": 1, \"metrics\": {%s}}\n", epoch, 3*epoch, metrics)
	}
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	tail := &record.Tail{Path: path}
	text := ""
	for _, step := range []struct {
		what string
		text string // of the file
		want []int  // epochs, or their negatives if they have two metrics
	}{
		{"no file", "", nil},
		{"half a line", line(0, `"a": 1`) + `{"epoch": 1, "st`, []int{0}},
		{"the other half", line(0, `"a": 1`) + line(1, `"a": 1`) + line(2, `"a": 1`), []int{1, 2}},
		{"nothing", line(0, `"a": 1`) + line(1, `"a": 1`) + line(2, `"a": 1`), nil},
		{"the last epoch again, with more", line(0, `"a": 1`) + line(1, `"a": 1`) + line(2, `"a": 1`) + line(2, `"a": 1, "b": 2`), []int{-2}},
		{"cut back", line(0, `"a": 1`), nil},
		{"grown again", line(0, `"a": 1`) + line(1, `"a": 1`) + line(2, `"a": 1, "b": 2`) + line(3, `"a": 1`) + line(3, `"a": 1, "b": 2`), []int{-3}},
		{"cut back and grown between calls", line(0, `"a": 1.2345678901`) + line(1, `"a": 1.2345678901`) + line(2, `"a": 1.2345678901`) + line(3, `"a": 1.2345678901`) + line(4, `"a": 1.2345678901`) + line(5, `"a": 1`), []int{4, 5}},
	} {
		if text = step.text; text != "" {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		entries, err := tail.Next()
		if err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		var have []int
		for _, e := range entries {
			if len(e.Metrics) == 2 {
				e.Epoch = -e.Epoch
			}
			have = append(have, e.Epoch)
		}
		if diff := cmp.Diff(step.want, have); diff != "" {
			t.Errorf("%s (-want +have):\n%s", step.what, diff)
		}
	}
	if err := os.WriteFile(path, []byte(text+"?\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if entries, err := tail.Next(); err == nil {
		t.Errorf("a line without metrics is no error, but %v", entries)
	}
}
