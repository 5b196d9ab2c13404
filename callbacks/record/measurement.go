package record

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hessoscope/hessoscope/models/weights"
)

// Arrays holds arrays of a stored measurement by name; docs/formats.md lists the
// names. An array that a measurement does not have is missing.
type Arrays map[string]weights.Array

// Spectra returns the epochs at which eigenpairs were stored, ascending; none if
// nothing was.
func (f Folder) Spectra() ([]int, error) { return f.measured("spectrum-") }

// Margins returns the epochs at which distances to the boundary were stored,
// ascending; none if nothing was.
func (f Folder) Margins() ([]int, error) { return f.measured("margin-") }

// measured returns the epochs of the measurements whose files have a prefix.
func (f Folder) measured(prefix string) ([]int, error) {
	entries, err := os.ReadDir(f.Measurements())
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var epochs []int
	for _, entry := range entries {
		number, is := strings.CutPrefix(strings.TrimSuffix(entry.Name(), ".npz"), prefix)
		if epoch, err := strconv.Atoi(number); is && err == nil && epoch >= 0 {
			epochs = append(epochs, epoch)
		}
	}
	slices.Sort(epochs)
	return epochs, nil
}

// ReadSpectrum reads the named arrays of the spectrum that was stored at an epoch.
// The large ones, the eigenvectors, are read only if they are named.
func (f Folder) ReadSpectrum(epoch int, names ...string) (Arrays, error) {
	return readArrays(filepath.Join(f.Measurements(), SpectrumFile(epoch)), names)
}

// ReadMargin reads the named arrays of the distances that were stored at an epoch.
func (f Folder) ReadMargin(epoch int, names ...string) (Arrays, error) {
	return readArrays(filepath.Join(f.Measurements(), MarginFile(epoch)), names)
}

func readArrays(path string, names []string) (Arrays, error) {
	read, err := weights.ReadNamed(path, names...)
	if err != nil {
		return nil, err
	}
	arrays := make(Arrays, len(read))
	for _, a := range read {
		arrays[a.Name] = a
	}
	return arrays, nil
}

// Vector returns the values of an array of one dimension, nil if it is missing. It is
// an error if it has another shape.
func (a Arrays) Vector(name string) ([]float64, error) {
	found, ok := a[name]
	if ok && len(found.Shape) != 1 {
		return nil, fmt.Errorf("array %q has the shape %v; want one dimension", name, found.Shape)
	}
	return found.Data, nil
}

// Point is the value that a metric had at an epoch.
type Point struct {
	Epoch int
	Value float64
}

// Series returns the values of a metric in a history, at the epochs at which it was
// recorded.
func Series(history []Entry, metric string) []Point {
	var points []Point
	for _, e := range history {
		if value, fresh := e.Fresh(metric); fresh {
			points = append(points, Point{e.Epoch, value})
		}
	}
	return points
}
