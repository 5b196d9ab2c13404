package stopping_test

import (
	"fmt"
	"log"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/stopping"
	"github.com/hessoscope/hessoscope/trainer"
)

// Two rules on a recorded run. Its validation loss rises from the third epoch on, and
// so does its complexity, which is measured every other epoch.
func ExampleReplay() {
	run := stopping.Run{Name: "runs/recorded", Metrics: []trainer.Metric{
		{Name: "validation/loss", Better: trainer.Lower}, {Name: "boundary/complexity", Better: trainer.Lower},
	}}
	for epoch, loss := range []float64{0.9, 0.6, 0.4, 0.45, 0.5, 0.55, 0.6} {
		metrics := map[string]float64{"validation/loss": loss, "test/accuracy": 1 - loss/2}
		if epoch%2 == 0 {
			metrics["boundary/complexity"] = 0.01 * float64(epoch)
		}
		run.History = append(run.History, record.Entry{Epoch: epoch, Metrics: metrics})
	}
	patience := stopping.Rule{Monitor: "validation/loss", Patience: 2}
	both := stopping.Rule{All: []stopping.Rule{{Monitor: "boundary/complexity", Rises: 3}, patience}}
	replayed, err := stopping.Replay(run, []stopping.Rule{patience, both})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("oracle: epoch", replayed.Oracle.Epoch)
	for _, o := range replayed.Rules {
		fmt.Printf("%s: epoch %d, regret %.3f\n", o.Rule, o.Epoch, *o.Regret)
	}
	// Output:
	// oracle: epoch 2
	// validation/loss not better for 2 measurements: epoch 4, regret 0.050
	// boundary/complexity rising for 3 measurements and validation/loss not better for 2 measurements: epoch 6, regret 0.100
}
