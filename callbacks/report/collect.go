package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

// maxValues is the number of values of all series of a page. It keeps the page of
// 2,000 epochs with 50 metrics whole.
const maxValues = 100_000

// minEpochs is the number of epochs that a series keeps in any case.
const minEpochs = 60

// Collect reads the run in a folder: its run.json, metrics.jsonl and measurements.
// The run may still be training. Samples in the plane are not among these files;
// Run.SetPoints adds them.
func Collect(folder record.Folder) (*Data, error) {
	run, err := collectRun(folder, maxValues, func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	if run.Frames, err = frames(folder, run); err != nil {
		return nil, err
	}
	return &Data{Title: run.Name, Runs: []*Run{run}, Words: words}, nil
}

// Compare reads several runs: their summaries, and the metrics that a comparison
// shows. A run that cannot be read is left out, with a note; if none can, that is an
// error.
func Compare(folders []record.Folder) (*Data, error) {
	if len(folders) == 0 {
		return nil, errors.New("report: no runs to compare")
	}
	d := &Data{Compare: true, Words: words}
	var failed []error
	for _, folder := range folders {
		run, err := collectRun(folder, maxValues/len(folders), compared)
		if err != nil {
			failed = append(failed, err)
			reason, _, _ := strings.Cut(err.Error(), "\n")
			d.Notes = append(d.Notes, "Left out: "+reason)
			continue
		}
		run.Frames, run.Confusion = []*Frame{}, nil
		d.Runs = append(d.Runs, run)
	}
	if len(d.Runs) == 0 {
		return nil, failed[0]
	}
	d.Title = "Comparison of " + counted(len(d.Runs), "run")
	return d, nil
}

// compared reports whether a comparison shows a metric.
func compared(metric string) bool {
	switch metric {
	case record.LambdaMax, record.Outliers, record.Trace, "spectrum/edge_of_stability",
		record.Complexity, record.Low(record.Complexity), record.High(record.Complexity),
		record.Directions, record.Low(record.Directions), record.High(record.Directions), record.EffectiveRank,
		record.Margin, record.High(record.Margin), "boundary/margin_median", record.CriticalSharpness, record.ParameterNorm:
		return true
	}
	split, _, _ := strings.Cut(metric, "/")
	return metric == trainer.LossOf(split) || metric == trainer.AccuracyOf(split)
}

// collectRun reads a run without its frames. Its series have at most as many values
// as given, of the metrics that are wanted.
func collectRun(folder record.Folder, values int, wanted func(metric string) bool) (*Run, error) {
	r, err := record.ReadRun(folder.Run())
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w; the run ended before training began", err)
		}
		return nil, err
	}
	r.Status = r.Condition(time.Now())
	history, err := r.History(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // before the first epoch there is none
		return nil, err
	}
	update(r, history)
	run := &Run{
		Folder: string(folder), Status: r.Status, Started: r.Started, Updated: r.Updated, Seconds: r.Seconds,
		Epoch: r.Epoch, Epochs: r.Epochs, Seed: r.Seed, Loss: r.Loss, Model: r.Model, Data: r.Data,
		Confusion: r.Confusion, Kept: r.Epoch, Summary: summarize(r, history), Notes: append([]string{}, r.Notes...),
	}
	if r.Restored != nil {
		run.Kept = r.Restored.Epoch
	}
	if err := run.identify(r, folder); err != nil {
		return nil, err
	}
	run.record(r, history, values, wanted)
	return run, nil
}

// update brings the record of a run that is training up to its history.
func update(r *record.Run, history []record.Entry) {
	if len(history) == 0 {
		return
	}
	last := history[len(history)-1]
	if last.Epoch <= r.Epoch {
		return
	}
	r.Epoch, r.Step, r.Seconds = last.Epoch, last.Step, last.Seconds
	if r.Final == nil {
		r.Final = make(map[string]trainer.Reading)
	}
	for _, e := range history {
		for name, value := range e.Metrics {
			r.Final[name] = trainer.Reading{Value: value, Epoch: e.Epoch, Step: e.Step}
		}
	}
}

// identify sets the name, that of the folder, which tells runs of one experiment apart,
// and the description, if the caller's information has one, as in a run of the command.
func (run *Run) identify(r *record.Run, folder record.Folder) error {
	path, err := filepath.Abs(string(folder))
	if err != nil {
		return err
	}
	run.Name = filepath.Base(path)
	var info struct {
		Description string `json:"description"`
	}
	if json.Unmarshal(r.Info, &info) == nil { // information in another form is the caller's own
		run.Description = info.Description
	}
	return nil
}

// record sets the series of the metrics that were recorded and are wanted.
func (run *Run) record(r *record.Run, history []record.Entry, values int, wanted func(string) bool) {
	run.Metrics, run.Final, run.Series = []trainer.Metric{}, make(map[string]trainer.Reading), make(map[string]Series)
	epochs := make(map[string][]int)
	for _, m := range r.Metrics {
		last, ok := r.Final[m.Name]
		_, low := r.Final[record.Low(m.Name)]
		_, high := r.Final[record.High(m.Name)]
		if !ok && !low && !high || !wanted(m.Name) {
			continue
		}
		run.Metrics = append(run.Metrics, m)
		if !ok {
			continue
		}
		run.Final[m.Name] = last
		for _, e := range history {
			if _, ok := e.Fresh(m.Name); ok {
				epochs[m.Name] = append(epochs[m.Name], e.Epoch)
			}
		}
	}
	keep := max(share(values, epochs), minEpochs)
	byEpoch := make(map[int]record.Entry, len(history))
	for _, e := range history {
		byEpoch[e.Epoch] = e
	}
	run.Grids = [][]int{}
	longest := 0
	for _, m := range run.Metrics {
		if _, ok := run.Final[m.Name]; !ok {
			continue
		}
		longest = max(longest, len(epochs[m.Name]))
		grid := thin(epochs[m.Name], keep)
		series := Series{Grid: run.grid(grid), Values: make(Floats, len(grid))}
		for i, epoch := range grid {
			series.Values[i] = byEpoch[epoch].Metrics[m.Name]
		}
		run.Series[m.Name] = series
	}
	if longest > keep {
		run.Notes = append(run.Notes, fmt.Sprintf("Charts have %d of the %d recorded epochs; metrics.csv has all.", keep, longest))
	}
}

// share returns how many epochs of each metric are kept so that there are as many values
// as given in all: metrics that have fewer leave room for the others.
func share(values int, epochs map[string][]int) int {
	var lengths []int
	for _, e := range epochs {
		lengths = append(lengths, len(e))
	}
	slices.Sort(lengths)
	for i, n := range lengths {
		if rest := len(lengths) - i; n*rest > values {
			return values / rest
		}
		values -= n
	}
	return math.MaxInt
}

// grid returns the index of epochs among the grids, where it adds them if they are
// not there.
func (run *Run) grid(epochs []int) int {
	i := slices.IndexFunc(run.Grids, func(g []int) bool { return slices.Equal(g, epochs) })
	if i < 0 {
		i = len(run.Grids)
		run.Grids = append(run.Grids, epochs)
	}
	return i
}

// thin returns at most n of the values, n > 1, evenly spaced, with the first and the last.
func thin[T any](values []T, n int) []T {
	if len(values) <= n {
		return append([]T{}, values...) // not nil, which JSON has as null
	}
	kept := make([]T, n)
	for i := range kept {
		kept[i] = values[i*(len(values)-1)/(n-1)]
	}
	return kept
}
