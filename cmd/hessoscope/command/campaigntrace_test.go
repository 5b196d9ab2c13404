//go:build linux && amd64

package command

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// A touch is a system call of a traced process by which a file below a folder may
// change.
type touch struct {
	call     uint64 // number of the system call, as syscall.SYS_WRITE
	path, to string // relative to the folder; to is that of a renaming or a link
	size     int64  // of a truncation
	offset   int64  // of a write
	data     []byte // of a write, as far as it succeeded; only set once the call has returned
	created  bool   // openat: there was no such file before

	thread  int
	address uint64 // of the bytes to write
	verdict verdict
}

// verdict is what happens to a traced process in place of a system call.
type verdict int

const (
	goOn        verdict = iota
	killAll             // kill all processes
	killFirst           // kill the process that was started
	killCaller          // kill the process that makes the call
	writeHalf           // write the first half of the bytes only
	failForRoom         // fail with ENOSPC
)

// A tracer runs a command and tells of the system calls by which it changes files below
// a folder. All processes that the command starts are traced, too. The goroutine must be
// locked to its thread, and that must have no other children.
type tracer struct {
	dir    string                 // absolute, without symbolic links
	before func(t *touch) verdict // called before each such system call
	after  func(t *touch)         // called after each that succeeded; may be nil

	first   int            // the process that was started
	killed  bool           // whether some process was killed
	pending map[int]*touch // system calls that have begun, by thread; nil for others
}

// run returns how the first process ended, when all processes have ended.
func (t *tracer) run(attributes *syscall.ProcAttr, args ...string) (syscall.WaitStatus, error) {
	var end syscall.WaitStatus
	attributes.Sys = &syscall.SysProcAttr{Ptrace: true}
	first, err := syscall.ForkExec(args[0], args, attributes)
	if err != nil {
		return end, err
	}
	t.first, t.pending = first, make(map[int]*touch)
	const traced = syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACECLONE | syscall.PTRACE_O_TRACEFORK | syscall.PTRACE_O_TRACEVFORK | syscall.PTRACE_O_TRACEEXEC
	const exitKill = 0x100000 // PTRACE_O_EXITKILL
	for began := false; ; {
		var status syscall.WaitStatus
		thread, err := syscall.Wait4(-1, &status, syscall.WALL|syscall.WNOTHREAD, nil)
		switch {
		case err == syscall.ECHILD:
			return end, nil
		case err == syscall.EINTR:
			continue
		case err != nil:
			return end, err
		case status.Exited() || status.Signaled():
			if thread == first {
				end = status
			}
			delete(t.pending, thread)
			continue
		}
		if !began {
			began = true
			if err := syscall.PtraceSetOptions(thread, traced|exitKill); err != nil {
				return end, err
			}
		}
		signal := 0
		_, known := t.pending[thread]
		switch s := status.StopSignal(); {
		case s == syscall.SIGTRAP|0x80:
			if err := t.stopped(thread); err != nil && !t.killed && !errors.Is(err, syscall.ESRCH) && !errors.Is(err, fs.ErrNotExist) {
				return end, err // not of a thread that has just ended
			}
		case s == syscall.SIGTRAP: // an event: a new process, thread or program
		case s == syscall.SIGSTOP && !known: // a new thread
		default:
			signal = int(s)
		}
		if !known {
			if _, set := t.pending[thread]; !set {
				t.pending[thread] = nil
			}
		}
		if err := syscall.PtraceSyscall(thread, signal); err != nil && err != syscall.ESRCH {
			return end, err
		}
	}
}

// stopped looks at a thread that is about to make a system call, or returns from one.
func (t *tracer) stopped(thread int) error {
	var info struct { // struct ptrace_syscall_info
		operation uint8
		_         [3]byte
		_         uint32
		_, _      uint64
		data      [8]uint64
	}
	const getSyscallInfo, entry, exit = 0x420e, 1, 2
	if _, _, e := syscall.Syscall6(syscall.SYS_PTRACE, getSyscallInfo, uintptr(thread), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0); e != 0 {
		return e
	}
	switch info.operation {
	case entry:
		call, err := t.touched(thread, info.data[0], info.data[1:7])
		if err != nil || call == nil {
			return err
		}
		t.pending[thread] = call
		call.verdict = t.before(call)
		t.killed = t.killed || call.verdict == killAll || call.verdict == killFirst || call.verdict == killCaller
		switch call.verdict {
		case killAll:
			for thread := range t.pending {
				_ = syscall.Kill(thread, syscall.SIGKILL)
			}
		case killFirst:
			return syscall.Kill(t.first, syscall.SIGKILL)
		case killCaller:
			return syscall.Kill(thread, syscall.SIGKILL)
		case writeHalf:
			return setRegisters(thread, func(r *syscall.PtraceRegs) { r.Rdx /= 2 })
		case failForRoom:
			return setRegisters(thread, func(r *syscall.PtraceRegs) { r.Orig_rax = ^uint64(0) }) // no system call
		}
	case exit:
		call := t.pending[thread]
		t.pending[thread] = nil
		switch result := int64(info.data[0]); {
		case call == nil:
		case call.verdict == failForRoom:
			return setRegisters(thread, func(r *syscall.PtraceRegs) { r.Rax = ^uint64(syscall.ENOSPC) + 1 })
		case result >= 0 && t.after != nil:
			if call.call == syscall.SYS_WRITE || call.call == syscall.SYS_PWRITE64 {
				call.data = make([]byte, result)
				if err := peek(thread, call.address, call.data); err != nil {
					return err
				}
			}
			t.after(call)
		}
	}
	return nil
}

