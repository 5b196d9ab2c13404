//go:build linux && amd64

package command

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// A disk is a record of how a folder changed, from which it makes what may be left of it
// after a power cut. The model is the least that POSIX promises: the content of a file is
// durable once the file is synced, the names in a folder once the folder is; what is not
// durable may be there or not, each write and each name by itself and in any order. A
// renaming is there as a whole or not at all.
type disk struct {
	root    *node
	nodes   []*node
	live    map[string]*node // by path, as the processes see it
	history []change
	err     error // the first that record met
}

// node is a file or a folder. Its fields are what was durable when the record began.
type node struct {
	folder  bool
	content []byte
	names   map[string]*node
}

// change is a change of a node, or the sync of one.
type change struct {
	node   *node
	call   uint64 // SYS_WRITE, SYS_FTRUNCATE, SYS_FSYNC, or for a folder SYS_OPENAT, SYS_UNLINKAT, SYS_RENAMEAT
	offset int64  // of a write; the size of a truncation
	data   []byte
	name   string // in the folder
	to     string // new name of a renaming
	child  *node
}

// newDisk returns a disk with all that is in a folder now, durably.
func newDisk(dir string) (*disk, error) {
	d := &disk{root: &node{folder: true, names: make(map[string]*node)}, live: make(map[string]*node)}
	d.live["."], d.nodes = d.root, []*node{d.root}
	return d, filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		name, wrong := filepath.Rel(dir, file)
		if err != nil || wrong != nil || name == "." {
			return err
		}
		n := d.add(entry.IsDir())
		d.live[path.Dir(name)].names[path.Base(name)], d.live[name] = n, n
		if !entry.IsDir() {
			n.content, err = os.ReadFile(file)
		}
		return err
	})
}

func (d *disk) add(folder bool) *node {
	n := &node{folder: folder}
	if folder {
		n.names = make(map[string]*node)
	}
	d.nodes = append(d.nodes, n)
	return n
}

// record adds a system call that succeeded.
func (d *disk) record(t *touch) {
	n := d.live[t.path]
	folder, name := d.live[path.Dir(t.path)], path.Base(t.path)
	if n == nil && !t.created && t.call != syscall.SYS_MKDIRAT || folder == nil {
		d.fail("system call %d of %s, which is not there", t.call, t.path)
		return
	}
	c := change{node: n, call: t.call}
	switch t.call {
	case syscall.SYS_WRITE, syscall.SYS_PWRITE64:
		c.call, c.offset, c.data = syscall.SYS_WRITE, t.offset, t.data
	case syscall.SYS_FTRUNCATE:
		c.offset = t.size
	case syscall.SYS_FSYNC:
	case syscall.SYS_OPENAT, syscall.SYS_MKDIRAT:
		if t.call == syscall.SYS_OPENAT && !t.created {
			return
		}
		c = change{node: folder, call: syscall.SYS_OPENAT, name: name, child: d.add(t.call == syscall.SYS_MKDIRAT)}
		d.live[t.path] = c.child
	case syscall.SYS_UNLINKAT:
		c = change{node: folder, call: t.call, name: name}
		delete(d.live, t.path)
	case syscall.SYS_RENAMEAT:
		if n.folder || path.Dir(t.to) != path.Dir(t.path) {
			d.fail("%s is renamed to %s", t.path, t.to)
		}
		c = change{node: folder, call: t.call, name: name, to: path.Base(t.to), child: n}
		delete(d.live, t.path)
		d.live[t.to] = n
	case syscall.SYS_LINKAT:
		c = change{node: d.live[path.Dir(t.to)], call: syscall.SYS_OPENAT, name: path.Base(t.to), child: n}
		d.live[t.to] = n
	case syscall.SYS_FCHMODAT:
		return
	}
	d.history = append(d.history, c)
}

func (d *disk) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("record: "+format, args...)
	}
}

// state is what is durable of a node, and what may be.
type state struct {
	content []byte
	names   map[string]*node
	pending []change
}

// cut writes into a new folder what a power cut at any moment may have left, and returns
// a description. It is an error if a file that was replaced durably is not there.
func (d *disk) cut(dir string, rng *rand.Rand) (string, error) {
	at := rng.IntN(len(d.history) + 1)
	states := make(map[*node]*state)
	for _, n := range d.nodes {
		states[n] = &state{content: bytes.Clone(n.content), names: maps.Clone(n.names)}
	}
	for _, c := range d.history[:at] {
		s := states[c.node]
		if c.call == syscall.SYS_FSYNC {
			for _, p := range s.pending {
				s.apply(p)
			}
			s.pending = nil
			continue
		}
		s.pending = append(s.pending, c)
	}
	kind := cutKinds[rng.IntN(len(cutKinds))]
	for _, n := range d.nodes {
		kind.keep(states[n], rng)
	}
	how := fmt.Sprintf("power cut after %d of %d changes, %s", at, len(d.history), kind.name)
	if err := d.promised(at, states); err != nil {
		return how, err
	}
	return how, put(dir, d.root, states)
}

