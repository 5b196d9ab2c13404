package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/terminal"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/trainer"
)

type runsCmd struct {
	Runs   []string `arg:"" complete:"runs" optional:"" help:"Folders of runs, folders that contain such folders, or names of runs in runs/. If none is given: runs." placeholder:"RUN|DIR"`
	Sort   string   `help:"Order of the table: run, state, updated, epoch, or a metric, the better values first. The end of a metric's name is enough if it is unique." default:"run" placeholder:"KEY"`
	Follow bool     `help:"Print the epochs of one run as they come, like train, until the run ends."`
	JSON   string   `name:"json" help:"Write the list as JSON: to a file, or to standard output (-) in place of the table." placeholder:"FILE|-"`
}

// Help returns the text that runs --help adds.
func (runsCmd) Help() string {
	return `
Lists runs: whether they train, how far they are, and the last value of what they measure.

  hessoscope runs
  hessoscope runs sweeps/regimes --sort margin
  hessoscope runs quick --follow
  hessoscope runs --json -

A run that trains updates its record every five seconds. One that was killed is found by its process: it
is "killed", and train --resume goes on with it. A run on another computer that has not been updated for 15
seconds is "silent": it may be in a long measurement. "*" marks a value that was measured at an earlier
epoch than the run has reached, and "–" separates the ends of an interval in which a value lies.`
}

func (c runsCmd) Run(ctx context.Context, out *output) error {
	folders, err := c.folders()
	if err != nil {
		return err
	}
	if c.Follow {
		if len(folders) != 1 {
			return fmt.Errorf("--follow wants one run; here are %d", len(folders))
		}
		if c.JSON != "" {
			return fmt.Errorf("--follow prints a table; %s has the same as JSON", folders[0].History())
		}
		return follow(ctx, folders[0], out.stdout)
	}
	results := destinations{json: c.JSON}
	if err := results.validate(); err != nil {
		return err
	}
	listed := listRuns(folders, time.Now())
	if err := sortRuns(listed, c.Sort); err != nil {
		return err
	}
	return results.write(out.stdout, listed, nil, func(w io.Writer) error { return printRuns(w, listed) })
}

// folders returns the folders of the runs on the command line.
func (c runsCmd) folders() ([]record.Folder, error) {
	const all = "runs" // the default of train --out
	if len(c.Runs) == 0 {
		if _, err := os.Stat(all); errors.Is(err, fs.ErrNotExist) {
			return nil, errors.New("there is no folder runs here; name the folder of the runs")
		}
		return record.Runs([]string{all})
	}
	paths := slices.Clone(c.Runs)
	for i, name := range paths {
		if run := filepath.Join(all, name); record.Folder(run).IsRun() {
			if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
				paths[i] = run
			}
		}
	}
	return record.Runs(paths)
}

// listedRun is a run in the list. Its JSON is a stable format.
type listedRun struct {
	Run         string                     `json:"run"` // path of its folder
	State       record.Condition           `json:"state"`
	Updated     *time.Time                 `json:"updated"` // null if it has no record yet
	Epoch       int                        `json:"epoch"`
	Epochs      int                        `json:"epochs"` // planned; 0 if not known
	Seconds     float64                    `json:"seconds"`
	Model       string                     `json:"model"`
	Data        string                     `json:"data"`
	Final       map[string]trainer.Reading `json:"final"`           // last reading of each metric
	Error       string                     `json:"error,omitempty"` // what ended it, or why it cannot be read
	declaration []trainer.Metric
}

// The states of runs without a record.
const (
	notBegun   record.Condition = "not begun" // prepares, or was killed before training
	unreadable record.Condition = "unreadable"
)

