package callbacks

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// Margin measures, at the epochs of its schedule, how far the samples are from
// the decision boundary: their distances, in float64 whatever the precision of
// training, and two cheap proxies of them. At epochs at which the budget of the
// schedule does not allow the distances, only the proxies are recorded.
type Margin struct {
	// Schedule selects the epochs to measure at. If zero, the proxies are measured
	// at 20 log-spaced epochs and the last. The distances are measured at those of
	// them that a tenth of the run's work allows, and at the last.
	Schedule trainer.Schedule
	// Split is the name of the split that is measured; "train" if empty.
	Split string
	// Samples is the number of samples that are measured. They are drawn once,
	// with the run's seed. Zero means analysis.MarginSamples.
	Samples int
	// Dir is the folder in which distances and boundary points are stored, as
	// margin-EPOCH.npz; nothing is stored if it is empty.
	Dir string
	// Workers is the number of samples computed in parallel; one per CPU if zero.
	Workers int

	run marginRun
}

// marginRun is the state of a Margin during one run.
type marginRun struct {
	schedule trainer.Schedule
	samples  int
	split    *datasets.Split
	field    *models.Field
	pace     trainer.Pace
}

// marginWork is the approximate cost of the distance of one sample, in gradients
// of one sample.
const marginWork = 700

var (
	_ trainer.Meter         = (*Margin)(nil)
	_ trainer.Scheduled     = (*Margin)(nil)
	_ trainer.TrainBeginner = (*Margin)(nil)
	_ trainer.EpochEnder    = (*Margin)(nil)
	_ trainer.Resetter      = (*Margin)(nil)
	_ trainer.Snapshotter   = (*Margin)(nil)
)

// Name implements trainer.Hook.
func (*Margin) Name() string { return "margin" }

// Metrics implements trainer.Meter.
func (*Margin) Metrics() []trainer.Metric {
	return []trainer.Metric{
		{Name: record.Margin, Meaning: "least distance of a rightly classified sample to the decision boundary, in input space", Better: trainer.Higher},
		{Name: "boundary/margin_lower", Meaning: "certified lower bound of the margin: no rightly classified sample is nearer to the boundary", Better: trainer.Higher, Detail: true},
		{Name: "boundary/margin_q05", Meaning: "5 % quantile of those distances", Better: trainer.Higher, Detail: true},
		{Name: "boundary/margin_q25", Meaning: "25 % quantile of those distances", Better: trainer.Higher, Detail: true},
		{Name: "boundary/margin_harmonic", Meaning: "harmonic mean of those distances", Better: trainer.Higher, Detail: true},
		{Name: "boundary/margin_median", Meaning: "median of those distances", Better: trainer.Higher, Detail: true},
		{Name: record.MarginSamples, Unit: "samples", Whole: true, Meaning: "samples whose distances were measured", Detail: true},
		{Name: "boundary/margin_unconverged", Unit: "samples", Whole: true, Meaning: "rightly classified samples whose distance could still be much smaller", Better: trainer.Lower, Detail: true},
		{Name: "boundary/margin_certified", Unit: "samples", Whole: true, Meaning: "rightly classified samples whose distance is certified to be the least", Better: trainer.Higher, Detail: true},
		{Name: record.Misclassified, Unit: "samples", Whole: true, Meaning: "samples of those measured that are not classified rightly", Better: trainer.Lower, Detail: true},
		{Name: "boundary/margin_seconds", Unit: "s", Meaning: "time of this measurement", Better: trainer.Lower, Detail: true},
		{Name: "boundary/logit_margin_min", Meaning: "least logit margin, the label's logit minus the largest other", Better: trainer.Higher, Detail: true},
		{Name: "boundary/logit_margin_q05", Meaning: "5 % quantile of the logit margins", Better: trainer.Higher, Detail: true},
		{Name: record.LogitMarginMedian, Meaning: "median of the logit margins", Better: trainer.Higher, Detail: true},
		{Name: "boundary/input_margin_min", Meaning: "least first-order estimate of a distance to the boundary, |f_a − f_b|/‖∇(f_a − f_b)‖", Better: trainer.Higher, Detail: true},
		{Name: "boundary/input_margin_q05", Meaning: "5 % quantile of these estimates", Better: trainer.Higher, Detail: true},
		{Name: "boundary/input_margin_median", Meaning: "median of these estimates", Better: trainer.Higher, Detail: true},
	}
}

// Times implements trainer.Scheduled. The budget bounds how often distances are
// measured. To compute this bound, the work of the run is assumed to be at most
// twice that of its gradients.
func (m *Margin) Times(state *trainer.State, metric string, from int) (most int, known bool) {
	schedule := orDefault(m.Schedule)
	most, known = schedule.Times(state, from)
	if schedule.Budget == 0 || state.Epochs == 0 || m.run.split == nil || isCheap(metric) {
		return most, known
	}
	train, err := state.Data.Split(datasets.Train)
	if err != nil {
		return most, known
	}
	work := 2 * float64(state.Epochs) * float64(train.Len())
	paid := int(schedule.Budget * work / (marginWork * float64(min(m.run.samples, m.run.split.Len()))))
	if !known {
		return paid, true
	}
	return min(most, paid), true
}

