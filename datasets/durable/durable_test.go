package durable_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

func TestWriteIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := durable.WriteFile(path, []byte("before")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := durable.Write(path, func(w io.Writer) error {
		fmt.Fprint(w, "half")
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v; want that of the writer", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "before" {
		t.Errorf("after an error the file holds %q", text)
	}
	if err := durable.WriteFile(path, []byte("after")); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); string(text) != "after" {
		t.Errorf("the file holds %q", text)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("its permissions became %v", info.Mode().Perm())
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files are left", len(entries))
	}
}

func TestWriteWithoutFolder(t *testing.T) {
	if err := durable.WriteFile(filepath.Join(t.TempDir(), "none", "file"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v; want that the folder is missing", err)
	}
}

func ExampleWrite() {
	dir, _ := os.MkdirTemp("", "durable")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "result.txt")
	err := durable.Write(path, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, "λ₁ = 54.75")
		return err
	})
	text, _ := os.ReadFile(path)
	fmt.Print(err, " ", string(text))
	// Output: <nil> λ₁ = 54.75
}

func ExampleTryLock() {
	dir, _ := os.MkdirTemp("", "durable")
	defer os.RemoveAll(dir)
	l, _ := durable.TryLock(filepath.Join(dir, "lock"))
	_, err := durable.TryLock(filepath.Join(dir, "lock"))
	var locked *durable.LockedError
	fmt.Println(errors.As(err, &locked))
	l.Release()
	// Output: true
}

func TestMkdirAll(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "a", "b", "c")
	for range 2 { // new, and there already
		if err := durable.MkdirAll(deep); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(deep); err != nil || !info.IsDir() {
		t.Errorf("%v, error %v; want a folder", info, err)
	}
	file := filepath.Join(deep, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "d")} {
		if err := durable.MkdirAll(path); err == nil {
			t.Errorf("%s: no error, though it is a file or below one", path)
		}
	}
}
