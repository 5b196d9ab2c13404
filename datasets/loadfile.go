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

// loadFile reads an .npz file or a folder of images, and applies the options.
func loadFile(ctx context.Context, path string, opt Options) (*Dataset, error) {
	if err := opt.checkApply(FileOptions()); err != nil {
		return nil, err
	}
	if opt.Seed != 0 && !opt.RandomLabels {
		return nil, errors.New("option Seed has no effect without RandomLabels")
	}
	if !(opt.MaxGB >= 0 && opt.MaxGB <= maxGB) {
		return nil, fmt.Errorf("option MaxGB is %g, want more than 0 and at most %g", opt.MaxGB, maxGB)
	}
	limit := int64(1e9)
	if opt.MaxGB > 0 {
		limit = int64(opt.MaxGB * 1e9)
	}
	var d *Dataset
	var err error
	if isNPZ(path) {
		d, err = readNPZ(path, limit)
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
