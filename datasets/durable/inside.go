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

// leadsOut reports whether a name in root is a link that leads out, or nowhere.
func leadsOut(root *os.Root, name string) bool {
	_, err := root.Stat(name)
	return err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission)
}

func outside(dir, name string) error {
	return fmt.Errorf("%s is a link that leads out of %s, where nothing is to be changed; put a file or a folder in its place, or a relative link within %s", filepath.Join(dir, name), dir, dir)
}
