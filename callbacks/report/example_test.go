package report_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/report"
)

// A page of a run that has just begun: what there is to say, and one file to open.
func Example() {
	dir, err := os.MkdirTemp("", "report")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	folder := record.Folder(filepath.Join(dir, "first"))
	run := `{"status": "interrupted", "epoch": 1, "epochs": 50, "metrics": [{"name": "train/loss", "meaning": "mean loss", "better": "lower"}],
		"final": {"train/loss": {"value": 0.7, "epoch": 1}}}`
	history := `{"epoch": 1, "metrics": {"train/loss": 0.7}}` + "\n"
	if err := os.Mkdir(string(folder), 0o755); err != nil {
		fmt.Println(err)
		return
	}
	for file, text := range map[string]string{folder.Run(): run, folder.History(): history} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			fmt.Println(err)
			return
		}
	}

	data, err := report.Collect(folder)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, sentence := range data.Runs[0].Summary {
		fmt.Println(sentence)
	}
	var page bytes.Buffer
	fmt.Println(report.Write(&page, data), bytes.Contains(page.Bytes(), []byte("<title>first")))
	// Output:
	// Interrupted at epoch 1 of 50; it can be resumed. All below is of the run so far.
	// Train loss 0.7.
	// Nothing was measured beside the metrics of training.
	// <nil> true
}
