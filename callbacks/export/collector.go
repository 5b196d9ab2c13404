package export

import (
	"cmp"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

// A Run is a run under the name that it is exported by.
type Run struct {
	Name string
	*record.Run
}

// A Collector is a prometheus.Collector of the last values of runs. A metric becomes a
// gauge named hessoscope_ and its name, with the label run: spectrum/lambda_max is
// hessoscope_spectrum_lambda_max. What else a record tells is named hessoscope_run_…. Of
// two metrics of a run whose names differ in punctuation alone, the first is exported.
type Collector struct {
	// Runs returns the runs whenever metrics are collected.
	Runs func() ([]Run, error)
}

var _ prometheus.Collector = (*Collector)(nil)

// Describe implements prometheus.Collector. It describes nothing, since every run declares
// its own metrics.
func (*Collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	runs, err := c.Runs()
	if err != nil {
		ch <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
		return
	}
	out := output{ch, make(map[string]string)}
	for _, r := range runs {
		out.run(r)
	}
}

// output sends metrics.
type output struct {
	ch   chan<- prometheus.Metric
	help map[string]string // by name; all series of a name must have the same
}

func (o output) run(r Run) {
	name := strings.ToValidUTF8(r.Name, "\uFFFD")
	sent := make(map[string]bool)
	gauge := func(metric, help string, value float64, state ...string) {
		metric = "hessoscope_" + strings.Map(allowed, metric)
		if sent[metric] {
			return
		}
		sent[metric] = true
		if o.help[metric] == "" {
			o.help[metric] = cmp.Or(help, metric)
		}
		desc := prometheus.NewDesc(metric, o.help[metric], []string{"run", "state"}[:1+len(state)], nil)
		m, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, value, append([]string{name}, state...)...)
		if err != nil {
			m = prometheus.NewInvalidMetric(desc, err)
		}
		o.ch <- m
	}
	gauge("run_state", "1 for the state that the run is in: running, finished, interrupted, not_finite, failed, killed or silent", 1, string(r.Condition(time.Now())))
	gauge("run_epoch", "epochs completed", float64(r.Epoch))
	gauge("run_epochs", "epochs planned; 0 if not known", float64(r.Epochs))
	gauge("run_step", "training steps completed", float64(r.Step))
	gauge("run_seconds", "time the run has taken, without interruptions", r.Seconds)
	gauge("run_updated_timestamp_seconds", "when the run last updated its record, in Unix time", float64(r.Updated.Unix()))
	for _, m := range r.Metrics {
		if last, ok := r.Final[m.Name]; ok {
			gauge(m.Name, describe(m), last.Value)
		}
	}
}

// allowed replaces characters that a name must not have.
func allowed(c rune) rune {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return c
	default:
		return '_'
	}
}
