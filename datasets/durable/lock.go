package durable

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
)

// A Lock is a file that at most one process holds. The system frees it when that
// process ends, however it ends.
//
// Where a file system does not tell other computers about its locks, or has none, the
// file is a lease: its holder writes to it every ten seconds, and after a minute
// without a write it is free. There the clocks must agree to half a minute, a process
// that is stopped for a minute loses its lock, and two processes that find it free in
// the same instant both get it.
type Lock struct {
	file          *os.File
	stop, stopped chan struct{}
}

// Holder is the process that holds a lock. It is the content of the file, as JSON.
type Holder struct {
	Process int       `json:"process"` // number of the process
	Host    string    `json:"host"`    // name of its computer
	Since   time.Time `json:"since"`
}

// String describes the holder: process 12 on host since 2026-01-02T15:04:05Z.
func (h Holder) String() string {
	if h == (Holder{}) {
		return "another process"
	}
	return fmt.Sprintf("process %d on %s since %s", h.Process, h.Host, h.Since.Format(time.RFC3339))
}

// LockedError is the error of TryLock if another process holds the lock.
type LockedError struct {
	Path   string
	Holder Holder
}

// Error implements error.
func (e *LockedError) Error() string { return fmt.Sprintf("%s is held by %s", e.Path, e.Holder) }

const (
	beat  = 10 * time.Second // time between two writes of the holder
	lease = time.Minute      // time without a write after which a lease has ended
)

// TryLock takes the lock in the file at path. It creates the file, and Release removes
// it. The folder must exist. If another process, or another Lock of this one, holds the
// lock, the error is a LockedError.
func TryLock(path string) (*Lock, error) { return tryLock(path, lockFile) }

var errHeld = errors.New("the lock is held")

// tryLock is TryLock on a file system whose locks lock takes. The error of lock is
// errHeld if the lock is held, or errors.ErrUnsupported if there are no locks.
func tryLock(path string, lock func(*os.File) error) (*Lock, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	for {
		if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is no regular file; remove it, a lock is to be there", path)
		}
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, err
		}
		err = lock(f)
		if errors.Is(err, errHeld) {
			return nil, errors.Join(&LockedError{path, awaitHolder(f)}, f.Close())
		}
		leased := errors.Is(err, errors.ErrUnsupported)
		if err != nil && !leased {
			return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
		}
		if !isAt(f, path) { // the holder removed it after it was opened
			f.Close()
			continue
		}
		if h := holder(f); h != (Holder{}) && (leased || h.Host != host) && fresh(f) {
			return nil, errors.Join(&LockedError{path, h}, f.Close())
		}
		l, err := hold(f, Holder{os.Getpid(), host, time.Now().UTC().Truncate(time.Second)})
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return l, nil
	}
}

// awaitHolder returns the holder of a lock, which may just be writing its name.
func awaitHolder(f *os.File) Holder {
	for range 100 {
		if h := holder(f); h != (Holder{}) {
			return h
		}
		time.Sleep(10 * time.Millisecond)
	}
	return Holder{}
}

// holder returns the holder that the file names, which may be gone, or the zero Holder
// if it names none.
func holder(f *os.File) Holder {
	var h Holder
	if json.NewDecoder(io.NewSectionReader(f, 0, 4096)).Decode(&h) != nil {
		return Holder{}
	}
	return h
}

// fresh reports whether the file was written during the time of a lease.
func fresh(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && time.Since(info.ModTime()) < lease
}

// isAt reports whether f is the file at path.
func isAt(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(opened, now)
}

// hold writes the holder to the file, now and then again until the lock is released.
func hold(f *os.File, h Holder) (*Lock, error) {
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(h); err != nil {
		return nil, err
	}
	if err := f.Truncate(0); err != nil {
		return nil, err
	}
	if _, err := f.WriteAt(text.Bytes(), 0); err != nil {
		return nil, err
	}
	l := &Lock{f, make(chan struct{}), make(chan struct{})}
	go func() {
		defer close(l.stopped)
		t := time.NewTicker(beat)
		defer t.Stop()
		for {
			select {
			case <-l.stop:
				return
			case <-t.C:
				_, _ = f.WriteAt(text.Bytes(), 0) // if it fails, the system's lock holds nevertheless
			}
		}
	}()
	return l, nil
}

// Release frees the lock and removes its file. It may be called once.
func (l *Lock) Release() {
	close(l.stop)
	<-l.stopped
	path := l.file.Name()
	if runtime.GOOS == "windows" { // cannot remove a file that is open, be it here or by the next holder
		l.file.Close()
		_ = os.Remove(path)
		return
	}
	if isAt(l.file, path) { // not if the folder was moved
		_ = os.Remove(path) // a file that is left is free
	}
	l.file.Close()
}
