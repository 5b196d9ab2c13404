package command

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// quick is an experiment for sweeps with very short runs.
const quick = `name: quick
data: {set: gauss}
model: {hidden: [3]}
training: {epochs: 2, rate: {base: 0.1}}
spectrum: {off: true}
margin: {off: true}
`

// asProcess makes a sweep run this test binary in the processes of its runs.
func asProcess(t *testing.T) {
	t.Helper()
	chdir(t)
	t.Setenv(asCommand, "1")
}

// A run that fails only prevents the runs that start from it. The next sweep tries it
// again, and leaves the finished runs as they are.
func TestSweep(t *testing.T) {
	asProcess(t)
	write(t, "quick.yaml", quick)
	write(t, "s.yaml", `
name: s
experiment: quick.yaml
grid: {model.hidden: [[2], [3, 3]]}
variants:
  first: {auxiliary: true, set: {training.epochs: 1}}
  then: {set: {model.weights: "@first"}}
  bad: {set: {data: {csv: data.csv}}}
  worse: {set: {model.norm_of: "@bad"}}
`)
	r := hessoscope("sweep", "s.yaml", "--jobs", "2")
	if r.status != exitFault || !strings.Contains(r.stderr, "hessoscope: 4 of 8 runs failed; what they wrote is in sweeps/s/logs, and the same command tries them again\n") {
		t.Errorf("status %d, error %q", r.status, r.stderr)
	}
	for _, want := range []string{"sweep s: 8 runs, 2 of them auxiliary, 0 finished already; 2 at once, into sweeps/s\n", "8/8", "first-3x3 "} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("no %q in\n%s", want, r.stderr)
		}
	}
	for _, want := range []string{"then-3x3  finished          2", "bad-3x3   failed      ", "data.csv: no such file", "! worse-2: it starts from bad-2, which failed"} {
		if !strings.Contains(squeeze(r.stdout), squeeze(want)) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	if strings.Contains(r.stdout, "first") || !exists("sweeps/s/auxiliary/first-2/run.json") || !exists("sweeps/s/then-2/run.json") {
		t.Errorf("the auxiliary runs are not apart:\n%s", r.stdout)
	}

	before := read(t, "sweeps/s/then-2/run.json")
	write(t, "data.csv", "x,y,label\n1,2,a\n2,1,b\n3,1,b\n0,1,a\n")
	r = hessoscope("sweep", "sweeps/s/sweep.yaml") // the plan is kept
	if r.status != 0 || !strings.Contains(r.stderr, "4 finished already") || before != read(t, "sweeps/s/then-2/run.json") {
		t.Errorf("status %d, error %q", r.status, r.stderr)
	}
	checkSweepFiles(t)

	edit(t, "s.yaml", "training.epochs: 1", "training.epochs: 3")
	all := tree(t)
	refused(t, hessoscope("sweep", "s.yaml"), "sweeps/s/auxiliary/first-2 exists with other settings: training.epochs was 1 and is to be 3 now; name the sweep anew")
	if len(all) != len(tree(t)) {
		t.Error("the refused sweep left something behind")
	}
	edit(t, "s.yaml", "training.epochs: 3", "training.epochs: 1")
	edit(t, "s.yaml", "[3, 3]]", "[3, 3], [4]]")
	if r := hessoscope("sweep", "s.yaml"); r.status != 0 || !strings.Contains(r.stderr, "12 runs, 3 of them auxiliary, 8 finished already") {
		t.Errorf("more runs: status %d, error %q", r.status, r.stderr)
	}
}

// squeeze replaces each sequence of spaces by one space.
func squeeze(text string) string { return strings.Join(strings.Fields(text), " ") }