// isCheap reports whether a metric is computed without distances.
func isCheap(metric string) bool {
	return strings.HasPrefix(metric, "boundary/logit_margin") || strings.HasPrefix(metric, "boundary/input_margin")
}

// TrainBegin implements trainer.TrainBeginner.
func (m *Margin) TrainBegin(_ context.Context, state *trainer.State) error {
	r := &m.run
	r.schedule = orDefault(m.Schedule)
	if err := r.schedule.Validate(); err != nil {
		return trainer.Below("Schedule", err)
	}
	if m.Samples < 0 {
		return fmt.Errorf("%d samples; want 0, for at most %d, or more", m.Samples, analysis.MarginSamples)
	}
	r.samples = cmp.Or(m.Samples, analysis.MarginSamples)
	var err error
	if r.split, err = state.Data.Split(cmp.Or(m.Split, datasets.Train)); err != nil {
		return err
	}
	if err := classified(r.split); err != nil {
		return err
	}
	// A Pace allows the first measurement without asking the budget. Start it as
	// if there had been one, so that the budget must allow the real first one too.
	if r.pace.Times == 0 {
		r.pace = trainer.Pace{Times: 1, Last: 2 * marginWork * float64(min(r.samples, r.split.Len()))}
	}
	r.field, err = models.NewField(state.Model, models.ObjectiveSettings{Precision: tensor.Float64, Workers: m.Workers})
	return err
}

// EpochEnd implements trainer.EpochEnder.
func (m *Margin) EpochEnd(ctx context.Context, state *trainer.State) error {
	if _, measured := state.Fresh(record.Misclassified); measured {
		return nil
	}
	before := m.run.pace
	distances := m.run.pace.Due(m.run.schedule, state)
	if !distances && !m.run.schedule.Due(state) {
		return nil
	}
	readings, err := m.measure(ctx, state, distances)
	if err != nil {
		m.run.pace = before // EpochEnd is called again when the run is resumed
		return err
	}
	return recordAll(state, readings)
}

func (m *Margin) measure(ctx context.Context, state *trainer.State, distances bool) ([]reading, error) {
	if err := m.run.field.Refresh(); err != nil {
		return nil, err
	}
	cheap, err := margin.MeasureCompanions(ctx, m.run.field, m.run.split)
	if err != nil {
		return nil, err
	}
	logit, input := cheap.LogitQuantiles(), cheap.InputQuantiles()
	readings := known([]estimate{
		{"boundary/logit_margin_min", logit.Min},
		{"boundary/logit_margin_q05", logit.Q05},
		{record.LogitMarginMedian, logit.Median},
		{"boundary/input_margin_min", input.Min},
		{"boundary/input_margin_q05", input.Q05},
		{"boundary/input_margin_median", input.Median},
	})
	if !distances {
		return readings, nil
	}
	more, err := m.measureDistances(ctx, state)
	return append(readings, more...), err
}

func (m *Margin) measureDistances(ctx context.Context, state *trainer.State) ([]reading, error) {
	start := time.Now()
	found, err := margin.Measure(ctx, m.run.field, m.run.split, margin.Settings{Samples: m.run.samples, Seed: state.Seed})
	if err != nil {
		return nil, err
	}
	if m.Dir != "" {
		if err := os.MkdirAll(m.Dir, 0o755); err != nil {
			return nil, err
		}
		if err := weights.Write(filepath.Join(m.Dir, record.MarginFile(state.Epoch)), found.Arrays()); err != nil {
			return nil, err
		}
	}
	m.run.pace.Done(state, float64(found.Evaluations)/3)
	s := found.Summary()
	readings := known([]estimate{
		{record.Margin, s.Min},
		{"boundary/margin_lower", s.MinLower},
		{"boundary/margin_q05", s.Q05},
		{"boundary/margin_q25", s.Q25},
		{"boundary/margin_harmonic", s.Harmonic},
		{"boundary/margin_median", s.Median},
	})
	return append(readings,
		reading{record.MarginSamples, float64(s.Samples)},
		reading{"boundary/margin_unconverged", float64(s.Unconverged)},
		reading{"boundary/margin_certified", float64(s.Certified)},
		reading{record.Misclassified, float64(s.Misclassified)},
		reading{"boundary/margin_seconds", time.Since(start).Seconds()},
	), nil
}

// estimate is the value of a metric, nil if it is not known.
type estimate struct {
	metric string
	value  *float64
}

// known returns the estimates that have a value.
func known(estimates []estimate) []reading {
	var readings []reading
	for _, e := range estimates {
		if e.value != nil {
			readings = append(readings, reading{e.metric, *e.value})
		}
	}
	return readings
}

// Snapshot implements trainer.Snapshotter.
func (m *Margin) Snapshot() ([]byte, error) { return trainer.EncodeState(m.run.pace) }

// Restore implements trainer.Snapshotter.
func (m *Margin) Restore(data []byte) error { return trainer.DecodeState(data, &m.run.pace) }

// Reset implements trainer.Resetter.
func (m *Margin) Reset() { m.run = marginRun{} }
