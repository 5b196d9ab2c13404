package terminal_test

import (
	"fmt"
	"os"

	"github.com/hessoscope/hessoscope/callbacks/terminal"
)

// A table whose column "model" is left out on a narrow terminal.
func Example() {
	table := terminal.Table{
		Columns: []terminal.Column{{Heading: "run"}, {Heading: "loss", Right: true}, {Heading: "model", Spare: 1}},
		Rows:    [][]string{{"runs/iris", "0.0341", "MLP 4-50-50-3"}},
	}
	if err := table.Write(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// run          loss  model
	// runs/iris  0.0341  MLP 4-50-50-3
}
