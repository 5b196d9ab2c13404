package weights

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

// Read reads all arrays of a .npz or .safetensors file, in the file's order:
// that of the directory of an .npz, that of the data in a .safetensors file.
// The format is told by the content, whatever the file's name. Entries of an
// .npz that are no arrays are left out; see [ReadArchive].
//
// It is an error, which names the file and the array, if the file is damaged,
// if an array does not hold real numbers, or if a value is not finite or not
// exactly a float64.
func Read(path string) ([]Array, error) {
	f, size, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()

	arrays, err := readArrays(f, size, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return arrays, nil
}

func readArrays(f io.ReaderAt, size int64, path string) ([]Array, error) {
	switch format(f, path) {
	case ".safetensors":
		return readSafetensors(f, size)
	case ".npz":
		a, err := readNPZ(f, size)
		if err != nil {
			return nil, err
		}
		if len(a.Arrays) == 0 && len(a.Files) > 0 {
			return nil, fmt.Errorf("is a zip file without .npy entries; want an .npz or .safetensors file")
		}
		return a.Arrays, nil
	default:
		return nil, fmt.Errorf("is neither an .npz nor a .safetensors file")
	}
}

// format tells the format of a file from its first bytes, or failing that from
// its name, so that a damaged file gets the error of the format it should have.
func format(f io.ReaderAt, path string) string {
	var head [9]byte
	n, _ := f.ReadAt(head[:], 0) // a short or unreadable file is the parser's to report
	switch {
	// First, because the length of a JSON header may spell PK. In a zip file
	// this byte is the compression method, and there is none of this number.
	case n == len(head) && head[8] == '{':
		return ".safetensors"
	case string(head[:2]) == "PK":
		return ".npz"
	}
	return strings.ToLower(filepath.Ext(path))
}

// Write writes arrays to path, replacing what is there, in the format that the
// extension names: .npz or .safetensors. The same arrays give the same bytes.
//
// The file is written under a temporary name in the same folder, synced and
// renamed: after an error or a crash path holds what it held before.
func Write(path string, arrays []Array) error {
	switch ext := filepath.Ext(path); strings.ToLower(ext) {
	case ".npz":
		return WriteArchive(path, &Archive{Arrays: arrays})
	case ".safetensors":
		if err := checkArrays(arrays, checkTensorName); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return writeFile(path, func(w io.Writer) error { return writeSafetensors(w, arrays) })
	default:
		return fmt.Errorf("%s: extension %q; want .npz or .safetensors", path, ext)
	}
}

// ReadArchive reads the .npz file at path with its arrays, as [Read] does, and
// its other entries. Folders in it are left out.
func ReadArchive(path string) (*Archive, error) { return readArchive(path) }

// ReadNamed reads the arrays of an .npz file that have one of the names, and passes
// over the others without reading them. A name that the file does not have is left
// out.
func ReadNamed(path string, names ...string) ([]Array, error) {
	if len(names) == 0 {
		return nil, nil
	}
	a, err := readArchive(path, names...)
	if err != nil {
		return nil, err
	}
	return a.Arrays, nil
}

func readArchive(path string, names ...string) (*Archive, error) {
	f, size, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()

	a, err := readNPZ(f, size, names...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// WriteArchive writes a to path as an .npz file, whatever the extension, under
// the same guarantees as [Write]: first the arrays in their order, then the
// files in the order of their names, all uncompressed and with a fixed time, so
// that equal archives give equal bytes.
func WriteArchive(path string, a *Archive) error {
	if err := a.check(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return writeFile(path, func(w io.Writer) error { return writeNPZ(w, a) })
}

func open(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		f.Close()
		return nil, 0, fmt.Errorf("%s: is not a regular file", path)
	}
	return f, info.Size(), nil
}

// writeFile replaces the file at path, all or nothing, by what write writes.
func writeFile(path string, write func(io.Writer) error) error {
	if err := durable.Write(path, write); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
