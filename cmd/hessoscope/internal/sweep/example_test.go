package sweep_test

import (
	"fmt"
	"io"
	"strings"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/sweep"
)

// A plan is expanded, but nothing is trained yet.
func Example() {
	p, err := sweep.Parse("widths.yaml", []byte(`
name: widths
experiment: gauss
grid: {model.hidden: [[20, 20], [50, 50]]}
seeds: 2
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := sweep.New(p, "sweeps", 1, io.Discard)
	if err != nil {
		fmt.Println(err)
		return
	}
	var table strings.Builder
	if err := s.WriteTable(&table); err != nil {
		fmt.Println(err)
	}
	for row := range strings.Lines(table.String()) {
		fmt.Println(strings.TrimSpace(row))
	}
	// Output:
	// run           status       epochs       loss    val acc         λ₁          G  directions     margin     time
	// 20x20-seed_0  waiting
	// 20x20-seed_1  waiting
	// 50x50-seed_0  waiting
	// 50x50-seed_1  waiting
}
