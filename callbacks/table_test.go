package callbacks

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"

	"github.com/hessoscope/hessoscope/trainer"
)

func TestTable(t *testing.T) {
	var out bytes.Buffer
	table := new(Table)
	table.begin([]trainer.Metric{
		{Name: "train/loss"},
		{Name: "train/accuracy"},
		{Name: "validation/loss", Heading: "val loss"},
		{Name: "test/accuracy", Heading: "test acc"},
		{Name: "spectrum/lambda_max", Heading: "λ₁"},
		{Name: "spectrum/outliers", Whole: true},
	})
	log := &logrus.Logger{Out: &out, Level: logrus.InfoLevel, Formatter: table}
	log.WithFields(logrus.Fields{"model": "MLP 2-100-3 relu", "epochs": 2000, "empty": "", "alpha": 0.25}).Info("training")
	row := func(epoch int, seconds float64, metrics logrus.Fields) {
		log.WithFields(metrics).WithFields(logrus.Fields{"epoch": epoch, "of": 2000, "step": 50 * epoch, "seconds": seconds}).Info("epoch")
	}
	row(0, 0.0123, logrus.Fields{
		"train/loss": 1.10231, "train/accuracy": 1.0 / 3, "validation/loss": 1.0968, "test/accuracy": 0.35,
		"spectrum/lambda_max": 123.456, "spectrum/outliers": 3.0,
	})
	row(1, 1.5, logrus.Fields{"train/loss": 0.0000123456, "train/accuracy": 1.0, "validation/loss": 0.0012, "test/accuracy": 0.9})
	row(20, 59.94, logrus.Fields{"spectrum/lambda_max": 1234567.0, "spectrum/outliers": 12.0})
	row(30, 60, logrus.Fields{"spectrum/lambda_max_low": 0.3789, "spectrum/outliers": 2.0, "spectrum/outliers_resolved": 0.0})
	row(40, 61, logrus.Fields{"spectrum/lambda_max_low": 13.34, "spectrum/lambda_max_high": 119.01})
	row(50, 62, logrus.Fields{"spectrum/lambda_max_low": 13.34, "spectrum/lambda_max_high": 13.35, "spectrum/lambda_max": 13.34})
	log.Warn("the training goes on")
	row(2000, 3723, logrus.Fields{"train/loss": 12.345, "train/accuracy": 1e-300, "other/metric": 1.0})
	want := `
training alpha=0.2500 empty="" epochs=2000 model="MLP 2-100-3 relu"
  epoch     step      loss  accuracy  val loss  test acc        λ₁  outliers     time
      0        0    1.1023    0.3333    1.0968    0.3500    123.46         3    0.01s
      1       50  1.23e-05    1.0000    0.0012    0.9000                        1.50s
     20     1000                                          1.23e+06        12    59.9s
     30     1500                                             ≥0.37        2?    1m00s
     40     2000                                            13–120              1m01s
     50     2500                                             13.34              1m02s
warning: the training goes on
   2000   100000     12.35 1.00e-300                                            1h02m
`
	if diff := cmp.Diff(want[1:], out.String()); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}

// Two digits are rounded outwards; the rest of the smallest numbers is 0.
func TestFormatBound(t *testing.T) {
	for _, test := range []struct {
		v         float64
		low, high string
	}{
		{0, "0", "0"},
		{0.123, "0.12", "0.13"},
		{-0.123, "-0.13", "-0.12"},
		{99.9, "99", "1e+02"},
		{100.5, "100", "101"},
		{12345, "1.2e+04", "1.3e+04"},
		{1.55e-299, "1.5e-299", "1.6e-299"},
		{1e-310, "0", "1e-300"},
	} {
		if low, high := formatBound(test.v, math.Floor), formatBound(test.v, math.Ceil); low != test.low || high != test.high {
			t.Errorf("%g: %s to %s, want %s to %s", test.v, low, high, test.low, test.high)
		}
	}
}

func TestTableHeadings(t *testing.T) {
	var out bytes.Buffer
	log := &logrus.Logger{Out: &out, Level: logrus.InfoLevel, Formatter: new(Table)}
	for epoch := range 61 {
		log.WithFields(logrus.Fields{"epoch": epoch, "step": epoch, "seconds": 0.0}).Info("epoch")
	}
	lines := strings.Split(out.String(), "\n")
	for i, line := range lines {
		if isHeading := strings.Contains(line, "epoch"); isHeading != (i%31 == 0 && i < 63) {
			t.Errorf("line %d is %q", i, line)
		}
	}
}

// window is a terminal whose width may change.
type window struct {
	bytes.Buffer
	columns int
}

func (w *window) Columns() int { return w.columns }

// Rows have fewer metrics while the terminal is narrower than at the start.
func TestTableInNarrowerTerminal(t *testing.T) {
	w := &window{columns: 60}
	table := &Table{Width: 60, Terminal: w}
	table.begin([]trainer.Metric{{Name: "train/loss"}, {Name: "train/accuracy"}, {Name: "test/accuracy", Heading: "test acc"}})
	log := &logrus.Logger{Out: w, Level: logrus.InfoLevel, Formatter: table}
	for epoch, columns := range []int{60, 46, 46, 60} {
		w.columns = columns
		log.WithFields(logrus.Fields{"epoch": epoch, "step": epoch, "seconds": 1.0, "train/loss": 0.5, "train/accuracy": 0.25, "test/accuracy": 0.75}).Info("epoch")
	}
	w.columns = 20
	log.Info("a message that is broken")
	want := `
  epoch     step      loss  accuracy  test acc     time
      0        0    0.5000    0.2500    0.7500    1.00s
  epoch     step      loss  test acc     time
      1        1    0.5000    0.7500    1.00s
      2        2    0.5000    0.7500    1.00s
  epoch     step      loss  accuracy  test acc     time
      3        3    0.5000    0.2500    0.7500    1.00s
a message that is
  broken
`
	if diff := cmp.Diff(want[1:], w.String()); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}
