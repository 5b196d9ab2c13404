package runs_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/runs"
)

// Only one of two folders of runs can be read.
func Example() {
	dir, err := os.MkdirTemp("", "runs")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for path, text := range map[string]string{
		"a/run.json":      `{"status": "finished", "epoch": 20}`,
		"a/metrics.jsonl": `{"epoch": 0, "metrics": {"train/loss": 2}}` + "\n",
		"b/config.yaml":   "name: b\n", // killed before it began
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			fmt.Println(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			fmt.Println(err)
		}
	}
	candidates, apart, err := runs.Candidates([]string{dir}, true)
	for _, c := range candidates {
		fmt.Println(filepath.Base(c.Path), c.Run.Status, len(c.History))
	}
	for _, a := range apart {
		fmt.Println(filepath.Base(a.Run), "is set apart")
	}
	fmt.Println(err)
	_, err = runs.Histories([]string{dir})
	fmt.Println(err != nil)
	// Output:
	// a finished 1
	// b is set apart
	// <nil>
	// true
}
