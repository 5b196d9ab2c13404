package reproduce

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/terminal"
	"github.com/hessoscope/hessoscope/datasets/durable"
)

// row is a quantity of a network, ours and the reference's.
type row struct {
	network, quantity string
	ours, reference   float64 // NaN if not known
	note              string  // an interval, where ours is not known
}

// rows returns the numbers of a network.
func (n *network) rows(name string) []row {
	ref, ok := references[name]
	if !ok {
		nan := math.NaN()
		ref = reference{nan, nan, nan, nan, nan, nan, nan, nan, nan, nan}
	}
	r, nan := n.result, math.NaN()
	trace, g, counted, participation, least, paper, published := nan, nan, nan, nan, nan, nan, nan
	gNote, participationNote := "", ""
	if r.Spectrum.Trace != nil {
		trace = r.Spectrum.Trace.Value
	}
	if c := r.Complexity; c != nil {
		participation = finite(c.Participation)
		if c.Value != nil {
			g, counted = *c.Value, float64(c.Count)
		} else {
			gNote = fmt.Sprintf("%.2g to %.2g", c.Low, c.High)
		}
	}
	if d := r.Directions; d != nil && math.IsNaN(participation) {
		participationNote = fmt.Sprintf("%.3g to %.3g", d.Participation.Low, d.Participation.High)
	}
	if m := r.Margin; m != nil {
		least = finite(m.Min)
		if m.Paper != nil {
			paper = m.Paper.Value
		}
	}
	if n.published != nil {
		published = float64(n.published.Count)
	}
	all := []row{
		{quantity: "training loss", ours: r.Loss, reference: ref.loss},
		{quantity: "training accuracy", ours: r.Accuracy, reference: nan},
		{quantity: "test accuracy", ours: n.testAccuracy, reference: nan},
		{quantity: "λ₁", ours: r.Spectrum.Top[0], reference: ref.lambda1},
		{quantity: "trace of the Hessian", ours: trace, reference: ref.trace},
		{quantity: "outliers, above λ₁/10", ours: float64(r.Spectrum.Outliers.Ratio.Count), reference: ref.outliers},
		{quantity: "G, calibrated", ours: g, reference: ref.counted / ref.parameters, note: gNote},
		{quantity: "eigenvectors in G", ours: counted, reference: ref.counted},
		{quantity: "eigenvectors aligned by 0.0473, the paper's ε for fig. 4", ours: published, reference: ref.countedPaper},
		{quantity: "participation", ours: participation, reference: ref.participation, note: participationNote},
		{quantity: "margin", ours: least, reference: ref.margin},
		{quantity: "margin, the paper's estimate", ours: paper, reference: ref.paperMargin},
	}
	kept := all[:0]
	for _, row := range all {
		row.network = name
		if !math.IsNaN(row.ours) || row.note != "" {
			kept = append(kept, row)
		}
	}
	return kept
}

// writeTable writes the numbers and the claims: as a text to Lines, and as table.md and
// table.csv.
func (s *Settings) writeTable(networks map[string]*network) error {
	var rows []row
	for i := range recipes {
		if n := networks[recipes[i].name]; n != nil {
			rows = append(rows, n.rows(recipes[i].name)...)
		}
	}
	claims := judge(networks)

	numbers := terminal.Table{Columns: []terminal.Column{{Heading: "NETWORK"}, {Heading: "QUANTITY"}, {Heading: "OURS"}, {Heading: "REFERENCE"}}}
	for _, r := range rows {
		numbers.Rows = append(numbers.Rows, []string{r.network, r.quantity, r.shown(), number(r.reference)})
	}
	verdicts := terminal.Table{Columns: []terminal.Column{{Heading: "CLAIM"}, {Heading: "VERDICT"}, {Heading: "NUMBERS", Text: true}}}
	for _, c := range claims {
		verdicts.Rows = append(verdicts.Rows, []string{c.claim, string(c.verdict), c.numbers})
	}
	for _, t := range []terminal.Table{numbers, verdicts} {
		if _, err := fmt.Fprintln(s.Lines); err != nil {
			return err
		}
		if err := t.Write(s.Lines); err != nil {
			return err
		}
	}
	path := filepath.Join(s.Out, "table.md")
	if err := durable.WriteFile(path, s.markdown(rows, claims)); err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(s.Out, "table.csv"), asCSV(rows)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.Lines, "\n%s says why numbers differ\n", path)
	return err
}

func (s *Settings) markdown(rows []row, claims []claim) []byte {
	var b bytes.Buffer
	b.WriteString("# Numbers of the reproduction\n\n")
	if s.Quick {
		b.WriteString("A quick one: fewer epochs, samples and points, so that numbers are rough.\n\n")
	}
	b.WriteString("| network | quantity | ours | reference |\n|---|---|---|---|\n")
	last := ""
	for _, r := range rows {
		name := r.network
		if name == last {
			name = ""
		}
		last = r.network
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, r.quantity, r.shown(), number(r.reference))
	}
	b.WriteString("\nThe reference are networks that were trained with PyTorch by the recipe of the paper's authors, and measured in float64.\nWhy numbers differ:\n\n")
	for _, c := range caveats {
		b.WriteString("- " + c + "\n")
	}
	b.WriteString("\n## What the paper claims\n\n| claim | in our networks | numbers |\n|---|---|---|\n")
	for _, c := range claims {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.claim, c.verdict, c.numbers)
	}
	return b.Bytes()
}

func asCSV(rows []row) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	exact := func(v float64) string {
		if math.IsNaN(v) {
			return ""
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	_ = w.Write([]string{"network", "quantity", "ours", "reference", "interval"}) // a buffer does not fail
	for _, r := range rows {
		_ = w.Write([]string{r.network, r.quantity, exact(r.ours), exact(r.reference), r.note})
	}
	w.Flush()
	return b.Bytes()
}

func (r *row) shown() string {
	if r.note != "" {
		return r.note
	}
	return number(r.ours)
}

// number formats a number with four digits.
func number(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strings.Replace(strconv.FormatFloat(v, 'g', 4, 64), "e-0", "e-", 1)
}
