package command

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

const mine = `name: mine
seed: 18446744073709551615
data: {set: gauss}
model: {hidden: [4]}
training: {epochs: 4000, batch_size: 20, rate: {base: 0.1}, optimizer: {name: adam}}
spectrum: {schedule: {every: 1000}}
margin: {off: true}
effective_rank: {off: true}
critical_sharpness: {off: true}
stop: {when: {monitor: train/loss, at_most: 1e-300}}
checkpoint: {seconds: 0.05}
`

// interrupted leaves an interrupted run mine, begun from mine.yaml with a --set.
func interrupted(t *testing.T) {
	t.Helper()
	chdir(t)
	write(t, "mine.yaml", mine)
	p := start(t, "train", "mine.yaml", "--set", "model.activation=tanh", "--no-progress")
	until(t, "a checkpoint", func() bool { return exists("runs/mine/checkpoints/last.npz") && size("runs/mine/metrics.jsonl") > 3000 })
	p.signal(t, os.Interrupt)
	if status := p.end(t); status != exitInterrupted {
		t.Fatalf("status %d: %s", status, p.stderr.String())
	}
}

// Settings that were edited since a run was interrupted are noticed and named, wherever
// they were edited, and nothing is trained or written.
func TestEditedIsNoticed(t *testing.T) {
	interrupted(t)
	top, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	const config = "runs/mine/config.yaml"
	for _, test := range []struct {
		name, file, old, new string
		args                 []string
		want                 string
	}{
		{"rate in the experiment", "mine.yaml", "base: 0.1", "base: 0.2", []string{"mine.yaml"}, "mine.yaml: training.rate.base was 0.1, is 0.2; take it with --set training.rate.base=0.2, or go on without it: hessoscope train runs/mine --resume"},
		{"epochs in the experiment", "mine.yaml", "epochs: 4000", "epochs: 5000", []string{"mine.yaml"}, "mine.yaml: training.epochs was 4000, is 5000; take it with --set training.epochs=5000"},
		{"batch size in the experiment", "mine.yaml", "batch_size: 20", "batch_size: 25", []string{"mine.yaml"}, "mine.yaml: training.batch_size was 20, is 25, and cannot be changed in a run that has begun; go on without it: hessoscope train runs/mine --resume"},
		{"seed in the experiment", "mine.yaml", "seed: 18446744073709551615", "seed: 18446744073709551614", []string{"mine.yaml"}, "seed was 18446744073709551615, is 18446744073709551614, and cannot be changed"},
		{"hook in the experiment", "mine.yaml", "margin: {off: true}", "margin: {}", []string{"mine.yaml"}, "margin.off was true, is false, and cannot be changed"},
		{"rate in config.yaml", config, "base: 0.1", "base: 0.2", []string{"runs/mine"}, "runs/mine/config.yaml: training.rate.base was 0.1, is 0.2; put it back, or take it with --set training.rate.base=0.2"},
		{"schedule in config.yaml", config, "every: 1000", "every: 100", []string{"mine.yaml"}, "runs/mine/config.yaml: spectrum.schedule.every was 1000, is 100; put it back, or take it with --set spectrum.schedule.every=100"},
		{"optimizer in config.yaml", config, "name: adam", "name: adamw", []string{"runs/mine"}, `runs/mine/config.yaml: training.optimizer.name was adam, is adamw, and cannot be changed in a run that has begun; put it back`},
		{"edit that is not the one of --set", config, "base: 0.1", "base: 0.2", []string{"runs/mine", "--set", "training.epochs=5000"}, "training.rate.base was 0.1, is 0.2; put it back"},
		{"seed", "", "", "", []string{"runs/mine", "--set", "seed=1"}, "--set: seed was 18446744073709551615, and cannot be changed in a run that has begun; start another run"},
		{"model", "", "", "", []string{"runs/mine", "--set", "model={hidden: [5]}"}, "--set: model.hidden was [4], and cannot be changed"},
		{"augmentation", "", "", "", []string{"runs/mine", "--set", "data.augmentation.flip=true"}, "--set: data.augmentation.flip was false, and cannot be changed"},
		{"other data", "", "", "", []string{"runs/mine", "--set", "data.set=circle"}, "the checkpoint is of a run on other data than circle"},
		{"other data by their flag", "", "", "", []string{"runs/mine", "--data", "circle"}, "the checkpoint is of a run on other data than circle"},
		{"epochs that are over", "", "", "", []string{"runs/mine", "--set", "training.epochs=1"}, "training.epochs is 1, and the run has come to epoch "},
		{"no more rule", "", "", "", []string{"runs/mine", "--set", "stop.when={}"}, "resume with the same"},
		{"invalid", "", "", "", []string{"runs/mine", "--set", "training.rate.base=-1"}, "--set: training.rate.base is -1; want a positive number"},
	} {
		t.Run(test.name, func(t *testing.T) {
			chdir(t)
			if err := os.CopyFS("runs", os.DirFS(top+"/runs")); err != nil {
				t.Fatal(err)
			}
			write(t, "mine.yaml", mine)
			if test.file != "" {
				edit(t, test.file, test.old, test.new)
			}
			before := tree(t)
			refused(t, hessoscope(append([]string{"train", "--resume", "--no-progress"}, test.args...)...), test.want)
			if diff := cmp.Diff(before, tree(t)); diff != "" {
				t.Errorf("the refused run has changed (-before +after):\n%s", diff)
			}
		})
	}
}

