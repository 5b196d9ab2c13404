package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/terminal"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/fsck"
)

type fsckCmd struct {
	Runs   []string `arg:"" help:"Folders of runs, or folders that contain such folders, such as that of a sweep." placeholder:"RUN_DIR"`
	Repair bool     `help:"Have back what can be had back. Files that are replaced stay, with the end .damaged."`
	JSON   string   `name:"json" help:"Write the results as JSON: to a file, or to standard output (-) in place of the table." placeholder:"FILE|-"`
}

// Help returns the text that fsck --help adds.
func (fsckCmd) Help() string {
	return `
Reads all files of runs, and tells which are sound, which are not, and what can be had back. It ends with
status 0 if all is sound, and 1 if something is missing or damaged.

  hessoscope fsck runs/iris
  hessoscope fsck sweeps/regimes
  hessoscope fsck runs/iris --repair && hessoscope train runs/iris --resume

With --repair, checkpoints and measurements that cannot be read are set aside; a damaged metrics.jsonl is
written again from metrics.csv, or the other way round; the newest sound checkpoint that all files fit takes
the place of a damaged one, files are cut back to it, and train --resume trains again what came later, with
the same result; run.json is written again. Nothing is deleted but temporary files of processes that were
killed.`
}

func (c fsckCmd) Run(ctx context.Context, out *output) error {
	results := destinations{json: c.JSON}
	if err := results.validate(); err != nil {
		return err
	}
	folders, err := runsBelow(c.Runs)
	if err != nil {
		return err
	}
	checked := []*fsck.Result{}
	sound := true
	for _, path := range c.Runs {
		if r := fsck.CheckSweep(filepath.Clean(path)); r != nil {
			checked, sound = append(checked, r), sound && r.Sound
		}
	}
	for _, folder := range folders {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := c.check(ctx, folder)
		if r == nil {
			return err
		}
		if err != nil { // of what cannot be had back
			fmt.Fprintln(out.stderr, "hessoscope:", firstLine(err.Error()))
		}
		checked = append(checked, r)
		sound = sound && r.Sound && err == nil
	}
	if err := results.write(out.stdout, checked, nil, func(w io.Writer) error { return printChecked(w, checked) }); err != nil {
		return err
	}
	if !sound {
		return errUnsound
	}
	return nil
}

// check checks a run, and repairs it if that is asked for. While a process trains the run,
// its files change.
func (c fsckCmd) check(ctx context.Context, folder record.Folder) (*fsck.Result, error) {
	lock, err := experiment.Lock(string(folder))
	switch {
	case err == nil:
		defer lock.Release()
	case c.Repair || !errors.Is(err, os.ErrPermission): // where nothing can be written, nothing is trained
		return nil, err
	}
	if c.Repair {
		return fsck.Repair(ctx, folder)
	}
	return fsck.Check(folder)
}

// runsBelow returns the folders of runs among paths and below them, also those that other
// runs of a sweep start from.
func runsBelow(paths []string) ([]record.Folder, error) {
	folders, err := record.Runs(paths)
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		auxiliary, err := record.Runs([]string{filepath.Join(path, "auxiliary")})
		if err == nil && !record.Folder(path).IsRun() {
			folders = append(folders, auxiliary...)
		}
	}
	return folders, nil
}

// printChecked writes a table with the files of each run. Sound files in a folder share a row.
func printChecked(w io.Writer, checked []*fsck.Result) error {
	t := terminal.Table{Columns: []terminal.Column{{Heading: "run"}, {Heading: "file"}, {Heading: "state"}, {Heading: "what can be had back"}}}
	var details []string
	for _, r := range checked {
		sound := make(map[string]int) // files, by folder
		for _, f := range r.Files {
			if f.State == fsck.Sound {
				sound[filepath.Dir(f.Name)]++
			}
		}
		for _, f := range r.Files {
			dir, name := filepath.Dir(f.Name), f.Name
			if f.State == fsck.Sound && dir != "." {
				if sound[dir] == 0 {
					continue // has its row
				}
				if sound[dir] > 1 {
					name = fmt.Sprintf("%s/ (%d files)", dir, sound[dir])
				}
				sound[dir] = 0
			}
			t.Rows = append(t.Rows, []string{r.Folder, name, string(f.State), f.Remedy})
			if f.Detail != "" {
				details = append(details, fmt.Sprintf("! %s: %s\n", filepath.Join(r.Folder, f.Name), f.Detail))
			}
		}
		for _, did := range r.Repairs {
			details = append(details, fmt.Sprintf("%s: %s\n", r.Folder, did))
		}
	}
	if err := t.Write(w); err != nil {
		return err
	}
	for _, line := range details {
		if err := terminal.Wrap(w, line); err != nil {
			return err
		}
	}
	return nil
}
