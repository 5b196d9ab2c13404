package durable_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

// linked returns a folder, and one beside it that links in the folder may lead to.
func linked(t *testing.T, links map[string]string) (dir, out string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege")
	}
	top := t.TempDir()
	dir, out = filepath.Join(top, "dir"), filepath.Join(top, "out")
	for _, d := range []string{filepath.Join(dir, "in"), out} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(out, "file"), []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir, out
}

func TestCheckInside(t *testing.T) {
	for _, test := range []struct {
		name, target string
		refused      bool
	}{
		{"file", "../out/file", true},
		{"in/file", "../../out/file", true},
		{"folder", "../out", true},
		{"absolute", "/", true},
		{"nowhere", "../out/none", true}, // a file that is created there would be outside, too
		{"loop", "loop", true},
		{"inside", "in", false},
		{"in/inside", "../in", false},
		{"missing", "in/none", false},
	} {
		dir, _ := linked(t, map[string]string{test.name: test.target})
		err := durable.CheckInside(dir)
		if test.refused && (err == nil || !strings.Contains(err.Error(), filepath.Join(dir, test.name)+" is a link that leads out of "+dir)) || !test.refused && err != nil {
			t.Errorf("%s to %s: error %v; refused should be %v", test.name, test.target, err, test.refused)
		}
	}
	dir, out := linked(t, nil)
	link := filepath.Join(out, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if err := durable.CheckInside(link); err != nil {
		t.Errorf("error %v of a folder that is a link itself", err)
	}
	if err := durable.CheckInside(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Errorf("error %v of a missing folder", err)
	}
}

func TestOpenInside(t *testing.T) {
	dir, out := linked(t, map[string]string{"file": "../out/file", "new": "../out/new", "kept": "in/kept", "plots": "../out"})
	for _, name := range []string{"file", "new"} {
		f, err := durable.OpenInside(dir, name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
		if err == nil || !strings.Contains(err.Error(), name+" is a link that leads out of "+dir) {
			t.Errorf("%s: file %v, error %v", name, f, err)
		}
	}
	if err := durable.MkdirInside(dir, "plots"); err == nil || !strings.Contains(err.Error(), "plots is a link that leads out of "+dir) {
		t.Errorf("error %v", err)
	}
	if data, err := os.ReadFile(filepath.Join(out, "file")); err != nil || string(data) != "precious" {
		t.Errorf("%q, error %v: the file outside has changed", data, err)
	}
	if entries, err := os.ReadDir(out); err != nil || len(entries) != 1 {
		t.Errorf("%v, error %v: something was created outside", entries, err)
	}
	for _, name := range []string{"kept", "other"} {
		f, err := durable.OpenInside(dir, name, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil || f.Name() != filepath.Join(dir, name) {
			t.Fatalf("%s: error %v", name, err)
		}
		f.Close()
	}
	if err := durable.MkdirInside(filepath.Join(dir, "a", "b"), "plots"); err != nil {
		t.Error(err)
	}
}

// A folder may be a link, and may be made later or anew, but not become another one.
func TestPlace(t *testing.T) {
	dir, out := linked(t, map[string]string{"link": "in"})
	put := func(name, target string) {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if target == "" {
			return
		}
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"in", "link", "new", "new/er", "."} {
		p, err := durable.PlaceOf(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := p.Make(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if name == "." {
			continue
		}
		swapped, _, _ := strings.Cut(name, "/")
		put(swapped, "")
		if err := p.Make(); name != "link" && err != nil {
			t.Errorf("%s made anew: %v", name, err)
		}
		put(swapped, out)
		if err := p.Make(); err == nil || !strings.Contains(err.Error(), "by now, where nothing is to be changed") {
			t.Errorf("%s is a link to another folder: error %v", name, err)
		}
		put(swapped, "")
		if name == "in" {
			if err := p.Make(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if entries, err := os.ReadDir(out); err != nil || len(entries) != 1 {
		t.Errorf("%d entries outside, error %v; want the one that was there", len(entries), err)
	}
	put("nowhere", filepath.Join(out, "none"))
	if _, err := durable.PlaceOf(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a link to nowhere is taken for a folder")
	}
}
