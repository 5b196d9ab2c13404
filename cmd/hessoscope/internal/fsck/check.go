package fsck

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// Result is what Check and Repair find in the folder of a run. Its JSON is a stable format.
type Result struct {
	Folder  string   `json:"folder"`
	Sound   bool     `json:"sound"` // whether nothing is missing or damaged
	Files   []File   `json:"files"`
	Repairs []string `json:"repairs,omitempty"` // what Repair did
}

// File is the state of a file.
type File struct {
	Name   string `json:"file"` // relative to the folder
	State  State  `json:"state"`
	Detail string `json:"detail,omitempty"` // what is wrong
	Remedy string `json:"remedy,omitempty"` // what can be had back, and how
}

// State is what a file is found to be.
type State string

// The states.
const (
	Sound    State = "sound"
	Damaged  State = "damaged" // or cut short
	Missing  State = "missing"
	LeftOver State = "left over" // a temporary file of a process that was killed
)

// Check reads all files of a run, and changes nothing. Pages and pictures are not checked:
// they are drawn again from the others.
func Check(folder record.Folder) (*Result, error) {
	x, err := examine(folder)
	if err != nil {
		return nil, err
	}
	return x.result()
}

// CheckSweep checks the files of a sweep that are not those of its runs. It returns nil for
// other folders.
func CheckSweep(dir string) *Result {
	path := filepath.Join(dir, "sweep.json")
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = record.CheckJSON(content)
	}
	if err == nil && !json.Valid(content) {
		err = errors.New("is no JSON")
	}
	f := File{Name: "sweep.json", State: Sound}
	if err != nil {
		f.State, f.Detail, f.Remedy = Damaged, text(path, err), "the command of the sweep writes it again"
	}
	return &Result{Folder: dir, Sound: err == nil, Files: []File{f}}
}

// examined is what is known of the files of a run.
type examined struct {
	folder    record.Folder
	config    *experiment.Config
	record    *record.Run         // nil if it is missing or damaged
	problems  map[string]error    // by path; fs.ErrNotExist of files that should be there
	last      *trainer.Checkpoint // nil if it is missing or damaged
	older     bool                // whether the last checkpoint is sound, but of another version
	steps     int                 // that were trained
	backTo    string              // path of the newest sound checkpoint that all files fit; or ""
	back      *trainer.Checkpoint
	rebuilt   map[string][]byte // content of damaged settings that the record tells, and of a damaged history that the other form tells
	archives  []string          // paths of all checkpoints and measurements
	leftovers []string
}

func examine(folder record.Folder) (x *examined, err error) {
	x = &examined{folder: folder, problems: make(map[string]error), rebuilt: make(map[string][]byte)}
	if x.record, err = record.ReadRun(folder.Run()); err != nil {
		x.problems[folder.Run()] = err
	}
	if x.config, err = experiment.ReadRun(string(folder)); err != nil {
		x.problems[folder.Config()] = err
		if x.record != nil {
			if content, err := experiment.Recorded(x.record); err == nil && content != nil {
				x.rebuilt[folder.Config()] = content
			}
		}
	}
	for _, list := range []func() ([]string, error){folder.AllCheckpoints, folder.AllMeasurements} {
		found, err := list()
		if err != nil {
			return nil, err
		}
		x.archives = append(x.archives, found...)
	}
	for _, path := range x.archives {
		if err := x.checkArchive(path); err != nil {
			x.problems[path] = err
		}
	}
	if x.leftovers, err = folder.Leftovers(); err != nil {
		return nil, err
	}
	x.steps = experiment.StepsTrained(folder)
	if x.last == nil && !x.older && x.steps > 0 && x.problems[folder.LastCheckpoint()] == nil {
		x.problems[folder.LastCheckpoint()] = fs.ErrNotExist
	}
	if x.steps == 0 && x.last == nil && errors.Is(x.problems[folder.Run()], fs.ErrNotExist) {
		delete(x.problems, folder.Run()) // it was killed before it began
	}
	x.checkHistories()
	if len(x.problems) > 0 {
		x.backTo, x.back = experiment.NewestSound(folder, func(c *trainer.Checkpoint) bool {
			return len(experiment.CheckGrown(folder, c, x.rebuilt)) == 0
		})
	}
	return x, nil
}

func (x *examined) checkArchive(path string) error {
	if filepath.Dir(path) != x.folder.Checkpoints() {
		_, err := weights.ReadArchive(path)
		return err
	}
	c, err := trainer.ReadCheckpoint(path)
	last := path == x.folder.LastCheckpoint()
	if err == nil && last {
		x.last = c
	}
	if err != nil {
		if _, damage := weights.ReadArchive(path); damage == nil { // of another version
			x.older = x.older || last
			return nil
		}
	}
	return err
}

