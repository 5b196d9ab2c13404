package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/selection"
)

// The folder of a run by an older version can be analysed, selected and studied. A
// checkpoint in its format is refused with an error of one line.
func TestRunOfAnOlderVersion(t *testing.T) {
	old, err := filepath.Abs("testdata/oldrun")
	if err != nil {
		t.Fatal(err)
	}
	chdir(t)
	if err := os.CopyFS("runs/old", os.DirFS(old)); err != nil {
		t.Fatal(err)
	}
	was, err := record.ReadRun("runs/old/run.json")
	if err != nil {
		t.Fatal(err)
	}
	have := decode[analysis.Result](t, succeed(t, "analyze", "runs/old", "--json", "-"))
	if want := was.Final[record.Complexity].Value; have.Complexity == nil || *have.Complexity.Value != want || have.Loss != was.Final["train/loss"].Value {
		t.Errorf("complexity %+v and loss %v, want %v and %v", have.Complexity, have.Loss, want, was.Final["train/loss"].Value)
	}
	ranked := decode[selection.Selection](t, succeed(t, "select", "runs/old", "--match-loss", "--json", "-"))
	if len(ranked.Groups) != 1 || len(ranked.Groups[0].Runs) != 1 {
		t.Errorf("selected %+v", ranked)
	}
	if out := succeed(t, "stop-study", "runs/old"); !strings.Contains(out, "the oracle") {
		t.Errorf("no study in\n%s", out)
	}
	succeed(t, "fsck", "runs/old")
	if out := succeed(t, "train", "runs/old", "--resume"); !strings.Contains(out, "nothing to resume") {
		t.Errorf("a finished run: %s", out)
	}
	edit(t, "runs/old/run.json", `"status": "finished"`, `"status": "interrupted"`)
	r := hessoscope("train", "runs/old", "--resume")
	want := "hessoscope: runs/old/checkpoints/last.npz: the checkpoint has format 1, and this version resumes runs of format 2; finish the run with the version that began it, or start it anew; " +
		"no other checkpoint is sound: `hessoscope train runs/old/config.yaml` starts a new run\n"
	if r.status != 2 || r.stderr != want {
		t.Errorf("status %d, %q; want 2, %q", r.status, r.stderr, want)
	}
}
