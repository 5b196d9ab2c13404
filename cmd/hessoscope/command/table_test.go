package command

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/record"
)

// customers is a table as docs/your-own-data.md has it, with 20 features and four classes,
// the last of which has a thirtieth of the rows.
func customers(rows int) string {
	rng := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for j := range 18 {
		fmt.Fprintf(&b, "f%d;", j)
	}
	b.WriteString("zip;color;id;class\n")
	for i := range rows {
		class := []int{0, 0, 0, 1, 1, 2}[i%6]
		if i%30 == 0 {
			class = 3
		}
		for j := range 18 {
			if rng.Float64() < 0.03 {
				b.WriteString([]string{";", "NA;", "?;"}[rng.IntN(3)])
				continue
			}
			fmt.Fprintf(&b, "%.2f;", 5+rng.NormFloat64()+float64(class*(j%3)))
		}
		fmt.Fprintf(&b, "%d;%s;row %d;%s\n", 80331+rng.IntN(3), []string{"red", "green", ""}[rng.IntN(3)], i, []string{"buys", "looks", "asks", "leaves"}[class])
	}
	return b.String()
}

const customersExperiment = `
name: customers
data:
  csv: customers.csv
  label: class
  delimiter: ;
  exclude: [id]
  missing: median
  categorical: [zip]
  split_shares: {validation: 0.15, test: 0.15}
  standardize: true
model:
  hidden: [16]
training:
  epochs: 20
  batch_size: 50
  class_weights: balanced
  rate: {base: 0.1}
spectrum: {off: true}
margin: {off: true}
`

// A table with gaps, words and unequal classes is trained on and analyzed, and what was
// changed is recorded.
func TestMessyTable(t *testing.T) {
	chdir(t)
	write(t, "customers.csv", customers(600))
	write(t, "customers.yaml", customersExperiment)
	succeed(t, "train", "customers.yaml", "--no-progress")
	run, err := record.ReadRun("runs/customers/run.json")
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(run.Notes, "\n")
	for _, want := range []string{"gaps are filled by the median", "one-hot, with so many categories: zip (3), color (2)", "in each class alike: 420 train, 90 validation, 90 test"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes %s\nwant %q", notes, want)
		}
	}
	if !strings.HasPrefix(run.Loss, "cross_entropy weighted by class (") || run.Model.InputShape[0] != 18+3+2 {
		t.Errorf("loss %q, inputs %v", run.Loss, run.Model.InputShape)
	}
	for _, split := range []string{"train", "test"} {
		var r analysis.Result
		text := succeed(t, "analyze", "runs/customers", "--split", split, "--no-complexity", "--method", "lanczos", "--top", "1", "--bottom", "0", "--tolerance", "1e-2", "--json", "-")
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		if trained := run.Final[split+"/loss"].Value; math.Abs(trained-r.Loss) > 1e-12 {
			t.Errorf("%s: loss %v in analyze, %v in training", split, r.Loss, trained)
		}
		right, all := 0, 0
		for y, row := range r.Confusion.Matrix {
			right += row[y]
			for _, n := range row {
				all += n
			}
		}
		if all != r.Data.Samples || float64(right)/float64(all) != r.Accuracy || r.Confusion.Classes[0] != "asks" || r.Confusion.BalancedAccuracy < 0.75 {
			t.Errorf("%s: accuracy %v, confusion %+v", split, r.Accuracy, r.Confusion)
		}
	}
}

// Columns stay narrow, whatever the numbers are.
func TestCells(t *testing.T) {
	for _, test := range []struct {
		format string
		value  float64
		want   string
	}{
		{"%.4f", 0.12345, "0.1235"},
		{"%.4f", 999999, "999999.0000"},
		{"%.4f", 1e285, "1.00e+285"},
		{"%+.4f", -2.5e6, "-2.50e+06"},
		{"×%.3f", 1e300, "×1.00e+300"},
		{"%.0f%%", 1e9, "1.00e+09%"},
		{"%.4g", 1e285, "1e+285"},
		{"%.4f", math.Inf(1), "+Inf"},
		{"%.4f", math.MaxFloat64, "1.80e+308"},
	} {
		if got := optional(test.format, &test.value); got != test.want {
			t.Errorf("%s of %g is %q; want %q", test.format, test.value, got, test.want)
		}
	}
	if got := optional("%.4f", nil); got != "–" {
		t.Errorf("nil is %q", got)
	}
}
