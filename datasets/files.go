package datasets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// readFiles reads a set that comes in files of its own.
func (e *entry) readFiles(ctx context.Context, dir string, limit int64) (*Dataset, error) {
	if dir == "" {
		var err error
		if dir, err = e.cached(ctx); err != nil {
			return nil, err
		}
	}
	d := &Dataset{Name: e.name, Description: e.description, Source: e.origin, Shape: e.shape, Classes: e.classes}
	var err error
	if d.Splits, err = e.files.read(ctx, dir, limit); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w; the folder (--data-dir) must hold %s, from %s", err, e.files.names, e.files.home)
		}
		return nil, err
	}
	return d, nil
}

// A fileSet says which files hold a set, and how to get and read them.
type fileSet struct {
	names string                                                              // of the files, for people
	home  string                                                              // where they come from
	read  func(ctx context.Context, dir string, limit int64) ([]Split, error) // into at most limit bytes
	has   func(dir string) bool                                               // whether the folder has all files
	fetch func(ctx context.Context, opt FetchOptions) (dir string, err error) // fills the cache; nil if this program cannot
}

// cached returns the folder in the user's cache that holds the files of the set, which it fetches if it can.
func (e *entry) cached(ctx context.Context) (string, error) {
	dir, err := cacheDir(e.name)
	switch {
	case err == nil && e.files.has(dir):
		return dir, nil
	case e.files.fetch == nil && err != nil:
		return "", fmt.Errorf("%w: name a folder (--data-dir) that holds %s, from %s", err, e.files.names, e.files.home)
	case e.files.fetch == nil:
		return "", fmt.Errorf("its files are not in %s, and cannot be fetched: put %s, from %s, there or into a folder that you name (--data-dir)", dir, e.files.names, e.files.home)
	}
	if dir, err = e.files.fetch(ctx, FetchOptions{}); err != nil {
		return "", fmt.Errorf("the files are not in the cache and could not be fetched: run `hessoscope datasets fetch %s` where there is a network, or name a folder that holds them (--data-dir): %w", e.name, err)
	}
	return dir, nil
}

// isCached reports whether the files of the set are on this computer, as those of a built-in set always are.
func (e *entry) isCached() bool {
	if e.files == nil {
		return true
	}
	dir, err := cacheDir(e.name)
	return err == nil && e.files.has(dir)
}

// cacheDir returns the folder of the user's cache for the files of a set.
func cacheDir(set string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %w", err)
	}
	return filepath.Join(cache, "hessoscope", set), nil
}
