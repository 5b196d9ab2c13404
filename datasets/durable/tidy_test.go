package durable

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Temporary files of processes that were killed are removed, and no others.
func TestTidy(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".last.npz.123.tmp", ".notes.2", ".x.tmp", "a.1.tmp", ".cache.7.tmp.d"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, ".folder.1.tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	left, err := Leftovers(dir)
	if err != nil || len(left) != 1 || left[0] != filepath.Join(dir, ".last.npz.123.tmp") {
		t.Errorf("left %q, error %v", left, err)
	}
	err = Write(filepath.Join(dir, "last.npz"), func(w io.Writer) error {
		if left, err := Leftovers(dir); err != nil || len(left) != 1 {
			t.Errorf("while a file is written: left %q, error %v", left, err)
		}
		if err := Tidy(dir); err != nil {
			return err
		}
		_, err := fmt.Fprint(w, "whole")
		return err
	})
	if err != nil {
		t.Errorf("a file that is being written was removed: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "last.npz")); string(text) != "whole" {
		t.Errorf("%q, error %v", text, err)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 6 {
		t.Errorf("%d files, error %v; want the five that are none of Write's and the new one", len(entries), err)
	}
	if err := Tidy(filepath.Join(dir, "none")); err != nil {
		t.Error(err)
	}
}

// Nothing is lost where files are written while a folder is tidied.
func TestTidyBesideWrite(t *testing.T) {
	dir := t.TempDir()
	done := make(chan struct{})
	var tidied sync.WaitGroup
	tidied.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				if err := Tidy(dir); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for i := range 100 {
		if err := WriteFile(filepath.Join(dir, fmt.Sprint("file", i%3)), []byte("text")); err != nil {
			t.Error(err)
		}
	}
	close(done)
	tidied.Wait()
}
