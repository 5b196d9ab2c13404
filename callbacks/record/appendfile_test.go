//go:build linux || darwin

package record

import (
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// A line that was written in part, because the disk was full, leaves nothing behind.
func TestAppendAfterFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lines")
	var a AppendFile
	if err := a.Open(path); err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Append([]byte("whole\n")); err != nil {
		t.Fatal(err)
	}
	limitFiles(t, 9, func() {
		if err := a.Append([]byte("in part\n")); err == nil {
			t.Error("no error, though the file may not grow")
		}
	})
	if text, err := os.ReadFile(path); err != nil || string(text) != "whole\n" {
		t.Errorf("the file is %q, error %v; want whole", text, err)
	}
	if err := a.Append([]byte("next\n")); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "whole\nnext\n" {
		t.Errorf("the file is %q, error %v; want whole and next", text, err)
	}
}

// limitFiles calls do while no file may grow beyond a size.
func limitFiles(t *testing.T, size uint64, do func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}()
	do()
}
