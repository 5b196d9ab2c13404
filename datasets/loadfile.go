package datasets

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// FileOptions are the names of the fields of [Options] that apply to files and folders of the user's.
func FileOptions() []string { return []string{"Seed", "RandomLabels", "Classes", "PerClass", "MaxGB"} }

// IsFile reports whether [Load] takes a name for that of a file or a folder. Known sets come first.
func IsFile(name string) bool {
	if lookup(name) != nil || sourceNamed(name) != nil {
		return false
	}
	return isNPZ(name) || strings.ContainsRune(name, '/') || strings.ContainsRune(name, filepath.Separator)
}

func isNPZ(name string) bool { return strings.EqualFold(filepath.Ext(name), ".npz") }

// maxGB bounds Options.MaxGB, so that a number of bytes is an int64.
const maxGB = 1e6

// bytesOf returns the most bytes that values may take which may take so many GB, or the default of 1 if that is zero.
func bytesOf(gb float64) (int64, error) {
	if !(gb >= 0 && gb <= maxGB) {
		return 0, fmt.Errorf("option MaxGB is %g, want more than 0 and at most %g", gb, maxGB)
	}
	if gb == 0 {
		return 1e9, nil
	}
	return int64(gb * 1e9), nil
}

// withinLimit returns an error if a set needs more memory than allowed.
func withinLimit(need float64, limit int64) error {
	if need > float64(limit) {
		return fmt.Errorf("needs %.3g GB of memory, more than the %.3g GB that are allowed: raise the limit (--max-gb, data.max_gb) if that much is free", need/1e9, float64(limit)/1e9)
	}
	return nil
}

// loadFile reads an .npz file or a folder of images, and applies the options.
func loadFile(ctx context.Context, path string, opt Options) (*Dataset, error) {
	if err := opt.checkApply(FileOptions()); err != nil {
		return nil, err
	}
	if opt.Seed != 0 && !opt.RandomLabels {
		return nil, errors.New("option Seed has no effect without RandomLabels")
	}
	limit, err := bytesOf(opt.MaxGB)
	if err != nil {
		return nil, err
	}
	var d *Dataset
	if isNPZ(path) {
		d, err = readNPZ(path, limit, true)
	} else {
		d, err = readImageFolder(ctx, filepath.Clean(path), limit)
	}
	if err != nil {
		return nil, err
	}
	if d, err = d.choose(opt.Classes, opt.PerClass); err == nil && opt.RandomLabels {
		err = d.PermuteLabels(opt.Seed)
	}
	return d, err
}
