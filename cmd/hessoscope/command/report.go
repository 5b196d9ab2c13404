package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/report"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/durable"
)

type reportCmd struct {
	Runs []string `arg:"" complete:"runs" help:"The folder of a run; or several, or a folder of such folders, such as that of a sweep, to compare." placeholder:"RUN_DIR"`
	Out  string   `help:"File of the page. If not given: report.html in the folder. Needed where several folders are given." placeholder:"FILE.html"`
}

// Help returns the text that report --help adds.
func (reportCmd) Help() string {
	return `
Writes one HTML file that holds everything and requests nothing: open it in a browser, offline, or
send it to somebody.

  hessoscope report runs/iris
  hessoscope report runs/a runs/b runs/c --out comparison.html
  hessoscope report sweeps/regimes

The page of a run says in words what was found and how certain that is, and shows every metric over the
epochs. A slider over the epochs that were measured (or the arrow keys) moves the spectrum, the
decision regions of data in the plane, and the alignments together. What a number means is told while the pointer
or the focus is on its name. A comparison has a table of the runs, sorted by any column, and their metrics
in common charts. train writes the page of its run at its end, also when it is interrupted; report
writes it again, as of a run that was killed.

Charts have numbers of 5 digits, and of a long run some epochs only; the page says how many. metrics.csv has
all.`
}

func (c reportCmd) Run(ctx context.Context, out *output) error {
	if err := writable(c.Out); err != nil {
		return err
	}
	folders, err := record.Runs(c.Runs)
	if err != nil {
		return err
	}
	one := len(c.Runs) == 1
	path := c.Out
	if path == "" {
		if !one {
			return errors.New("--out: a comparison of several folders needs the name of its file, as in --out comparison.html")
		}
		path = record.Folder(c.Runs[0]).Report()
	}
	var data *report.Data
	if one && record.Folder(c.Runs[0]).IsRun() {
		data, err = collectRun(ctx, folders[0])
	} else {
		data, err = compareRuns(folders, path)
	}
	if err != nil {
		return err
	}
	if err := writeReport(path, data); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out.stdout, "report", path)
	return err
}

// collectRun returns the data of the page of a run, with its samples if these are in
// the plane. If they cannot be loaded, as of a run that is not of this command, the
// page has a note.
func collectRun(ctx context.Context, folder record.Folder) (*report.Data, error) {
	d, err := report.Collect(folder)
	if err != nil || !d.Runs[0].InPlane() {
		return d, err
	}
	data, err := loadDataOf(ctx, folder)
	if ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		d.Runs[0].Notes = append(d.Runs[0].Notes, "Samples are not shown: "+firstLine(err.Error()))
		return d, nil
	}
	return d, setPoints(d, data)
}

// loadDataOf loads the data of a run.
func loadDataOf(ctx context.Context, folder record.Folder) (*datasets.Dataset, error) {
	c, err := experiment.ReadRun(string(folder))
	if err != nil {
		return nil, err
	}
	return c.LoadData(ctx)
}

// setPoints adds the samples of the split that is measured.
func setPoints(d *report.Data, data *datasets.Dataset) error {
	split := &data.Splits[0]
	return d.Runs[0].SetPoints(split.Values(), split.Labels)
}

// compareRuns returns the data of a comparison, whose file will have the given path.
// A run has a link to its own report if there is one.
func compareRuns(folders []record.Folder, path string) (*report.Data, error) {
	d, err := report.Compare(folders)
	if err != nil {
		return nil, err
	}
	from, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	for _, run := range d.Runs {
		own, err := filepath.Abs(record.Folder(run.Folder).Report())
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(own); err != nil {
			continue
		}
		relative, err := filepath.Rel(from, own)
		if err != nil { // on another drive
			continue
		}
		run.Link = (&url.URL{Path: filepath.ToSlash(relative)}).String() // escaped; "./" before a name with a colon
	}
	return d, nil
}

// reportTrained writes the page of a run that has just ended, for whatever reason. If
// training did not begin, its record does not tell of an end, and nothing is written.
func reportTrained(folder record.Folder, data *datasets.Dataset) error {
	d, err := report.Collect(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || d.Runs[0].Status == record.StatusRunning {
		return err
	}
	if d.Runs[0].InPlane() {
		if err := setPoints(d, data); err != nil {
			return err
		}
	}
	return writeReport(folder.Report(), d)
}

// completeReport writes the report of a finished run that has none, because its process
// was killed in between. The caller holds the lock of the folder.
func completeReport(ctx context.Context, folder record.Folder) error {
	if _, err := os.Stat(folder.Report()); err == nil {
		return nil
	}
	d, err := collectRun(ctx, folder)
	if err != nil {
		return err
	}
	return writeReport(folder.Report(), d)
}

func writeReport(path string, d *report.Data) error {
	return durable.Write(path, func(w io.Writer) error { return report.Write(w, d) })
}
