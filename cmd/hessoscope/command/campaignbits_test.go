package command

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// A flipped bit in a file of a run changes no number without a word. The campaign flips many
// more.
func TestFlips(t *testing.T) {
	skipShort(t)
	if _, _, lost, different := campaignFlips(t, 12); lost+different > 0 {
		t.Errorf("%d lost, %d different", lost, different)
	}
}

// campaignFlips flips n bits, one after another, in the files of a finished and of a stopped
// run. Those who read the finished run, and the stopped run when it is resumed, must come to
// the same result, bit for bit, or say in one line what is wrong; then fsck must repair the
// run, so that it ends with the same result. A run that does not end so is lost, and different
// is what differs without a word. A measurement that is damaged says so to whoever reads it,
// and what else there is stays; it is not counted as lost.
func campaignFlips(t *testing.T, n int) (tried, survived, lost, different int) {
	chdir(t)
	succeed(t, append(brief("--name", "whole"), keeping...)...)
	stopRun(t, "runs/whole", "runs/stopped")
	copied(t, "runs/whole", "runs/r")
	sound := readAll(t)
	if diff := cmp.Diff(sound, readAll(t), cmp.AllowUnexported(result{})); diff != "" {
		t.Fatalf("what is read of a sound run varies:\n%s", diff)
	}
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	for range n {
		tried++
		from := []string{"runs/whole", "runs/stopped"}[rng.IntN(2)]
		copied(t, from, "runs/r")
		what := flipIn(t, rng, "runs/r")
		silent, refused := "", false
		if from == "runs/whole" {
			silent, refused = compareReadings(t, sound)
		} else {
			silent, refused = resumeAndCompare(t)
		}
		switch {
		case silent != "":
			different++
			t.Logf("%s, %s: %s", from, what, silent)
			continue
		case refused:
			if problem := repairAndCompare(t); problem != "" {
				lost++
				t.Logf("%s, %s: %s", from, what, problem)
				continue
			}
		}
		survived++
	}
	return tried, survived, lost, different
}

