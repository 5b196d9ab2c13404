//go:build unix

package durable

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	pipe, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "zero")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{dir: "folder", pipe: "pipe or a device", link: "pipe or a device", "/dev/zero": "pipe or a device"} {
		_, _, err := Open(path)
		_, textErr := ReadText(path, 10)
		for _, err := range []error{err, textErr} {
			if err == nil || !strings.Contains(err.Error(), path+": is a "+want) || !strings.Contains(err.Error(), "not a regular file") {
				t.Errorf("%s: %v; want an error with %q", path, err, want)
			}
		}
	}
}