// listRuns reads the records of runs. A run that cannot be read is listed as such.
func listRuns(folders []record.Folder, now time.Time) []listedRun {
	listed := make([]listedRun, 0, len(folders))
	for _, folder := range folders {
		l := listedRun{Run: string(folder), State: notBegun}
		switch r, err := record.ReadRun(folder.Run()); {
		case err == nil:
			l = listedRun{
				string(folder), r.Condition(now), &r.Updated, r.Epoch, r.Epochs, r.Seconds,
				r.Model.Description, r.Data.Name, r.Final, r.Error, r.Metrics,
			}
		case !errors.Is(err, fs.ErrNotExist):
			l.State, l.Error = unreadable, err.Error()
		}
		listed = append(listed, l)
	}
	return listed
}

// sortRuns sorts runs by a key of the table or a metric. Runs without a value come last.
func sortRuns(listed []listedRun, key string) error {
	var compare func(a, b listedRun) int
	switch key {
	case "run":
		compare = func(a, b listedRun) int { return cmp.Compare(a.Run, b.Run) }
	case "state":
		compare = func(a, b listedRun) int { return cmp.Compare(a.State, b.State) }
	case "epoch":
		compare = func(a, b listedRun) int { return cmp.Compare(b.Epoch, a.Epoch) }
	case "updated":
		compare = func(a, b listedRun) int {
			at := func(l listedRun) time.Time {
				if l.Updated == nil {
					return time.Time{}
				}
				return *l.Updated
			}
			return at(b).Compare(at(a))
		}
	default:
		m, err := metricToSortBy(listed, key)
		if err != nil {
			return err
		}
		worst := math.Inf(1)
		if m.Better != trainer.Lower {
			worst = math.Inf(-1)
		}
		value := func(l listedRun) float64 {
			for _, name := range []string{m.Name, record.Low(m.Name), record.High(m.Name)} {
				if r, ok := l.Final[name]; ok {
					return r.Value
				}
			}
			return worst
		}
		compare = func(a, b listedRun) int {
			if m.Better != trainer.Lower {
				a, b = b, a
			}
			return cmp.Compare(value(a), value(b))
		}
	}
	slices.SortStableFunc(listed, compare)
	return nil
}

// metricToSortBy returns the declared metric of that name, or the only one whose name
// ends in it.
func metricToSortBy(listed []listedRun, key string) (trainer.Metric, error) {
	ending := make(map[string]trainer.Metric)
	known := []string{"run", "state", "updated", "epoch"}
	for _, l := range listed {
		for _, m := range l.declaration {
			if m.Name == key {
				return m, nil
			}
			if strings.HasSuffix(m.Name, "/"+key) {
				ending[m.Name] = m
			}
			if !m.Detail {
				known = append(known, path.Base(m.Name))
			}
		}
	}
	var names []string
	for name := range ending {
		names = append(names, name)
	}
	slices.Sort(names)
	switch len(names) {
	case 0:
		return trainer.Metric{}, fmt.Errorf("--sort: no run has a metric %q%s", key, suggest.Nearest(key, known))
	case 1:
		return ending[names[0]], nil
	default:
		return trainer.Metric{}, fmt.Errorf("--sort: %q may be any of %s", key, strings.Join(names, ", "))
	}
}

// printRuns writes the list as a table.
func printRuns(w io.Writer, listed []listedRun) error {
	metrics := []struct {
		heading, metric string
		spare           int
	}{
		{"loss", trainer.LossOf(datasets.Train), 0},
		{"accuracy", trainer.AccuracyOf(datasets.Train), 4},
		{"validation", trainer.AccuracyOf(datasets.Validation), 3},
		{"test", trainer.AccuracyOf(datasets.Test), 3},
		{"λ₁", record.LambdaMax, 2},
		{"outliers", record.Outliers, 5},
		{"directions", record.Directions, 2},
		{"G", record.Complexity, 1},
		{"margin", record.Margin, 1},
	}
	t := terminal.Table{Columns: []terminal.Column{{Heading: "run"}, {Heading: "state"}, {Heading: "updated", Spare: 6}, {Heading: "epoch"}}}
	for _, m := range metrics {
		t.Columns = append(t.Columns, terminal.Column{Heading: m.heading, Spare: m.spare})
	}
	for _, l := range listed {
		row := []string{l.Run, strings.ReplaceAll(string(l.State), "_", " "), ago(l.Updated), progressOf(l)}
		for _, m := range metrics {
			row = append(row, lastValue(l, m.metric))
		}
		t.Rows = append(t.Rows, row)
	}
	if err := t.Write(w); err != nil {
		return err
	}
	for _, l := range listed {
		if l.Error != "" {
			if err := terminal.Wrap(w, fmt.Sprintf("! %s: %s\n", l.Run, firstLine(l.Error))); err != nil {
				return err
			}
		}
	}
	return nil
}