// stopRun makes a copy of a run as if it had been killed after epoch 6.
func stopRun(t *testing.T, whole, stopped string) {
	t.Helper()
	copied(t, whole, stopped)
	folder := record.Folder(stopped)
	c, err := trainer.ReadCheckpoint(folder.EpochCheckpoint(6))
	if err != nil {
		t.Fatal(err)
	}
	write(t, folder.LastCheckpoint(), read(t, folder.EpochCheckpoint(6)))
	write(t, folder.Checkpoints()+"/previous.npz", read(t, folder.EpochCheckpoint(3)))
	run, err := record.ReadRun(folder.Run())
	if err != nil {
		t.Fatal(err)
	}
	run.Status, run.Stop, run.Epoch, run.Step, run.Final = record.StatusRunning, nil, 6, c.Progress.Step, c.Progress.Metrics
	if err := run.Write(folder.Run()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		folder.EpochCheckpoint(8), folder.Checkpoints() + "/best.npz", folder.Report(),
		folder.Measurements() + "/" + record.SpectrumFile(8), folder.Measurements() + "/" + record.MarginFile(8),
	} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// flipIn flips a bit of a file of a run. It says which.
func flipIn(t *testing.T, rng *rand.Rand, run string) string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"run.json", "config.yaml", "metrics.*", "checkpoints/*", "measurements/*"} {
		found, err := filepath.Glob(filepath.Join(run, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	file := files[rng.IntN(len(files))]
	data := []byte(read(t, file))
	bit := rng.IntN(8 * len(data))
	data[bit/8] ^= 1 << (bit % 8)
	write(t, file, string(data))
	return fmt.Sprintf("bit %d of %s", bit, file)
}

// readAll returns what commands find in runs/r, by command line.
func readAll(t *testing.T) map[string]result {
	t.Helper()
	all := make(map[string]result)
	for _, args := range [][]string{
		{"select", "runs/r", "--match-loss", "--json", "-"},
		{"stop-study", "runs/r", "--json", "-"},
		{"report", "runs/r", "--out", "page.html"},
		{"analyze", "runs/r", "--json", "-"},
		{"export", "runs/r", "w.safetensors"},
	} {
		r := hessoscope(args...)
		r.stdout = timePattern.ReplaceAllString(r.stdout, "")
		for _, file := range []string{"page.html", "w.safetensors"} {
			if slices.Contains(args, file) && r.status == 0 {
				r.stdout += read(t, file)
			}
		}
		all[strings.Join(args, " ")] = r
	}
	return all
}

// compareReadings compares what commands find in runs/r. It returns what is different without
// a word, and whether a command refused to read the run.
func compareReadings(t *testing.T, want map[string]result) (silent string, refused bool) {
	t.Helper()
	for args, have := range readAll(t) {
		switch {
		case have.status != 0 && !oneLine(have.stderr):
			return fmt.Sprintf("%s: status %d, error %q", args, have.status, have.stderr), true
		case have.status != 0 || strings.Contains(have.stdout, "Samples are not shown: runs/r/config.yaml"):
			refused = true // the report has what does not need the settings, and says so
		case have.stderr == "" && have.stdout != want[args].stdout:
			return fmt.Sprintf("%s:\n%s", args, cmp.Diff(want[args].stdout, have.stdout)), refused
		}
	}
	return "", refused
}

// oneLine reports whether an error is one line of the command.
func oneLine(text string) bool {
	return strings.HasPrefix(text, "hessoscope: ") && strings.Count(text, "\n") == 1 && !strings.Contains(text, "panic")
}

// resumeAndCompare resumes runs/r and compares it with runs/whole.
func resumeAndCompare(t *testing.T) (silent string, refused bool) {
	t.Helper()
	r := hessoscope("train", "runs/r", "--resume", "--no-progress")
	switch {
	case r.status == 0:
		return differs(t, "runs/whole", "runs/r"), false
	case !oneLine(r.stderr):
		return fmt.Sprintf("status %d, error %q", r.status, r.stderr), true
	default:
		return "", true
	}
}

// repairAndCompare repairs runs/r, trains it to its end, and compares it with runs/whole.
func repairAndCompare(t *testing.T) string {
	t.Helper()
	if r := hessoscope("fsck", "runs/r"); r.status != exitUnsound || r.stderr != "" {
		return fmt.Sprintf("fsck notices nothing: status %d, error %q\n%s", r.status, r.stderr, r.stdout)
	}
	if r := hessoscope("fsck", "runs/r", "--repair"); r.status != 0 {
		return fmt.Sprintf("not repaired: status %d, error %q\n%s", r.status, r.stderr, r.stdout)
	}
	if r := hessoscope("train", "runs/r", "--resume", "--no-progress"); r.status != 0 || r.stderr != "" {
		return fmt.Sprintf("repaired and resumed: status %d, error %q", r.status, r.stderr)
	}
	return differs(t, "runs/whole", "runs/r")
}

// differs returns a difference between the results of two runs, "" if there is none. A
// measurement that is missing or cannot be read is none.
func differs(t *testing.T, want, have string) string {
	t.Helper()
	for _, file := range []string{"metrics.jsonl", "metrics.csv"} {
		if diff := cmp.Diff(timeless(t, filepath.Join(want, file)), timeless(t, filepath.Join(have, file))); diff != "" {
			return file + ":\n" + diff
		}
	}
	a, b := checkpoint(t, want+"/checkpoints/last.npz"), checkpoint(t, have+"/checkpoints/last.npz")
	if diff := cmp.Diff(a.Arrays, b.Arrays); diff != "" {
		return "last.npz:\n" + diff
	}
	measured, err := filepath.Glob(want + "/measurements/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range measured {
		again, err := weights.ReadArchive(have + "/measurements/" + filepath.Base(path))
		if err != nil {
			continue
		}
		sound, err := weights.ReadArchive(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sound, again); diff != "" {
			return path + ":\n" + diff
		}
	}
	if r, err := record.ReadRun(have + "/run.json"); err != nil || r.Status != record.StatusFinished {
		return fmt.Sprintf("run.json: %+v, error %v", r, err)
	}
	return ""
}
