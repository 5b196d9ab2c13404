package callbacks

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sirupsen/logrus"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/terminal"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/trainer"
)

// Table is a logrus.Formatter for a terminal. The epochs that a Logger logs
// become the rows of a table. The cell of a metric that is not fresh is blank, or has
// what bounds it, and the heading is repeated every 30 rows. Every other entry is a line with the
// message and its fields.
//
//	epoch     step      loss  accuracy  val loss   val acc        λ₁      λmin     time
//	    0        0    1.1023    0.3333    1.0968    0.3500    0.4127   -0.0218    0.02s
//	    1        3    1.0871    0.4133    1.0830    0.4333                        0.02s
type Table struct {
	// Width is the number of columns of the terminal; 110 if zero. Metrics that do not
	// fit are left out, and other entries are broken between words.
	Width int
	// Terminal is where the table is shown, or nil. If it has become narrower than Width
	// since, fewer metrics fit.
	Terminal io.Writer

	mu      sync.Mutex
	metrics []trainer.Metric // the columns between step and time
	shown   []trainer.Metric // those of them that the last heading has
	rows    int
}

var _ logrus.Formatter = (*Table)(nil)

// epochMessage is the message of the entries that become rows.
const epochMessage = "epoch"

const (
	tableWidth   = 110       // columns, where there is no terminal
	fixedWidth   = 7 + 9 + 9 // columns of epoch, step and time
	headingEvery = 30        // rows
)

// begin sets the columns of a new table.
func (t *Table) begin(metrics []trainer.Metric) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.metrics, t.shown, t.rows = metrics, metrics, 0
}

