package command

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// instead moves what is at a path out of the way, to outside/NAME, and leaves a link to
// it there.
func instead(t *testing.T, path string) {
	t.Helper()
	mkdir(t, "outside")
	moved, err := filepath.Abs(filepath.Join("outside", filepath.Base(path)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(moved, path); err != nil {
		t.Fatal(err)
	}
}

// contents returns all files below a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	t.Chdir(dir)
	defer t.Chdir("..")
	return tree(t)
}

// Nothing outside the folder of a run is written, cut or removed through a link in it.
func TestLinksOutOfARun(t *testing.T) {
	interrupted(t)
	top, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"metrics.jsonl", "metrics.csv", "run.json", "config.yaml", "checkpoints", "checkpoints/last.npz", "measurements"} {
		t.Run(name, func(t *testing.T) {
			chdir(t)
			if err := os.CopyFS("runs", os.DirFS(top+"/runs")); err != nil {
				t.Fatal(err)
			}
			write(t, "runs/mine/checkpoints/.last.npz.1", "left behind")
			instead(t, "runs/mine/"+name)
			before := contents(t, "outside")
			refused(t, hessoscope("train", "runs/mine", "--resume", "--no-progress"), "runs/mine/"+name+" is a link that leads out of runs/mine")
			if diff := cmp.Diff(before, contents(t, "outside")); diff != "" {
				t.Errorf("what is outside has changed (-before +after):\n%s", diff)
			}
		})
	}
	t.Run("plots", func(t *testing.T) {
		chdir(t)
		if err := os.CopyFS("runs", os.DirFS(top+"/runs")); err != nil {
			t.Fatal(err)
		}
		mkdir(t, "runs/mine/plots")
		instead(t, "runs/mine/plots")
		refused(t, hessoscope("plot", "runs/mine"), "runs/mine/plots is a link that leads out of runs/mine")
		if left := contents(t, "outside/plots"); len(left) != 1 {
			t.Errorf("%v was drawn outside", left)
		}
	})
	t.Run("the run itself", func(t *testing.T) {
		chdir(t)
		if err := os.CopyFS("runs", os.DirFS(top+"/runs")); err != nil {
			t.Fatal(err)
		}
		instead(t, "runs/mine") // is where its user wants it
		if r := hessoscope("train", "runs/mine", "--resume", "--no-progress"); r.status != 0 {
			t.Errorf("status %d, error %q", r.status, r.stderr)
		}
	})
}

func TestLinksOutOfASweep(t *testing.T) {
	asProcess(t)
	write(t, "quick.yaml", quick)
	write(t, "s.yaml", "name: s\nexperiment: quick.yaml\nvariants:\n  first: {auxiliary: true}\n  then: {set: {model.weights: '@first'}}\n")
	if r := hessoscope("sweep", "s.yaml"); r.status != 0 {
		t.Fatal(r.stderr)
	}
	for _, name := range []string{"logs", "auxiliary", "then", "logs/then.log", "auxiliary/first"} {
		if err := os.RemoveAll("sweeps/s/then/run.json"); err != nil { // trains again
			t.Fatal(err)
		}
		instead(t, "sweeps/s/"+name)
		before := contents(t, "outside")
		refused(t, hessoscope("sweep", "s.yaml"), "sweeps/s/"+name+" is a link that leads out of sweeps/s")
		if diff := cmp.Diff(before, contents(t, "outside")); diff != "" {
			t.Errorf("what is outside has changed (-before +after):\n%s", diff)
		}
		if err := os.Remove("sweeps/s/" + name); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename("outside/"+filepath.Base(name), "sweeps/s/"+name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename("sweeps", "elsewhere"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("elsewhere", "sweeps"); err != nil {
		t.Fatal(err)
	}
	if r := hessoscope("sweep", "s.yaml"); r.status != 0 {
		t.Errorf("through a link to all sweeps: status %d, error %q", r.status, r.stderr)
	}
}