// checkSweepFiles reads sweep.json and sweep.csv of TestSweep.
func checkSweepFiles(t *testing.T) {
	t.Helper()
	var record struct {
		Runs []struct {
			Name, Status string
			Epochs       int
			Grid         map[string]any
			Metrics      map[string]float64
		}
	}
	if err := json.Unmarshal([]byte(read(t, "sweeps/s/sweep.json")), &record); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(read(t, "sweeps/s/sweep.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(record.Runs) != 6 || len(rows) != 7 {
		t.Fatalf("%d runs in sweep.json and %d rows in sweep.csv; want 6, and a heading", len(record.Runs), len(rows))
	}
	for i, r := range record.Runs {
		cells := make(map[string]string)
		for k, name := range rows[0] {
			cells[name] = rows[i+1][k]
		}
		if r.Status != "finished" || r.Epochs != 2 || r.Metrics["train/loss"] <= 0 || r.Grid["model.hidden"] == nil ||
			cells["name"] != r.Name || cells["train/loss"] != formatFloat(r.Metrics["train/loss"]) || cells["epochs"] != "2" || !strings.HasPrefix(cells["model.hidden"], "[") {
			t.Errorf("%+v, as a row %v", r, cells)
		}
	}
}

// slow is a sweep of two runs that take some time, and two runs that wait for them.
const slow = `
name: slow
experiment: quick.yaml
set: {model.hidden: [8], training.epochs: 3000, checkpoint.seconds: 0.05, spectrum: {schedule: {at: [0]}}}
variants:
  a: {}
  b: {set: {model.weights: "@a", training.epochs: 10}}
seeds: 2
`

// The processes of a sweep end when it is killed or interrupted. When the sweep is run
// again, it ends as if it had not been interrupted.
func TestSweepEnds(t *testing.T) {
	asProcess(t)
	write(t, "quick.yaml", quick)
	write(t, "slow.yaml", slow)
	if r := hessoscope("sweep", "slow.yaml", "--out", "whole"); r.status != 0 {
		t.Fatal(r.stderr)
	}
	for _, test := range []struct {
		name   string
		signal os.Signal
		status int
	}{{"kill", syscall.SIGKILL, -1}, {"interrupt", os.Interrupt, exitInterrupted}} {
		t.Run(test.name, func(t *testing.T) {
			args := []string{"sweep", "slow.yaml", "--out", test.name, "--jobs", "2"}
			p := start(t, args...)
			run := test.name + "/slow/a-seed_1"
			until(t, "a checkpoint and some metrics", func() bool {
				return exists(run+"/checkpoints/last.npz") && size(run+"/metrics.jsonl") > 10_000
			})
			p.signal(t, test.signal)
			if status := p.end(t); status != test.status {
				t.Errorf("status %d; want %d: %s", status, test.status, p.stderr.String())
			}
			if test.status == exitInterrupted {
				want := "hessoscope: interrupted; 0 of 4 runs are finished; go on with the same command: hessoscope sweep slow.yaml --out " + test.name + "\n"
				if !strings.HasSuffix(p.stderr.String(), want) || !strings.Contains(read(t, run+"/run.json"), `"status": "interrupted"`) {
					t.Errorf("error %q; want %q, and the record to say interrupted: %s", p.stderr.String(), want, read(t, run+"/run.json"))
				}
			}
			until(t, "the processes to end", func() bool {
				written := size(run + "/metrics.jsonl")
				time.Sleep(50 * time.Millisecond)
				return size(run+"/metrics.jsonl") == written
			})
			if strings.Contains(read(t, run+"/run.json"), `"status": "finished"`) {
				t.Error("a process went on after its sweep")
			}
			if r := hessoscope(args...); r.status != 0 {
				t.Fatal(r.stderr)
			}
			for _, name := range []string{"a-seed_0", "a-seed_1", "b-seed_0", "b-seed_1"} {
				sameRun(t, "whole/slow/"+name, test.name+"/slow/"+name)
			}
		})
	}
}

// The process of a run of a sweep takes no other name than that of its run, which a
// process of a sweep that was killed may have just taken.
func TestSweepKeepsNames(t *testing.T) {
	chdir(t)
	write(t, "quick.yaml", quick)
	write(t, "sweeps/s/seed_0/config.yaml", "")
	p := exec.Command(os.Args[0], "train", "quick.yaml", "--name=seed_0", "--out=sweeps/s", "--attached", "--no-progress")
	p.Env = append(os.Environ(), asCommand+"=1")
	stdin, err := p.StdinPipe() // the process ends when it is closed
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	var stdout, stderr strings.Builder
	p.Stdout, p.Stderr = &stdout, &stderr
	_ = p.Run()
	refused(t, result{p.ProcessState.ExitCode(), stdout.String(), stderr.String()}, "sweeps/s/seed_0 exists; another process has just begun that run")
}

func TestBadSweep(t *testing.T) {
	testBadInputs(t, []badInput{
		{"unknown sweep", nil, []string{"sweep", "regime"}, []string{`no sweep and no file "regime"; did you mean "regimes"?`}},
		{"missing file", nil, []string{"sweep", "s.yaml"}, []string{"s.yaml: no such file"}},
		{"negative jobs", nil, []string{"sweep", "regimes", "--jobs=-1"}, []string{"--jobs -1: want 0, for one a CPU, or more"}},
		{"file in place of the folder", func(t *testing.T) { write(t, "sweeps", "x") }, []string{"sweep", "regimes"}, []string{"sweeps", "not a directory"}},
		{"bad plan", func(t *testing.T) { write(t, "s.yaml", "name: s\nexperiment: gauss\nset: {training.epochs: -1}") }, []string{"sweep", "s.yaml"}, []string{"s.yaml:3:24: run s: training.epochs is -1"}},
	})
}
