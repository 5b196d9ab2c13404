package durable

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

// asHolder is an environment variable that makes the test binary take a lock, say so,
// and hold it until its standard input closes.
const asHolder = "DURABLE_TEST_AS_HOLDER"

func TestMain(m *testing.M) {
	if path := os.Getenv(asHolder); path != "" {
		if _, err := TryLock(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("held")
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// A second process is told who holds the lock, and gets it at once when the first is
// killed.
func TestLockOfProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asHolder+"="+path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 4)
	if _, err := stdout.Read(said); err != nil || string(said) != "held" {
		t.Errorf("the process said %q, error %v", said, err)
	}
	var locked *LockedError
	if _, err := TryLock(path); !errors.As(err, &locked) {
		t.Errorf("error %v; want that the lock is held", err)
	}
	host, _ := os.Hostname()
	if h := locked.Holder; h.Process != cmd.Process.Pid || h.Host != host || time.Since(h.Since).Abs() > time.Minute {
		t.Errorf("held by %v; want process %d on %s", h, cmd.Process.Pid, host)
	}
	if want := fmt.Sprintf("%s is held by process %d on %s since 2", path, cmd.Process.Pid, host); !strings.HasPrefix(locked.Error(), want) {
		t.Errorf("error %q; want %q", locked, want)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	l, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	l.Release()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v; want that Release removes the file", err)
	}
}

// Never do two hold a lock that is taken and released all the time.
func TestLockAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var holders, taken atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				l, err := TryLock(path)
				var locked *LockedError
				if errors.As(err, &locked) {
					continue
				} else if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d hold the lock", n)
				}
				taken.Add(1)
				holders.Add(-1)
				l.Release()
			}
		})
	}
	all.Wait()
	if taken.Load() == 0 {
		t.Error("nobody got the lock")
	}
}

// On a file system without locks, and from another computer, what counts is when the
// holder last wrote.
func TestLease(t *testing.T) {
	unsupported := func(*os.File) error { return errors.ErrUnsupported }
	path := filepath.Join(t.TempDir(), "lock")
	first, err := tryLock(path, unsupported)
	if err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	if _, err := tryLock(path, unsupported); !errors.As(err, &locked) || locked.Holder.Process != os.Getpid() {
		t.Errorf("error %v; want that this process holds the lock", err)
	}
	first.Release()
	if err := os.WriteFile(path, []byte(`{"process": 7, "host": "far away", "since": "2026-01-02T15:04:05Z"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, lock := range []func(*os.File) error{lockFile, unsupported} {
		if _, err := tryLock(path, lock); !errors.As(err, &locked) || locked.Holder.String() != "process 7 on far away since 2026-01-02T15:04:05Z" {
			t.Errorf("error %v; want that a process far away holds the lock", err)
		}
	}
	ago := time.Now().Add(-lease)
	if err := os.Chtimes(path, ago, ago); err != nil {
		t.Fatal(err)
	}
	l, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	l.Release()
}

// The holder keeps its lease.
func TestBeat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	synctest.Test(t, func(t *testing.T) {
		l, err := TryLock(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Unix(0, 0), time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(beat + time.Second)
		synctest.Wait()
		if info, err := os.Stat(path); err != nil || info.ModTime().Unix() == 0 {
			t.Errorf("the holder did not write (%v)", err)
		}
		l.Release()
	})
}

func TestLockOfBadPath(t *testing.T) {
	dir := t.TempDir()
	if _, err := TryLock(filepath.Join(dir, "none", "lock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v; want that the folder is missing", err)
	}
	outside := filepath.Join(dir, "outside")
	if err := os.WriteFile(outside, []byte("kept"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	for _, name := range []string{"", "link"} {
		if _, err := TryLock(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), "is no regular file; remove it") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if text, _ := os.ReadFile(outside); string(text) != "kept" {
		t.Errorf("the file behind the link holds %q", text)
	}
}
