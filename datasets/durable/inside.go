package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// OpenInside opens the file of a name in the folder dir, as os.OpenFile does, unless it
// is a symbolic link that leads out of the folder: whoever writes to the file would then
// change another one.
func OpenInside(dir, name string, flag int, perm fs.FileMode) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.OpenFile(name, flag, perm)
	if err != nil && leadsOut(root, name) {
		return nil, outside(dir, name)
	}
	return f, err
}

// CheckInside returns an error if there is a symbolic link in the folder dir, or in a
// folder in it, that leads out of dir.
func CheckInside(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case name != "." && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)):
			return nil // it is gone by now, or nobody can write there
		case err != nil:
			return err
		case entry.Type()&fs.ModeSymlink != 0 && leadsOut(root, name):
			return outside(dir, filepath.FromSlash(name))
		case entry.IsDir() && strings.Count(name, "/") == 1: // deep enough: folders of runs have no deeper files
			return fs.SkipDir
		}
		return nil
	})
}

// MkdirInside creates a folder of a name in the folder dir, and dir. If it is a symbolic
// link that leads out of dir, the error says so.
func MkdirInside(dir, name string) error {
	if err := MkdirAll(dir); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	err = root.MkdirAll(name, 0o755)
	if err != nil && leadsOut(root, name) {
		return outside(dir, name)
	}
	if err != nil {
		return err
	}
	return SyncDir(dir)
}

// A Place is a folder into which files are written again and again, for hours. It may be
// a link, but to the same folder all the time.
type Place struct{ dir, real string }

// PlaceOf returns the place of a folder, which need not exist yet.
func PlaceOf(dir string) (Place, error) {
	real, err := realPath(dir)
	return Place{dir, real}, err
}

// Make creates the folder, unless it exists. It returns an error if there is a link to
// another one by now: whoever writes to it would change something else. Call it before
// each file: it does not see what happens while that is written.
func (p Place) Make() error {
	real, err := realPath(p.dir)
	if err != nil {
		return err
	}
	if real != p.real {
		return fmt.Errorf("%s leads to %s by now, where nothing is to be changed; put back the folder that was there", p.dir, real)
	}
	return MkdirAll(p.dir)
}

// realPath returns a path without symbolic links. What does not exist is no link.
func realPath(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		return real, nil
	}
	if _, missing := os.Lstat(path); !errors.Is(missing, fs.ErrNotExist) || filepath.Dir(path) == path {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	above, err := realPath(filepath.Dir(path))
	return filepath.Join(above, filepath.Base(path)), err
}

// leadsOut reports whether a name in root is a link that leads out, or nowhere.
func leadsOut(root *os.Root, name string) bool {
	_, err := root.Stat(name)
	return err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission)
}

func outside(dir, name string) error {
	return fmt.Errorf("%s is a link that leads out of %s, where nothing is to be changed; put a file or a folder in its place, or a relative link within %s", filepath.Join(dir, name), dir, dir)
}
