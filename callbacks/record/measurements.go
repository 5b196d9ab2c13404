package record

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hessoscope/hessoscope/models/weights"
)

// Spectra returns the epochs whose eigenpairs are stored, in ascending order.
func (f Folder) Spectra() ([]int, error) { return f.measured("spectrum-") }

// Margins returns the epochs whose distances to the boundary are stored, in
// ascending order.
func (f Folder) Margins() ([]int, error) { return f.measured("margin-") }

// measured returns the epochs of the measurements whose files have a prefix. There
// are none in a run that measures nothing.
func (f Folder) measured(prefix string) ([]int, error) {
	entries, err := os.ReadDir(f.Measurements())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var epochs []int
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), prefix)
		if !ok {
			continue
		}
		if name, ok = strings.CutSuffix(name, ".npz"); !ok {
			continue
		}
		if epoch, err := strconv.Atoi(name); err == nil && epoch >= 0 {
			epochs = append(epochs, epoch)
		}
	}
	slices.Sort(epochs)
	return epochs, nil
}

// ReadSpectrum reads arrays of the eigenpairs of an epoch by their names. An array
// that is not in the file is missing in the result.
func (f Folder) ReadSpectrum(epoch int, names ...string) (map[string]weights.Array, error) {
	return weights.ReadNamed(filepath.Join(f.Measurements(), SpectrumFile(epoch)), names...)
}

// ReadMargin reads arrays of the distances of an epoch likewise.
func (f Folder) ReadMargin(epoch int, names ...string) (map[string]weights.Array, error) {
	return weights.ReadNamed(filepath.Join(f.Measurements(), MarginFile(epoch)), names...)
}
