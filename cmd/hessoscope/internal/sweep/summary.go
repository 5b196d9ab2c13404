package sweep

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/datasets/durable"
)

// summary is the content of sweep.json.
type summary struct {
	Name string        `json:"name"`
	Runs []recordedRun `json:"runs"`
}

// recordedRun is a run of a summary.
type recordedRun struct {
	Name    string             `json:"name"`
	Folder  string             `json:"folder"` // relative to the folder of the sweep
	Variant string             `json:"variant,omitempty"`
	Seed    uint64             `json:"seed"`
	Grid    map[string]any     `json:"grid,omitempty"` // values of the grid, by setting
	Status  string             `json:"status"`         // waiting, training, finished, interrupted or failed
	Error   string             `json:"error,omitempty"`
	Epochs  int                `json:"epochs"`  // completed epochs
	Seconds float64            `json:"seconds"` // time the run took
	Metrics map[string]float64 `json:"metrics"` // metrics recorded at its last epoch
}

// write replaces sweep.json and sweep.csv in the folder of a sweep.
func (rs runs) write(sweep, dir string) error {
	var metrics []string // in the order of their declaration
	all := summary{Name: sweep, Runs: []recordedRun{}}
	for _, r := range rs {
		all.Runs = append(all.Runs, r.recorded())
		if r.record == nil {
			continue
		}
		for _, m := range r.record.Metrics {
			if !slices.Contains(metrics, m.Name) {
				metrics = append(metrics, m.Name)
			}
		}
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(dir, sweepJSON), record.SealJSON(text)); err != nil {
		return err
	}
	table, err := all.csv(metrics)
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(dir, sweepCSV), table)
}

func (r *run) recorded() recordedRun {
	e := recordedRun{
		Name: r.name, Folder: filepath.Base(r.dir), Variant: r.variant.name, Seed: r.config.Seed, Grid: make(map[string]any),
		Status: r.phase.String(), Error: r.problem, Metrics: make(map[string]float64),
	}
	for _, a := range r.point {
		e.Grid[a.key] = a.value
	}
	if r.record == nil {
		return e
	}
	e.Epochs, e.Seconds = r.record.Epoch, r.record.Seconds
	for name := range r.record.Final {
		if value, ok := r.metric(name); ok {
			e.Metrics[name] = value
		}
	}
	return e
}

// csv returns the summary as a table, with a column for every setting of the grid and
// every metric. A value that a run does not have is empty.
func (all summary) csv(metrics []string) ([]byte, error) {
	var settings []string
	for _, r := range all.Runs {
		for key := range r.Grid {
			if !slices.Contains(settings, key) {
				settings = append(settings, key)
			}
		}
	}
	slices.Sort(settings)
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{slices.Concat([]string{"name", "folder", "variant", "seed", "status", "error"}, settings, []string{"epochs", "seconds"}, metrics)}
	for _, r := range all.Runs {
		row := []string{r.Name, r.Folder, r.Variant, strconv.FormatUint(r.Seed, 10), r.Status, r.Error}
		for _, key := range settings {
			value, err := strictyaml.Flow(r.Grid[key])
			if err != nil {
				return nil, err
			}
			row = append(row, value)
		}
		row = append(row, strconv.Itoa(r.Epochs), digits(r.Seconds))
		for _, name := range metrics {
			cell := ""
			if value, ok := r.Metrics[name]; ok {
				cell = digits(value)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	err := w.WriteAll(rows)
	return b.Bytes(), err
}

// digits formats a number with all digits.
func digits(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