// ago returns how long ago a time is, in its largest unit.
func ago(at *time.Time) string {
	if at == nil {
		return ""
	}
	switch d := max(time.Since(*at), 0); {
	case d < time.Minute:
		return fmt.Sprintf("%.0f s ago", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%.0f min ago", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h ago", d.Hours())
	default:
		return at.Local().Format(time.DateOnly)
	}
}

func progressOf(l listedRun) string {
	switch {
	case l.Updated == nil:
		return ""
	case l.Epochs == 0:
		return fmt.Sprint(l.Epoch)
	default:
		return fmt.Sprintf("%d of %d", l.Epoch, l.Epochs)
	}
}

// lastValue returns the last value of a metric, or the interval in which it lies.
func lastValue(l listedRun, metric string) string {
	value, certain := l.Final[metric]
	low, bounded := l.Final[record.Low(metric)]
	high, enclosed := l.Final[record.High(metric)]
	newest := max(low.Epoch, high.Epoch)
	if certain && value.Epoch >= newest {
		return fmt.Sprintf("%.4g", value.Value) + earlierMark(value.Epoch, l)
	}
	switch {
	case bounded && enclosed && low.Epoch == high.Epoch:
		return fmt.Sprintf("%.3g–%.3g", low.Value, high.Value) + earlierMark(newest, l)
	case bounded && low.Epoch == newest:
		return fmt.Sprintf("≥%.3g", low.Value) + earlierMark(newest, l)
	case enclosed:
		return fmt.Sprintf("≤%.3g", high.Value) + earlierMark(newest, l)
	default:
		return ""
	}
}

func earlierMark(epoch int, l listedRun) string {
	if epoch < l.Epoch {
		return "*"
	}
	return ""
}

// followEvery is the time between two looks at a run that is followed.
const followEvery = 500 * time.Millisecond

// follow prints the epochs of a run as they are recorded, until the run has ended or
// ctx is done.
func follow(ctx context.Context, folder record.Folder, w io.Writer) error {
	table := callbacks.Table{Width: terminal.Width(w), Terminal: w}
	tail := &record.Tail{Path: folder.History()}
	for {
		r, err := record.ReadRun(folder.Run())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil { // the state before the lines, so that none is left out at the end
			entries, err := tail.Next()
			if err != nil {
				return err
			}
			for _, e := range entries {
				row, err := table.Recorded(r, e)
				if err != nil {
					return err
				}
				if _, err := w.Write(row); err != nil {
					return err
				}
			}
			if state := r.Condition(time.Now()); state != record.StatusRunning && state != record.Silent {
				_, err := fmt.Fprintf(w, "%s is %s\n", folder, ending(state, r))
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followEvery):
		}
	}
}

// ending says how a run has ended.
func ending(state record.Condition, r *record.Run) string {
	text := strings.ReplaceAll(string(state), "_", " ")
	switch {
	case state == record.Killed || state == record.StatusInterrupted:
		return fmt.Sprintf("%s at epoch %d; train --resume goes on with it", text, r.Epoch)
	case r.Error != "":
		return fmt.Sprintf("%s at epoch %d: %s", text, r.Epoch, firstLine(r.Error))
	case r.Stop != nil && r.Stop.Detail != "":
		return fmt.Sprintf("%s at epoch %d: %s, %s", text, r.Epoch, r.Stop.Reason, r.Stop.Detail)
	default:
		return fmt.Sprintf("%s at epoch %d", text, r.Epoch)
	}
}