var cutKinds = []struct {
	name string
	keep func(s *state, rng *rand.Rand)
}{
	{"nothing that was not synced is left", func(*state, *rand.Rand) {}},
	{"all is left", func(s *state, _ *rand.Rand) {
		for _, p := range s.pending {
			s.apply(p)
		}
	}},
	{"of each file what came first is left", func(s *state, rng *rand.Rand) {
		for _, p := range s.pending[:rng.IntN(len(s.pending)+1)] {
			s.apply(p)
		}
	}},
	{"any changes are left", func(s *state, rng *rand.Rand) {
		for _, p := range s.pending {
			if rng.IntN(2) == 0 {
				s.apply(p)
			}
		}
	}},
	{"parts of any changes are left", func(s *state, rng *rand.Rand) {
		for _, p := range s.pending {
			if rng.IntN(2) == 0 {
				p.data = p.data[:rng.IntN(len(p.data)+1)]
				s.apply(p)
			}
		}
	}},
	{"names are left, of what is in the files nothing", func(s *state, _ *rand.Rand) {
		for _, p := range s.pending {
			if s.names != nil {
				s.apply(p)
			}
		}
	}},
	{"lengths are left, of what is in the files nothing", func(s *state, _ *rand.Rand) {
		for _, p := range s.pending {
			p.data = make([]byte, len(p.data))
			s.apply(p)
		}
	}},
}

// apply makes a change.
func (s *state) apply(c change) {
	switch c.call {
	case syscall.SYS_WRITE:
		s.resize(max(int64(len(s.content)), c.offset+int64(len(c.data))))
		copy(s.content[c.offset:], c.data)
	case syscall.SYS_FTRUNCATE:
		s.resize(c.offset)
	case syscall.SYS_OPENAT:
		s.names[c.name] = c.child
	case syscall.SYS_UNLINKAT:
		delete(s.names, c.name)
	case syscall.SYS_RENAMEAT:
		delete(s.names, c.name)
		s.names[c.to] = c.child
	}
}

func (s *state) resize(n int64) {
	if n <= int64(len(s.content)) {
		s.content = s.content[:n]
		return
	}
	s.content = append(s.content, make([]byte, n-int64(len(s.content)))...)
}

// promised returns an error if a file that was replaced, and whose folder was synced
// after that, is not what it was replaced by, or by what replaced it later.
func (d *disk) promised(at int, states map[*node]*state) error {
	reached := map[*node]string{d.root: "."}
	for queue := []*node{d.root}; len(queue) > 0; queue = queue[1:] {
		for name, n := range states[queue[0]].names {
			reached[n] = path.Join(reached[queue[0]], name)
			if n.folder {
				queue = append(queue, n)
			}
		}
	}
	type place struct {
		folder *node
		name   string
	}
	synced, since := make(map[place][]byte), make(map[place][]*node)
	live := make(map[*node][]byte) // content as the processes see it
	for _, c := range d.history[:at] {
		switch c.call {
		case syscall.SYS_WRITE:
			s := state{content: live[c.node]}
			s.apply(c)
			live[c.node] = s.content
		case syscall.SYS_RENAMEAT:
			p := place{c.node, c.to}
			since[p] = append(since[p], c.child)
		case syscall.SYS_UNLINKAT:
			delete(synced, place{c.node, c.name})
			delete(since, place{c.node, c.name})
		case syscall.SYS_FSYNC:
			for p, all := range since {
				if p.folder == c.node {
					since[p] = all[len(all)-1:]
					synced[p] = nil
				}
			}
		}
	}
	for p := range synced {
		have := states[p.folder].names[p.name]
		if _, there := reached[have]; !there || !slices.Contains(since[p], have) {
			return fmt.Errorf("%s was replaced durably, and is lost", p.name)
		}
		if !bytes.Equal(states[have].content, live[have]) {
			return fmt.Errorf("%s was replaced durably, and lacks some of its content", p.name)
		}
	}
	return nil
}

// put writes a folder.
func put(dir string, n *node, states map[*node]*state) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for name, child := range states[n].names {
		file := filepath.Join(dir, name)
		if child.folder {
			if err := put(file, child, states); err != nil {
				return err
			}
		} else if err := os.WriteFile(file, states[child].content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// What was not synced may be missing after a power cut, and what was may not.
func TestDisk(t *testing.T) {
	saved := func(synced bool) *disk {
		d, err := newDisk(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		d.record(&touch{call: syscall.SYS_OPENAT, path: ".new", created: true})
		d.record(&touch{call: syscall.SYS_WRITE, path: ".new", data: []byte("who")})
		d.record(&touch{call: syscall.SYS_WRITE, path: ".new", data: []byte("le"), offset: 3})
		if synced {
			d.record(&touch{call: syscall.SYS_FSYNC, path: ".new"})
		}
		d.record(&touch{call: syscall.SYS_RENAMEAT, path: ".new", to: "file"})
		d.record(&touch{call: syscall.SYS_FSYNC, path: "."})
		if d.err != nil {
			t.Fatal(d.err)
		}
		return d
	}
	rng, broken := rand.New(rand.NewPCG(1, 0)), 0
	for i := range 200 {
		dir := filepath.Join(t.TempDir(), fmt.Sprint(i))
		if _, err := saved(true).cut(dir, rng); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(filepath.Join(dir, "file")); err == nil && string(text) != "whole" {
			t.Errorf("a file that was synced has %q", text)
		}
		if _, err := saved(false).cut(filepath.Join(dir, "unsynced"), rng); err != nil {
			broken++
		}
	}
	if broken == 0 {
		t.Error("a file that was not synced was never lost")
	}
}