// checkHistories checks the files that grow.
func (x *examined) checkHistories() {
	history, table := x.folder.History(), x.folder.Table()
	reference := x.last
	if reference == nil {
		_, reference = experiment.NewestSound(x.folder, func(*trainer.Checkpoint) bool { return true })
	}
	if reference != nil {
		maps.Copy(x.problems, experiment.CheckGrown(x.folder, reference, nil))
	}
	lines, err1 := os.ReadFile(history)
	rows, err2 := os.ReadFile(table)
	if err1 == nil && x.problems[history] == nil {
		if damage := record.Damage(history, lines); len(damage) > 0 {
			x.problems[history] = damage[0]
			if n := len(damage) - 1; n > 0 {
				x.problems[history] = fmt.Errorf("%w (and %d more lines)", damage[0], n)
			}
		} else if x.record != nil {
			if _, err := x.record.History(x.folder); err != nil {
				x.problems[history] = err
			}
		}
	}
	x.compareTable(lines, rows, err1 == nil && err2 == nil)
	for path, other := range map[string]func() ([]byte, error){
		history: func() ([]byte, error) { return historyOf(rows) },
		table:   func() ([]byte, error) { return x.tableOf(lines, rows) },
	} {
		if x.problems[path] == nil || reference == nil {
			continue
		}
		content, err := other()
		if err == nil && experiment.CheckGrown(x.folder, reference, map[string][]byte{path: content})[path] == nil {
			x.rebuilt[path] = content
		}
	}
}

// compareTable compares the two forms of the history. One may be a line ahead of the other
// if the run was killed.
func (x *examined) compareTable(lines, rows []byte, exist bool) {
	table := x.folder.Table()
	if !exist || x.problems[x.folder.History()] != nil || x.problems[table] != nil {
		return
	}
	want, err := x.tableOf(lines, rows)
	if err != nil {
		return
	}
	have := rows[:bytes.LastIndexByte(rows, '\n')+1]
	if !bytes.HasPrefix(want, have) && !bytes.HasPrefix(have, want) {
		x.problems[table] = fmt.Errorf("%s: is damaged: it has other values than %s", table, x.folder.History())
	}
}

// result lists the files, with what is wrong with them and what can be had back.
func (x *examined) result() (*Result, error) {
	r := &Result{Folder: string(x.folder), Sound: len(x.problems) == 0, Files: []File{}}
	paths := slices.Concat([]string{x.folder.Config(), x.folder.Run(), x.folder.History(), x.folder.Table(), x.folder.Events(), x.folder.LastCheckpoint()}, x.archives)
	for path := range x.problems {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		problem := x.problems[path]
		if _, err := os.Stat(path); err != nil && problem == nil {
			continue // as it is not meant to be there
		}
		name, err := filepath.Rel(string(x.folder), path)
		if err != nil {
			return nil, err
		}
		f := File{Name: filepath.ToSlash(name), State: Sound}
		switch {
		case errors.Is(problem, fs.ErrNotExist):
			f.State, f.Remedy = Missing, x.remedy(path)
		case problem != nil:
			f.State, f.Detail, f.Remedy = Damaged, text(path, problem), x.remedy(path)
		}
		r.Files = append(r.Files, f)
	}
	for _, path := range x.leftovers {
		name, err := filepath.Rel(string(x.folder), path)
		if err != nil {
			return nil, err
		}
		r.Files = append(r.Files, File{Name: filepath.ToSlash(name), State: LeftOver, Remedy: "is removed"})
	}
	return r, nil
}

var ofLine = regexp.MustCompile(`^:([0-9]+): `)

// text returns what an error says of a file, without what the table says already.
func text(path string, err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	text, _, _ = strings.Cut(text, "; hessoscope fsck")
	text = ofLine.ReplaceAllString(strings.TrimPrefix(text, path), "line $1: ")
	return strings.Replace(strings.TrimPrefix(text, ": "), "is damaged: ", "", 1)
}

// remedy says what can be had back of a file.
func (x *examined) remedy(path string) string {
	const lost = "cannot be had back"
	goBack := lost
	if x.back != nil {
		goBack = fmt.Sprintf("from %s, of epoch %d: resume trains again what came later", filepath.Base(x.backTo), x.back.Progress.Epoch)
	}
	switch path {
	case x.folder.Config():
		if _, can := x.rebuilt[path]; can {
			return "is written again from run.json"
		}
		return "correct it by hand, or put back a copy"
	case x.folder.Run():
		return "is written again from the last checkpoint"
	case x.folder.LastCheckpoint():
		return goBack
	case x.folder.History(), x.folder.Table(), x.folder.Events():
		if _, can := x.rebuilt[path]; can {
			return map[string]string{x.folder.History(): "is written again from metrics.csv", x.folder.Table(): "is written again from metrics.jsonl"}[path]
		}
		return goBack
	}
	if filepath.Base(path) == record.PreviousCheckpoint {
		return "is not needed"
	}
	return lost
}