// Changes that --set makes when a run is resumed are in effect from there, and recorded.
func TestChangedOnResume(t *testing.T) {
	interrupted(t)
	resume := func(args ...string) *record.Run {
		t.Helper()
		before := size("runs/mine/metrics.jsonl")
		p := start(t, append([]string{"train", "--resume", "--no-progress"}, args...)...)
		until(t, "some more epochs", func() bool {
			return size("runs/mine/metrics.jsonl") > before+5000
		})
		p.signal(t, os.Interrupt)
		if status := p.end(t); status != exitInterrupted {
			t.Fatalf("status %d: %s", status, p.stderr.String())
		}
		after, err := record.ReadRun("runs/mine/run.json")
		if err != nil {
			t.Fatal(err)
		}
		return after
	}
	first, err := record.ReadRun("runs/mine/run.json")
	if err != nil {
		t.Fatal(err)
	}
	edit(t, "runs/mine/config.yaml", "base: 0.1", "base: 0.002") // taken by --set
	second := resume("mine.yaml", "--set", "training.rate={base: 0.002}", "--set", "stop.when.at_most=1e-200", "--set", "spectrum.schedule.every=500", "--set", "workers=1", "--set", "spectrum.memory=100000", "--set", "memory_gb=4")
	want := []record.Change{
		{Epoch: first.Epoch, Step: first.Step, Setting: "training.rate.base", Was: "0.1", Is: "0.002"},
		{Epoch: first.Epoch, Step: first.Step, Setting: "spectrum.schedule.every", Was: "1000", Is: "500"},
		{Epoch: first.Epoch, Step: first.Step, Setting: "stop.when.at_most", Was: "1e-300", Is: "1e-200"},
	}
	ofEpoch := cmpopts.IgnoreFields(record.Change{}, "Epoch") // an epoch that is not at its end counts as begun
	if diff := cmp.Diff(want, second.Changes, ofEpoch); diff != "" {
		t.Errorf("changes (-want +have):\n%s", diff)
	}
	if now := read(t, "runs/mine/config.yaml"); !strings.Contains(now, "memory: 100000") {
		t.Errorf("memory was not changed:\n%s", now)
	}
	refused(t, hessoscope("train", "mine.yaml", "--resume", "--no-progress", "--set", "training.epochs=5"), "training.epochs is 5")
	third := resume("mine.yaml")
	if diff := cmp.Diff(want, third.Changes, ofEpoch); diff != "" {
		t.Errorf("changes after another interruption (-want +have):\n%s", diff)
	}
	if r := hessoscope("train", "runs/mine", "--resume", "--no-progress", "--set", "training.epochs=4100"); r.status != 0 {
		t.Fatal(r.stderr)
	}
	last, err := record.ReadRun("runs/mine/run.json")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, record.Change{Step: third.Step, Setting: "training.epochs", Was: "4000", Is: "4100"})
	if diff := cmp.Diff(want, last.Changes, ofEpoch); diff != "" || last.Epoch != 4100 {
		t.Errorf("epoch %d, changes (-want +have):\n%s", last.Epoch, diff)
	}
	for _, note := range []string{"training.rate.base was 0.1 until epoch ", "training.epochs was 4000 until epoch "} {
		if !strings.Contains(strings.Join(last.Notes, "\n"), note) {
			t.Errorf("no %q among the notes %q", note, last.Notes)
		}
	}
	history, err := record.ReadHistory("runs/mine/metrics.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range record.Series(history, record.LearningRate) {
		if p.Epoch < last.Changes[0].Epoch && p.Value != 0.1 || p.Epoch > last.Changes[0].Epoch && p.Value != 0.002 {
			t.Fatalf("the rate of epoch %d is %v; it changed at epoch %d", p.Epoch, p.Value, last.Changes[0].Epoch)
		}
	}
	var settings struct{ Training struct{ Epochs int } }
	if err := json.Unmarshal(last.Settings, &settings); err != nil || settings.Training.Epochs != 4100 || !strings.Contains(read(t, "runs/mine/config.yaml"), "epochs: 4100") {
		t.Errorf("settings %s, error %v; want 4100 epochs", last.Settings, err)
	}
	refused(t, hessoscope("train", "runs/mine", "--resume", "--set", "training.epochs=9000"), "runs/mine is finished, and its settings are changed no more; another run can start from it: --set model.weights=runs/mine/checkpoints/last.npz")
}