// Format implements logrus.Formatter.
func (t *Table) Format(e *logrus.Entry) ([]byte, error) {
	if e.Message != epochMessage {
		return []byte(terminal.Broken(string(formatEntry(e)), t.width())), nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var b bytes.Buffer
	if fits := t.fit(); len(fits) != len(t.shown) {
		t.shown, t.rows = fits, 0
	}
	if t.rows%headingEvery == 0 {
		t.writeHeading(&b)
	}
	t.rows++
	t.writeRow(&b, e.Data)
	return b.Bytes(), nil
}

// width returns the number of columns of the terminal as it is now; 0 if there is none.
func (t *Table) width() int {
	if t.Terminal == nil {
		return t.Width
	}
	return terminal.Width(t.Terminal)
}

// fit returns the metrics that fit on a line now.
func (t *Table) fit() []trainer.Metric {
	total := fixedWidth
	for _, m := range t.metrics {
		total += columnWidth(m)
	}
	if width := t.width(); width > 0 && width < t.Width && total > width {
		return fitting(t.metrics, width)
	}
	return t.metrics
}

// Recorded formats an epoch that a run has recorded as a Logger without a Schedule does
// while the run trains. The result is empty for an epoch that it does not log. The
// columns are those of the first run that the Table formats.
func (t *Table) Recorded(r *record.Run, e record.Entry) ([]byte, error) {
	if t.metrics == nil {
		t.begin(fitting(r.Metrics, t.Width))
	}
	if !notable(&trainer.State{Epoch: e.Epoch, Epochs: r.Epochs}, r.Metrics, e.Fresh) {
		return nil, nil
	}
	fields := logrus.Fields{"epoch": e.Epoch, "step": e.Step, "seconds": e.Seconds}
	addFresh(fields, t.metrics, e.Fresh)
	return t.Format(&logrus.Entry{Message: epochMessage, Data: fields})
}

func (t *Table) writeHeading(b *bytes.Buffer) {
	fmt.Fprintf(b, "%7s%9s", "epoch", "step")
	for _, m := range t.shown {
		fmt.Fprintf(b, "%*s", columnWidth(m), heading(m))
	}
	fmt.Fprintf(b, "%9s\n", "time")
}

func (t *Table) writeRow(b *bytes.Buffer, data logrus.Fields) {
	fmt.Fprintf(b, "%7v%9v", data["epoch"], data["step"])
	for _, m := range t.shown {
		fmt.Fprintf(b, "%*s", columnWidth(m), formatCell(m, data))
	}
	elapsed, _ := data["seconds"].(float64)
	fmt.Fprintf(b, "%9s\n", formatDuration(time.Duration(elapsed*float64(time.Second))))
}

// formatCell formats the value of a metric that is certain, or else the interval or
// the lower bound that is known of it.
func formatCell(m trainer.Metric, data logrus.Fields) string {
	value, certain := data[m.Name].(float64)
	low, bounded := data[record.Low(m.Name)].(float64)
	high, enclosed := data[record.High(m.Name)].(float64)
	switch {
	case certain && m.Whole:
		return fmt.Sprintf("%.0f", value) + doubt(m, data)
	case certain:
		return formatNumber(value) + doubt(m, data)
	case enclosed && bounded:
		return formatBound(low, math.Floor) + "–" + formatBound(high, math.Ceil)
	case enclosed:
		return "≤" + formatBound(high, math.Ceil)
	case bounded:
		return "≥" + formatBound(low, math.Floor)
	default:
		return ""
	}
}

// doubt returns the mark of a count that is not resolved.
func doubt(m trainer.Metric, data logrus.Fields) string {
	if data[record.Resolved(m.Name)] == 0.0 {
		return "?"
	}
	return ""
}

// formatEntry returns the message of e and its fields, sorted by name.
func formatEntry(e *logrus.Entry) []byte {
	var b bytes.Buffer
	if e.Level != logrus.InfoLevel {
		fmt.Fprintf(&b, "%s: ", e.Level)
	}
	b.WriteString(e.Message)
	for _, name := range slices.Sorted(maps.Keys(e.Data)) {
		fmt.Fprintf(&b, " %s=%s", name, formatField(name, e.Data[name]))
	}
	b.WriteByte('\n')
	return b.Bytes()
}

func formatField(name string, value any) string {
	if f, ok := value.(float64); ok && name != "seconds" {
		return formatNumber(f)
	}
	text := fmt.Sprint(value)
	if text == "" || strings.ContainsAny(text, " =\"\n\t") {
		return strconv.Quote(text)
	}
	return text
}

// formatNumber formats v in at most 9 characters, or 10 if the exponent has 3
// digits.
func formatNumber(v float64) string {
	switch a := math.Abs(v); {
	case a != 0 && a < 0.001 || a >= 1e6:
		return fmt.Sprintf("%.2e", v)
	case a < 10:
		return fmt.Sprintf("%.4f", v)
	case a < 1000:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}

// formatBound formats v in two digits, which it rounds by math.Floor or math.Ceil, so
// that a bound remains one.
func formatBound(v float64, round func(float64) float64) string {
	a := math.Abs(v)
	if a >= 100 && a < 1e4 {
		return fmt.Sprintf("%.0f", round(v))
	}
	if a > 0 {
		digits := min(1-math.Floor(math.Log10(a)), 300) // 10 to this power is finite
		v = round(v*math.Pow(10, digits)) / math.Pow(10, digits)
	}
	return fmt.Sprintf("%.2g", v)
}

// formatDuration formats d in at most 6 characters if it is below 100 hours.
func formatDuration(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 10*time.Second:
		return fmt.Sprintf("%.2fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	default:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
}

// heading returns the column heading of a metric.
func heading(m trainer.Metric) string {
	last := m.Name[strings.LastIndexByte(m.Name, '/')+1:]
	return cmp.Or(m.Heading, strings.ReplaceAll(last, "_", " "))
}

// columnWidth returns a width that fits the numbers and the heading, and a gap.
func columnWidth(m trainer.Metric) int { return max(8, utf8.RuneCountInString(heading(m))) + 2 }

// fitting chooses the metrics that fit on a line of some columns. The training loss and
// the accuracy of one held-out split have priority, then λ₁, complexity and margin, then
// the rest of these splits, then what else hooks measure, then other splits. The result is in the order of declaration.
func fitting(declared []trainer.Metric, width int) []trainer.Metric {
	heldOut := datasets.Test
	if slices.ContainsFunc(declared, func(m trainer.Metric) bool { return m.Name == trainer.LossOf(datasets.Validation) }) {
		heldOut = datasets.Validation
	}
	rank := func(m trainer.Metric) int {
		switch name := m.Name; {
		case m.Detail:
			return -1
		case name == trainer.LossOf(datasets.Train), name == trainer.AccuracyOf(heldOut):
			return 0
		case name == record.LambdaMax, name == record.LambdaMin, name == record.Complexity, name == record.Directions, name == record.Margin:
			return 1
		case trainer.IsOf(datasets.Train, name), trainer.IsOf(heldOut, name):
			return 2
		case !ofSplit(name):
			return 3
		default:
			return 4
		}
	}
	left := cmp.Or(width, tableWidth) - fixedWidth
	chosen := make(map[string]bool)
	for r := range 5 {
		for _, m := range declared {
			if w := columnWidth(m); rank(m) == r && w <= left {
				left -= w
				chosen[m.Name] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(declared), func(m trainer.Metric) bool { return !chosen[m.Name] })
}

// ofSplit reports whether a metric belongs to a split or to training. Such
// metrics cost almost nothing and tend to be fresh at every epoch.
func ofSplit(name string) bool {
	return trainer.IsOf(datasets.Train, name) || trainer.IsOf(datasets.Validation, name) || trainer.IsOf(datasets.Test, name)
}
