package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

// Files of a sweep's folder that have all runs but the auxiliary ones.
const (
	sweepCSV  = "sweep.csv"
	sweepJSON = "sweep.json"
)

// sweepRecord is the content of sweep.json.
type sweepRecord struct {
	Name string     `json:"name"`
	Runs []runEntry `json:"runs"`
}

// runEntry is a run of a sweepRecord.
type runEntry struct {
	Name    string             `json:"name"`
	Folder  string             `json:"folder"` // within the sweep's
	Variant string             `json:"variant,omitempty"`
	Seed    uint64             `json:"seed"`
	Grid    map[string]any     `json:"grid,omitempty"` // its values on the grid, by setting
	Status  string             `json:"status"`         // waiting, training, finished, interrupted or failed
	Error   string             `json:"error,omitempty"`
	Epochs  int                `json:"epochs"`  // completed
	Seconds float64            `json:"seconds"` // that it took
	Metrics map[string]float64 `json:"metrics"` // of its last epoch
}

// record replaces sweep.json and sweep.csv.
func (s *sweep) record() error {
	var metrics []string // in the order of their declaration
	record := sweepRecord{Name: s.name, Runs: []runEntry{}}
	for _, r := range s.compared() {
		record.Runs = append(record.Runs, r.entry())
		if r.record == nil {
			continue
		}
		for _, m := range r.record.Metrics {
			if !slices.Contains(metrics, m.Name) {
				metrics = append(metrics, m.Name)
			}
		}
	}
	text, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(s.dir, sweepJSON), append(text, '\n')); err != nil {
		return err
	}
	table, err := record.csv(metrics)
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(s.dir, sweepCSV), table)
}

func (r *sweepRun) entry() runEntry {
	e := runEntry{
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

// csv is the record as a table, with a column for every setting on the grid and
// every metric; a value that a run does not have is left empty.
func (record sweepRecord) csv(metrics []string) ([]byte, error) {
	var settings []string
	for _, r := range record.Runs {
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
	for _, r := range record.Runs {
		row := []string{r.Name, r.Folder, r.Variant, strconv.FormatUint(r.Seed, 10), r.Status, r.Error}
		for _, key := range settings {
			value, err := flowYAML(r.Grid[key])
			if err != nil {
				return nil, err
			}
			row = append(row, value)
		}
		row = append(row, strconv.Itoa(r.Epochs), formatFloat(r.Seconds))
		for _, name := range metrics {
			cell := ""
			if value, ok := r.Metrics[name]; ok {
				cell = formatFloat(value)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	err := w.WriteAll(rows)
	return b.Bytes(), err
}
