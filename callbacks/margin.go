package callbacks

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// Margin measures, at the epochs of its schedule, how far the samples are from
// the decision boundary: their distances, in float64 whatever the precision of
// training, and two cheap proxies of them. At epochs at which the budget of the
// schedule does not allow the distances, only the proxies are recorded. At the end of
// the run, distances are measured of as many samples as it pays for, or as about a
// quarter of a second on one core (trainer.State.Second) if that is more. If these are
// not all that were asked for, the margin is recorded as an interval from 0 to the least
// distance, with a 95 % interval of the median and no quantiles. With a budget, the lower
// bounds are those of margin.Settings.Brief.
type Margin struct {
	// Schedule selects the epochs to measure at. If zero, it is DefaultSchedule.
	// Without a budget, distances are measured at all of them.
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
	// Progress, if not nil, is called during a measurement with the number of samples
	// that are done.
	Progress func(done, total int)

	run marginRun
}

// marginRun is the state of a Margin during one run.
type marginRun struct {
	place    durable.Place // that of Dir
	schedule trainer.Schedule
	samples  int
	split    *datasets.Split
	field    *models.Field
	memory   marginMemory
}

// marginMemory is what a Margin keeps from one measurement to the next.
type marginMemory struct {
	Distances, Proxies trainer.Pace
	Each               float64 // cost of the distance of one sample, the last time; 0 if not known
}

// What measuring costs, in gradients of one sample as training computes them. It
// was measured on networks of 500 to 90,000 parameters; that of a distance
// varies between 3,000 and 10,000.
const (
	evaluationWork = 3    // evaluation of the logits and a gradient of one of them, in a search
	distanceWork   = 7000 // distance of a sample, before one was measured
	proxyWork      = 2.5  // logit margin and first-order distance of a sample
)

var (
	_ trainer.Meter         = (*Margin)(nil)
	_ trainer.Scheduled     = (*Margin)(nil)
	_ trainer.TrainBeginner = (*Margin)(nil)
	_ trainer.EpochEnder    = (*Margin)(nil)
	_ trainer.RestoredMeter = (*Margin)(nil)
	_ trainer.Resetter      = (*Margin)(nil)
	_ trainer.Snapshotter   = (*Margin)(nil)
)

// Name implements trainer.Hook.
func (*Margin) Name() string { return "margin" }

// Metrics implements trainer.Meter.
func (*Margin) Metrics() []trainer.Metric {
	return []trainer.Metric{
		{Name: record.Margin, Meaning: "least distance of a rightly classified sample to the decision boundary, in input space", Better: trainer.Higher},
		{Name: record.Low(record.Margin), Meaning: "lower bound of the margin, where not all samples asked for were measured: 0", Better: trainer.Higher, Detail: true},
		{Name: record.High(record.Margin), Meaning: "upper bound of the margin, where not all samples asked for were measured", Better: trainer.Higher, Detail: true},
		{Name: "boundary/margin_lower", Meaning: "certified lower bound of the margin: no rightly classified sample is nearer to the boundary", Better: trainer.Higher, Detail: true},
		{Name: "boundary/margin_q05", Meaning: "5 % quantile of those distances", Better: trainer.Higher, Detail: true},
		{Name: "boundary/margin_q25", Meaning: "25 % quantile of those distances", Better: trainer.Higher, Detail: true},
		{Name: "boundary/margin_harmonic", Meaning: "harmonic mean of those distances", Better: trainer.Higher, Detail: true},
		{Name: record.MarginMedian, Meaning: "median of those distances", Better: trainer.Higher, Detail: true},
		{Name: record.Low(record.MarginMedian), Meaning: "lower end of the 95 % interval of the median, where not all samples asked for were measured", Better: trainer.Higher, Detail: true},
		{Name: record.High(record.MarginMedian), Meaning: "upper end of that interval", Better: trainer.Higher, Detail: true},
		{Name: record.MarginSamples, Unit: "samples", Whole: true, Meaning: "samples whose distances were measured", Detail: true},
		{Name: "boundary/margin_unconverged", Unit: "samples", Whole: true, Meaning: "rightly classified samples whose distance could still be much smaller", Better: trainer.Lower, Detail: true},
		{Name: "boundary/margin_certified", Unit: "samples", Whole: true, Meaning: "rightly classified samples whose distance is certified to be the least", Better: trainer.Higher, Detail: true},
		{Name: record.Misclassified, Unit: "samples", Whole: true, Meaning: "samples of those measured that are not classified rightly", Better: trainer.Lower, Detail: true},
		{Name: record.MarginSeconds, Unit: "s", Meaning: "time of this measurement", Better: trainer.Lower, Detail: true},
		{Name: "boundary/logit_margin_min", Meaning: "least logit margin, the label's logit minus the largest other", Better: trainer.Higher, Detail: true},
		{Name: "boundary/logit_margin_q05", Meaning: "5 % quantile of the logit margins", Better: trainer.Higher, Detail: true},
		{Name: record.LogitMarginMedian, Meaning: "median of the logit margins", Better: trainer.Higher, Detail: true},
		{Name: "boundary/input_margin_min", Meaning: "least first-order estimate of a distance to the boundary, |f_a − f_b|/‖∇(f_a − f_b)‖", Better: trainer.Higher, Detail: true},
		{Name: "boundary/input_margin_q05", Meaning: "5 % quantile of these estimates", Better: trainer.Higher, Detail: true},
		{Name: "boundary/input_margin_median", Meaning: "median of these estimates", Better: trainer.Higher, Detail: true},
	}
}

