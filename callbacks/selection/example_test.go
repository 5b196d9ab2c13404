package selection_test

import (
	"context"
	"fmt"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/selection"
	"github.com/hessoscope/hessoscope/trainer"
)

// Three finished runs, as record.ReadRun returns them, ranked by complexity and margin.
func Example() {
	finished := func(path string, complexity, margin float64) selection.Candidate {
		return selection.Candidate{Path: path, Run: &record.Run{
			Status: record.StatusFinished, Epoch: 200,
			Metrics: []trainer.Metric{
				{Name: "boundary/complexity", Better: trainer.Lower},
				{Name: "boundary/margin", Better: trainer.Higher},
				{Name: "train/loss", Better: trainer.Lower},
			},
			Final: map[string]trainer.Reading{
				"boundary/complexity": {Value: complexity, Epoch: 200},
				"boundary/margin":     {Value: margin, Epoch: 200},
				"train/loss":          {Value: 0.1, Epoch: 200},
			},
		}}
	}
	runs := []selection.Candidate{
		finished("runs/adversarial", 0.037, 0.02),
		finished("runs/simple", 0.007, 0.10),
		finished("runs/wide", 0.009, 0.22),
	}
	by, err := selection.Measures([]string{"complexity", "margin"}, runs)
	if err != nil {
		fmt.Println(err)
		return
	}
	selected, err := selection.Select(context.Background(), runs, selection.Settings{By: by})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range selected.Groups[0].Runs {
		fmt.Printf("%d. %s: front %d, score %.3f\n", r.Rank, r.Run, r.Front, r.Score)
	}
	// Output:
	// 1. runs/wide: front 1, score 0.126
	// 2. runs/simple: front 1, score 0.394
	// 3. runs/adversarial: front 2, score 2.031
}
