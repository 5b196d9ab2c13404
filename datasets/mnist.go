package datasets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The names of the files that MNIST came in, which Fashion-MNIST has taken over.
const (
	mnistName   = "mnist"
	mnistSide   = 28 // pixels
	mnistPixels = mnistSide * mnistSide
	mnistFiles  = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (each plain or .gz)"
)

var mnistParts = [...]struct{ split, images, labels string }{
	{Train, "train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
	{Test, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"},
}

// readMNIST reads the splits of MNIST, or of a set in the same form.
func readMNIST(ctx context.Context, dir string, limit int64) ([]Split, error) {
	var splits []Split
	for _, part := range mnistParts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, err := readMNISTSplit(dir, part.images, part.labels, limit)
		if err != nil {
			return nil, err
		}
		s.Name = part.split
		limit -= int64(s.Len()) * (mnistPixels + labelBytes)
		splits = append(splits, *s)
	}
	return splits, nil
}

func readMNISTSplit(dir, images, labels string, limit int64) (*Split, error) {
	labelFile, err := findIDX(dir, labels)
	if err != nil {
		return nil, err
	}
	imageFile, err := findIDX(dir, images)
	if err != nil {
		return nil, err
	}
	all, err := readLabelFile(labelFile, 10, limit/labelBytes)
	if err != nil {
		return nil, err
	}
	pixels, err := readImageFile(imageFile, limit-int64(len(all))*labelBytes)
	if err != nil {
		return nil, err
	}
	if n := len(pixels) / mnistPixels; n != len(all) {
		return nil, fmt.Errorf("%s has %d images, %s has %d labels", imageFile, n, labelFile, len(all))
	}
	return &Split{Packed: PackBytes(pixels), Labels: all, Index: rowNumbers(len(all))}, nil
}

// findIDX returns the path of the gzip file or else the plain file of that name.
func findIDX(dir, name string) (string, error) {
	for _, suffix := range []string{".gz", ""} {
		path := filepath.Join(dir, name+suffix)
		if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return path, err
		}
	}
	return "", missing(fmt.Sprintf("%s has no file %s.gz or %s", dir, name, name))
}

// missing is the error of a file that is not there.
type missing string

func (m missing) Error() string   { return string(m) }
func (m missing) Is(e error) bool { return e == fs.ErrNotExist }

// hasMNIST reports whether the folder has all four files.
func hasMNIST(dir string) bool {
	for _, part := range mnistParts {
		for _, name := range []string{part.images, part.labels} {
			if _, err := findIDX(dir, name); err != nil {
				return false
			}
		}
	}
	return true
}

func readLabelFile(path string, classes int, limit int64) ([]int, error) {
	f, err := openIDX(path, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readLabels(f.idxSource, path, classes)
}

func readImageFile(path string, limit int64) ([]byte, error) {
	f, err := openIDX(path, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readImages(f.idxSource, path, mnistSide, mnistSide)
}