// Times implements trainer.Scheduled. The budget bounds how often distances are
// measured.
func (m *Margin) Times(state *trainer.State, metric string, from int) (most int, known bool) {
	schedule := orDefault(m.Schedule)
	most, known = schedule.Times(state, from)
	if schedule.Budget == 0 || state.PlannedWork() == 0 || m.run.split == nil || isCheap(metric) {
		return most, known
	}
	paid := int(schedule.Budget * state.PlannedWork() / m.cost())
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
	if r.place, err = durable.PlaceOf(m.Dir); err != nil {
		return err
	}
	if r.split, err = state.Data.Split(cmp.Or(m.Split, datasets.Train)); err != nil {
		return err
	}
	if err := classified(r.split); err != nil {
		return err
	}
	r.samples = min(r.samples, r.split.Len())
	m.tell(state)
	r.field, err = models.NewField(state.Model, models.ObjectiveSettings{Precision: tensor.Float64, Workers: m.Workers})
	return err
}

// cost returns what the distances of all samples are likely to cost.
func (m *Margin) cost() float64 { return float64(m.run.samples) * m.each() }

// each returns what the distance of one sample is likely to cost.
func (m *Margin) each() float64 { return cmp.Or(m.run.memory.Each, distanceWork) }

// Before the last epoch, one half of the budget is for the proxies and the other for
// the distances. Where a half pays for less than fewest distances, the proxies get
// proxyShare.
const (
	fewest     = 6 // distances by which the median has a 95 % interval
	proxyShare = 0.9
)

// parts returns the schedules of the proxies and of the distances, with their parts
// of the budget.
func (m *Margin) parts(state *trainer.State) (proxies, distances trainer.Schedule) {
	budget, share := m.run.schedule.Budget, 0.5
	if planned := state.PlannedWork(); planned > 0 && share*budget*planned < float64(min(fewest, m.run.samples))*distanceWork {
		share = proxyShare
	}
	proxies, distances = m.run.schedule, m.run.schedule
	proxies.Budget, distances.Budget = share*budget, (1-share)*budget
	proxies.SkipFinal = true // that is paid from the other part
	return proxies, distances
}

// proxies returns what the proxies cost.
func (m *Margin) proxies() float64 { return proxyWork * float64(m.run.split.Len()) }

// left returns the work that the budget still pays for.
func (m *Margin) left(state *trainer.State) float64 {
	return withFloor(state, m.run.memory.Distances.Left(m.run.schedule, state)-m.run.memory.Proxies.Spent, marginFloor)
}

// tell notes what the budget of a run does not pay for, and what would do.
func (m *Margin) tell(state *trainer.State) {
	budget, planned := m.run.schedule.Budget, state.PlannedWork()
	if budget == 0 || planned == 0 {
		return
	}
	proxies := m.proxies()
	left := max(budget*planned-proxies, marginFloor*state.Second())
	if m.cost() <= left {
		return
	}
	cost, affordable := m.cost()+proxies, math.Floor(left/m.each())
	state.Note(fmt.Sprintf("the budget %g of the margin pays for the distances of about %.0f of %d samples at the last epoch; for all, %s", budget, affordable, m.run.samples, wouldPay(state, budget, cost, "")))
}

// EpochEnd implements trainer.EpochEnder.
func (m *Margin) EpochEnd(ctx context.Context, state *trainer.State) error {
	if _, measured := state.Fresh(record.Misclassified); measured {
		return nil
	}
	r := &m.run
	before := r.memory
	samples := m.due(state)
	schedule, _ := m.parts(state)
	proxies := r.memory.Proxies.Due(schedule, state, m.proxies()) || state.Final() && !r.schedule.SkipFinal
	if samples == 0 && !proxies {
		return nil
	}
	readings, err := m.measure(ctx, state, samples)
	if err != nil {
		r.memory = before // EpochEnd is called again when the run is resumed
		return err
	}
	return recordAll(state, readings)
}