// setRegisters changes the registers of a thread.
func setRegisters(thread int, edit func(*syscall.PtraceRegs)) error {
	var r syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(thread, &r); err != nil {
		return err
	}
	edit(&r)
	return syscall.PtraceSetRegs(thread, &r)
}

// Numbers that package syscall lacks.
const (
	sysRenameat2     = 316
	sysCopyFileRange = 326
)

// touched returns a system call that is about to be made, or nil if it changes no file
// below the folder. A call that this does not know how to follow is an error.
func (t *tracer) touched(thread int, call uint64, args []uint64) (*touch, error) {
	c := &touch{call: call, thread: thread}
	var err error
	switch call {
	case syscall.SYS_OPENAT:
		if args[2]&(syscall.O_CREAT|syscall.O_TRUNC) == 0 {
			return nil, nil
		}
		c.path, err = t.named(thread, args[0], args[1])
		_, missing := os.Lstat(filepath.Join(t.dir, c.path))
		c.created = missing != nil
		if args[2]&syscall.O_TRUNC != 0 && !c.created && c.path != "" {
			return nil, fmt.Errorf("%s is truncated where it is opened", c.path)
		}
	case syscall.SYS_MKDIRAT, syscall.SYS_UNLINKAT, syscall.SYS_FCHMODAT:
		c.path, err = t.named(thread, args[0], args[1])
	case syscall.SYS_RENAMEAT, sysRenameat2, syscall.SYS_LINKAT:
		if call == sysRenameat2 {
			c.call = syscall.SYS_RENAMEAT
		}
		if c.path, err = t.named(thread, args[0], args[1]); err == nil {
			c.to, err = t.named(thread, args[2], args[3])
		}
	case syscall.SYS_WRITE:
		if c.path = t.opened(thread, args[0]); c.path != "" {
			c.address = args[1]
			c.offset, err = t.position(thread, args[0], c.path)
		}
	case syscall.SYS_PWRITE64:
		c.path, c.address, c.offset = t.opened(thread, args[0]), args[1], int64(args[3])
	case syscall.SYS_FTRUNCATE:
		c.path, c.size = t.opened(thread, args[0]), int64(args[1])
	case syscall.SYS_FSYNC, syscall.SYS_FDATASYNC:
		c.call, c.path = syscall.SYS_FSYNC, t.opened(thread, args[0])
	case sysCopyFileRange, syscall.SYS_SENDFILE, syscall.SYS_WRITEV, syscall.SYS_FALLOCATE:
		if path := t.opened(thread, args[0]); path != "" {
			return nil, fmt.Errorf("system call %d of %s is not followed", call, path)
		}
	case syscall.SYS_SYMLINKAT:
		return nil, fmt.Errorf("system call %d is not followed", call)
	}
	if err != nil || c.path == "" {
		return nil, err
	}
	return c, nil
}

// named returns a path that a thread names, relative to the traced folder, or "" if it is
// outside of it.
func (t *tracer) named(thread int, folder, address uint64) (string, error) {
	const cwd = -100 // AT_FDCWD
	text := make([]byte, 4096)
	if err := peek(thread, address, text); err != nil {
		return "", err
	}
	name, _, _ := bytes.Cut(text, []byte{0})
	path := string(name)
	if filepath.IsAbs(path) {
		return t.below(path), nil
	}
	if int32(folder) == cwd {
		at, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", thread))
		if err != nil {
			return "", err
		}
		return t.below(filepath.Join(at, path)), nil
	}
	at, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", thread, folder))
	if err != nil {
		return "", nil // an error of the program
	}
	return t.below(filepath.Join(at, path)), nil
}

// opened returns the path of an open file, relative to the traced folder, or "" if it is
// outside of it or was removed.
func (t *tracer) opened(thread int, file uint64) string {
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", thread, int32(file)))
	if err != nil || strings.HasSuffix(path, " (deleted)") {
		return ""
	}
	return t.below(path)
}

func (t *tracer) below(path string) string {
	relative, err := filepath.Rel(t.dir, path)
	if err != nil || relative == ".." || strings.HasPrefix(relative, "../") {
		return ""
	}
	return relative
}

// position returns where the next write to an open file goes.
func (t *tracer) position(thread int, file uint64, path string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", thread, int32(file)))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text)) // pos: N flags: OCTAL …
	if len(fields) < 4 {
		return 0, fmt.Errorf("fdinfo of %s: %q", path, text)
	}
	if flags, err := strconv.ParseInt(fields[3], 8, 64); err != nil || flags&syscall.O_APPEND != 0 {
		info, statError := os.Stat(filepath.Join(t.dir, path))
		if err != nil || statError != nil {
			return 0, fmt.Errorf("fdinfo of %s: %v, %v", path, err, statError)
		}
		return info.Size(), nil
	}
	return strconv.ParseInt(fields[1], 10, 64)
}

// peek fills data from the memory of a thread, with zeros where the memory ends.
func peek(thread int, address uint64, data []byte) error {
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", thread))
	if err != nil {
		return err
	}
	defer memory.Close()
	if n, err := memory.ReadAt(data, int64(address)); n == 0 && len(data) > 0 {
		return err
	}
	return nil
}
