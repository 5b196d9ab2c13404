package experiment

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets/durable"
)

// A folder in which a process was killed before it wrote the settings is taken over by
// the next run of that name; one that has anything, or that is locked, is not.
func TestAbandonedFolders(t *testing.T) {
	c, err := Parse("e.yaml", []byte("name: e\ndata: {set: gauss}\nmodel: {hidden: [5]}\ntraining: {epochs: 1, rate: {base: 0.1}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		files []string
		want  string
	}{
		{"nothing", nil, "e"},
		{"an empty folder", []string{"e/"}, "e"},
		{"a lock", []string{"e/.lock"}, "e"},
		{"a lock and a temporary file", []string{"e/.lock", "e/.config.yaml.12.tmp"}, "e"},
		{"two", []string{"e/.lock", "e-2/.lock"}, "e"},
		{"a run", []string{"e/config.yaml"}, "e-2"},
		{"after a run", []string{"e/config.yaml", "e-2/.lock"}, "e-2"},
		{"before a run", []string{"e/.lock", "e-2/config.yaml"}, "e-3"},
		{"another file", []string{"e/notes.txt"}, "e-2"},
		{"another folder", []string{"e/plots/"}, "e-2"},
		{"a file of that name", []string{"e"}, "e-2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := t.TempDir()
			for _, name := range test.files {
				path := filepath.Join(out, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if name[len(name)-1] == '/' {
					err = os.MkdirAll(path, 0o755)
				} else {
					err = os.WriteFile(path, nil, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			dir, err := FreeDir(out, "e")
			if err != nil || dir != filepath.Join(out, test.want) {
				t.Fatalf("%s, error %v; want %s", dir, err, test.want)
			}
			if test.want == "e-2" {
				if _, err := c.Create(filepath.Join(out, "e")); !errors.Is(err, fs.ErrExist) {
					t.Errorf("created in a folder that is taken: error %v", err)
				}
			}
			lock, err := c.Create(dir)
			if err != nil {
				t.Fatal(err)
			}
			if left, err := durable.Leftovers(dir); err != nil || len(left) != 0 {
				t.Errorf("left over %q, error %v", left, err)
			}
			if _, err := os.Stat(record.Folder(dir).Config()); err != nil {
				t.Error(err)
			}
			if _, err := c.Create(dir); !errors.Is(err, fs.ErrExist) {
				t.Errorf("created twice: error %v", err)
			}
			lock.Release()
		})
	}
}

func TestLockedFolderIsNotAbandoned(t *testing.T) {
	out := t.TempDir()
	dir := filepath.Join(out, "e")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if free, err := FreeDir(out, "e"); err != nil || free != dir+"-2" {
		t.Errorf("%s is free, error %v; want e-2", free, err)
	}
	if _, err := new(Config).Create(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created in a locked folder: error %v", err)
	}
}