// MeasureRestored implements trainer.RestoredMeter.
func (m *Margin) MeasureRestored(ctx context.Context, state *trainer.State) error {
	m.run.memory.Distances.Refund(state)
	m.run.memory.Proxies.Refund(state)
	return m.EpochEnd(ctx, state)
}

// due returns of how many samples to measure the distances at the end of the
// current epoch.
func (m *Margin) due(state *trainer.State) int {
	r := &m.run
	_, schedule := m.parts(state)
	switch {
	case !r.memory.Distances.Due(schedule, state, m.cost()):
		return 0
	case state.Final():
		return int(max(0, min(float64(r.samples), m.left(state)/m.each())))
	default:
		return r.samples
	}
}

func (m *Margin) measure(ctx context.Context, state *trainer.State, samples int) ([]reading, error) {
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
	m.run.memory.Proxies.Done(state, m.proxies())
	if samples == 0 {
		return readings, nil
	}
	more, err := m.measureDistances(ctx, state, samples)
	return append(readings, more...), err
}

func (m *Margin) measureDistances(ctx context.Context, state *trainer.State, samples int) ([]reading, error) {
	start := time.Now()
	found, err := margin.Measure(ctx, m.run.field, m.run.split, margin.Settings{
		Samples: samples, Seed: state.Seed, Brief: m.run.schedule.Budget > 0, Progress: m.Progress,
	})
	if err != nil {
		return nil, err
	}
	if _, restored := state.Restored(); m.Dir != "" && !restored {
		if err := m.run.place.Make(); err != nil {
			return nil, err
		}
		if err := weights.Write(filepath.Join(m.Dir, record.MarginFile(state.Epoch)), found.Arrays()); err != nil {
			return nil, err
		}
	}
	cost := evaluationWork * float64(found.Evaluations)
	m.run.memory.Distances.Done(state, cost)
	m.run.memory.Each = cost / float64(samples)
	s := found.Summary()
	estimates := []estimate{
		{record.Margin, s.Min},
		{"boundary/margin_lower", s.MinLower},
		{"boundary/margin_q05", s.Q05},
		{"boundary/margin_q25", s.Q25},
		{"boundary/margin_harmonic", s.Harmonic},
		{record.MarginMedian, s.Median},
	}
	if samples < m.run.samples {
		low, high := medianInterval(found)
		estimates = []estimate{{record.High(record.Margin), s.Min}, {record.Low(record.MarginMedian), low}, {record.High(record.MarginMedian), high}}
		if s.Min != nil {
			estimates = append(estimates, estimate{record.Low(record.Margin), new(float64)}) // of the other samples nothing is known
		}
	}
	readings := known(estimates)
	return append(readings,
		reading{record.MarginSamples, float64(s.Samples)},
		reading{"boundary/margin_unconverged", float64(s.Unconverged)},
		reading{"boundary/margin_certified", float64(s.Certified)},
		reading{record.Misclassified, float64(s.Misclassified)},
		reading{record.MarginSeconds, time.Since(start).Seconds()},
	), nil
}

// medianInterval returns the 95 % interval of the median distance among all rightly
// classified samples, from those that were drawn: distances of such ranks that the
// median is outside with a probability of 2.5 % on either side. An end that is not
// known is nil.
func medianInterval(d *margin.Distances) (low, high *float64) {
	var distances []float64
	for i, value := range d.Values {
		if d.Predicted[i] == d.Labels[i] {
			distances = append(distances, value)
		}
	}
	slices.Sort(distances)
	n := len(distances)
	half := distuv.Binomial{N: float64(n), P: 0.5}
	rank := 0 // from both ends
	for rank < n && half.CDF(float64(rank)) <= 0.025 {
		rank++
	}
	if rank == 0 {
		return nil, nil
	}
	if low = &distances[rank-1]; math.IsInf(*low, 1) {
		low = nil
	}
	if high = &distances[n-rank]; math.IsInf(*high, 1) {
		high = nil
	}
	return low, high
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
func (m *Margin) Snapshot() ([]byte, error) { return trainer.EncodeState(m.run.memory) }

// Restore implements trainer.Snapshotter.
func (m *Margin) Restore(data []byte) error { return trainer.DecodeState(data, &m.run.memory) }

// Reset implements trainer.Resetter.
func (m *Margin) Reset() { m.run = marginRun{} }
