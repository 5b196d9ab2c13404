package command

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/fsck"
)

// brief is a run of a fraction of a second with all kinds of files.
func brief(args ...string) []string {
	return append([]string{
		"train", "gauss", "--no-progress", "--set", "training.epochs=8", "--set", "training.batch_size=75", "--set", "model.hidden=[5]",
		"--set", "training.optimizer={name: adam}", "--set", "training.rate.base=0.01", "--set", "plane.off=true",
		"--set", "spectrum={top: 3, schedule: {at: [0, 4, 8]}}", "--set", "margin.schedule={at: [4, 8]}", "--set", "critical_sharpness.off=true", "--set", "effective_rank.off=true",
	}, args...)
}

// keeping are settings of a run that keeps checkpoints, but not by the clock.
var keeping = []string{"--set", "checkpoint={seconds: 1000, schedule: {at: [3, 6]}, best: test/loss}"}

// flipBit flips a bit in the middle of a file.
func flipBit(t *testing.T, path string) {
	t.Helper()
	data := []byte(read(t, path))
	data[len(data)/2] ^= 1
	write(t, path, string(data))
}

// copied copies a folder of the working directory.
func copied(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// states returns what fsck finds of the files that are not sound.
func states(t *testing.T, args ...string) (map[string]string, result) {
	t.Helper()
	r := hessoscope(append([]string{"fsck", "--json", "-"}, args...)...)
	found := make(map[string]string)
	checked := decode[[]fsck.Result](t, r.stdout)
	for _, c := range checked {
		unsound := 0
		for _, f := range c.Files {
			if f.State != fsck.Sound {
				found[f.Name] = string(f.State)
			}
			if f.State == fsck.Damaged || f.State == fsck.Missing {
				unsound++
			}
		}
		if c.Sound != (unsound == 0) {
			t.Errorf("sound: %v, with %v", c.Sound, found)
		}
	}
	return found, r
}

// A damaged run is found to be damaged, is repaired, and ends as if nothing had been.
func TestFsck(t *testing.T) {
	chdir(t)
	succeed(t, append(brief("--name", "whole"), keeping...)...)
	const (
		run   = "runs/r"
		last  = run + "/checkpoints/last.npz"
		lines = run + "/metrics.jsonl"
		rows  = run + "/metrics.csv"
		json  = run + "/run.json"
	)
	flipped := func(paths ...string) func(*testing.T) {
		return func(t *testing.T) {
			for _, path := range paths {
				flipBit(t, path)
			}
		}
	}
	removed := func(path string) func(*testing.T) {
		return func(t *testing.T) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	cut := func(path string, lines int) func(*testing.T) {
		return func(t *testing.T) {
			all := strings.SplitAfter(read(t, path), "\n")
			write(t, path, strings.Join(all[:lines], ""))
		}
	}
	const damaged, missing = "damaged", "missing"
	for _, test := range []struct {
		name   string
		damage func(*testing.T)
		want   map[string]string
		lost   []string // files that are set aside and nothing gives back
		aside  []string // names of all files that are set aside
	}{
		{"sound", func(*testing.T) {}, map[string]string{}, nil, nil},
		{"last checkpoint", flipped(last), map[string]string{"checkpoints/last.npz": damaged}, nil, []string{"last.npz.damaged"}},
		{"no last checkpoint", removed(last), map[string]string{"checkpoints/last.npz": missing}, nil, nil},
		{
			"all but one checkpoint", func(t *testing.T) {
				flipped(last, run+"/checkpoints/previous.npz", run+"/checkpoints/best.npz", run+"/checkpoints/epoch-000006.npz", run+"/checkpoints/epoch-000008.npz")(t)
			},
			map[string]string{"checkpoints/last.npz": damaged, "checkpoints/previous.npz": damaged, "checkpoints/best.npz": damaged, "checkpoints/epoch-000006.npz": damaged, "checkpoints/epoch-000008.npz": damaged},
			nil,
			[]string{"best.npz.damaged", "epoch-000006.npz.damaged", "epoch-000008.npz.damaged", "last.npz.damaged", "previous.npz.damaged"},
		},
		{"history", flipped(lines), map[string]string{"metrics.jsonl": damaged}, nil, []string{"metrics.jsonl.damaged"}},
		{"history cut at a line", cut(lines, 5), map[string]string{"metrics.jsonl": damaged}, nil, []string{"metrics.jsonl.damaged"}},
		{"no history", removed(lines), map[string]string{"metrics.jsonl": missing}, nil, nil},
		{"table", flipped(rows), map[string]string{"metrics.csv": damaged}, nil, []string{"metrics.csv.damaged"}},
		{"no table", removed(rows), map[string]string{"metrics.csv": missing}, nil, nil},
		{"both, from the middle on", func(t *testing.T) { cut(lines, 5)(t); cut(rows, 6)(t) }, map[string]string{"metrics.jsonl": damaged, "metrics.csv": damaged}, nil, []string{"metrics.csv.damaged", "metrics.jsonl.damaged", "last.npz.damaged"}},
		{"record", flipped(json), map[string]string{"run.json": damaged}, nil, []string{"run.json.damaged"}},
		{"empty record", func(t *testing.T) { write(t, json, "") }, map[string]string{"run.json": damaged}, nil, []string{"run.json.damaged"}},
		{"no record", removed(json), map[string]string{"run.json": missing}, nil, nil},
		{"record and table", flipped(json, rows), map[string]string{"run.json": damaged, "metrics.csv": damaged}, nil, nil},
		{"measurement", flipped(run + "/measurements/spectrum-000004.npz"), map[string]string{"measurements/spectrum-000004.npz": damaged}, []string{"measurements/spectrum-000004.npz"}, []string{"spectrum-000004.npz.damaged"}},
		{"left over", func(t *testing.T) { write(t, run+"/checkpoints/.last.npz.7.tmp", "half") }, map[string]string{"checkpoints/.last.npz.7.tmp": "left over"}, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			copied(t, "runs/whole", run)
			test.damage(t)
			found, r := states(t, run)
			wantStatus := 0
			for _, state := range test.want {
				if state != "left over" {
					wantStatus = exitUnsound
				}
			}
			if diff := cmp.Diff(test.want, found); diff != "" || r.status != wantStatus || r.stderr != "" {
				t.Errorf("status %d, error %q, files (-want +found):\n%s", r.status, r.stderr, diff)
			}
			if found, r := states(t, "--repair", run); r.status != 0 || len(found) > 0 {
				t.Fatalf("repaired: status %d, error %q: %v", r.status, r.stderr, found)
			}
			for _, path := range test.lost {
				if err := os.Rename(run+"/"+path+".damaged", run+"/"+path); err != nil {
					t.Error(err)
				}
				write(t, run+"/"+path, read(t, "runs/whole/"+path)) // for the comparison
			}
			if test.aside != nil && test.lost == nil {
				var aside []string
				for path := range tree(t) {
					if strings.HasPrefix(path, run) && strings.Contains(path, ".damaged") {
						aside = append(aside, filepath.Base(path))
					}
				}
				slices.Sort(aside)
				slices.Sort(test.aside)
				if diff := cmp.Diff(test.aside, aside); diff != "" {
					t.Errorf("set aside (-want +have):\n%s", diff)
				}
			}
			succeed(t, "train", run, "--resume", "--no-progress")
			sameRun(t, "runs/whole", run)
			if found, r := states(t, run); r.status != 0 || len(found) > 0 {
				t.Errorf("trained to the end: status %d: %v", r.status, found)
			}
		})
	}
}

// What cannot be had back is told, and stays.
func TestFsckLost(t *testing.T) {
	chdir(t)
	succeed(t, brief("--name", "r", "--set", "checkpoint.seconds=1000")...)
	flipBit(t, "runs/r/metrics.jsonl")
	flipBit(t, "runs/r/metrics.csv")
	if err := os.Remove("runs/r/checkpoints/previous.npz"); err != nil { // that of epoch 0
		t.Fatal(err)
	}
	before := tree(t)
	r := hessoscope("fsck", "runs/r")
	if want := "runs/r  metrics.jsonl            damaged  cannot be had back\n"; r.status != exitUnsound || !strings.Contains(r.stdout, want) {
		t.Errorf("status %d:\n%s%s\nwant %q", r.status, r.stdout, r.stderr, want)
	}
	r = hessoscope("fsck", "runs/r", "--repair")
	if want := "hessoscope: runs/r: no checkpoint is sound that all its files fit; `hessoscope train runs/r/config.yaml` starts a new run\n"; r.status != exitUnsound || r.stderr != want {
		t.Errorf("status %d, error %q; want %q", r.status, r.stderr, want)
	}
	if diff := cmp.Diff(before, tree(t)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}

// The runs of a sweep are checked, also those that others start from.
func TestFsckSweep(t *testing.T) {
	chdir(t)
	succeed(t, brief("--out", "sweeps/s")...)
	succeed(t, brief("--out", "sweeps/s/auxiliary")...)
	if out := succeed(t, "fsck", "sweeps/s"); strings.Count(out, "metrics.jsonl") != 2 {
		t.Errorf("%s\nwant two runs", out)
	}
	write(t, "sweeps/s/sweep.json", string(record.SealJSON([]byte("{\n  \"name\": \"s\",\n  \"runs\": []\n}"))))
	if out := succeed(t, "fsck", "sweeps/s"); !strings.Contains(out, "sweeps/s                  sweep.json") {
		t.Errorf("%s\nwant sweep.json", out)
	}
	edit(t, "sweeps/s/sweep.json", `"s"`, `"t"`)
	if found, r := states(t, "sweeps/s"); r.status != exitUnsound || found["sweep.json"] != "damaged" {
		t.Errorf("status %d: %v", r.status, found)
	}
	flipBit(t, "sweeps/s/auxiliary/gauss/run.json")
	if found, r := states(t, "sweeps/s"); r.status != exitUnsound || found["run.json"] != "damaged" {
		t.Errorf("status %d: %v", r.status, found)
	}
	p := start(t, long()...)
	until(t, "the run", func() bool { return exists("runs/iris/run.json") })
	wantRefused(t, "runs/iris", p.Process.Pid, "fsck", "runs/iris")
}

// A run without its last checkpoint is no run without a past.
func TestResumeDamaged(t *testing.T) {
	chdir(t)
	succeed(t, append(brief("--name", "whole"), keeping...)...)
	edited := func(t *testing.T) {
		copied(t, "runs/whole", "runs/r")
		editRecord(t, "runs/r/run.json", `"finished"`, `"running"`)
	}
	const last = "runs/r/checkpoints/last.npz"
	back := "previous.npz, of epoch 6, is sound: `hessoscope fsck runs/r --repair` goes back to it, and then `hessoscope train runs/r --resume` goes on\n"
	for _, test := range []struct {
		name   string
		damage func(t *testing.T)
		want   string // at the end of the error
	}{
		{"damaged", func(t *testing.T) { flipBit(t, last) }, back},
		{"missing", func(t *testing.T) { os.Remove(last) }, last + ": is missing, and the run has trained 16 steps; " + back},
		{"all missing", func(t *testing.T) { os.RemoveAll("runs/r/checkpoints") }, last + ": is missing, and the run has trained 16 steps; no other checkpoint is sound: `hessoscope train runs/r/config.yaml` starts a new run\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			edited(t)
			for _, file := range []string{"epoch-000006", "epoch-000008", "best"} {
				os.Remove("runs/r/checkpoints/" + file + ".npz")
			}
			test.damage(t)
			before := tree(t)
			r := hessoscope("train", "runs/r", "--resume", "--no-progress")
			if r.status != exitFault || !strings.HasSuffix(r.stderr, test.want) || strings.Count(r.stderr, "\n") != 1 {
				t.Errorf("status %d, error %q; want %q", r.status, r.stderr, test.want)
			}
			if diff := cmp.Diff(before, tree(t)); diff != "" {
				t.Errorf("files (-before +after):\n%s", diff)
			}
		})
	}
	for name, text := range map[string]string{"empty": "", "half": "{\"status\": \"runn", "other": "[]"} {
		t.Run("record "+name, func(t *testing.T) {
			edited(t)
			write(t, "runs/r/run.json", text)
			r := hessoscope("train", "runs/r", "--resume", "--no-progress")
			if want := "hessoscope: runs/r/run.json: "; r.status != 0 || !strings.HasPrefix(r.stderr, want) || !strings.HasSuffix(r.stderr, "; it is written anew\n") {
				t.Errorf("status %d, error %q", r.status, r.stderr)
			}
			sameRun(t, "runs/whole", "runs/r")
		})
	}
}

// Whoever reads a history says that it is damaged or cut short, and draws no conclusions.
func TestReadersOfDamage(t *testing.T) {
	chdir(t)
	succeed(t, brief("--name", "whole")...)
	readers := [][]string{{"stop-study"}, {"select", "--match-loss"}, {"report"}, {"plot"}}
	for name, damage := range map[string]struct {
		do   func(t *testing.T)
		want string
	}{
		"flipped": {func(t *testing.T) { flipBit(t, "runs/r/metrics.jsonl") }, "runs/r/metrics.jsonl:5: is damaged: "},
		"cut": {func(t *testing.T) {
			write(t, "runs/r/metrics.jsonl", strings.Join(strings.SplitAfter(read(t, "runs/r/metrics.jsonl"), "\n")[:4], ""))
		}, "runs/r/metrics.jsonl: is cut short: it ends at epoch 3, and runs/r/run.json has metrics of epoch 8"},
		"record": {func(t *testing.T) { flipBit(t, "runs/r/run.json") }, "runs/r/run.json: is damaged: "},
	} {
		copied(t, "runs/whole", "runs/r")
		damage.do(t)
		for _, args := range readers {
			r := hessoscope(append(args, "runs/r")...)
			if want := "hessoscope: " + damage.want; r.status != exitFault || !strings.HasPrefix(r.stderr, want) || !strings.HasSuffix(r.stderr, "hessoscope fsck, with its folder, tells what can be had back\n") {
				t.Errorf("%s, %q: status %d, error %q; want %q", name, args, r.status, r.stderr, want)
			}
		}
		// Beside a sound run, one that is not is set apart.
		if out := succeed(t, "select", "runs/r", "runs/whole", "--match-loss"); !strings.Contains(out, fmt.Sprintf("runs/r: %s", damage.want)) && !strings.Contains(out, damage.want) {
			t.Errorf("%s: %s", name, out)
		}
	}
}
