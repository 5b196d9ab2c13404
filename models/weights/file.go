package weights

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

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
	f, size, err := durable.Open(path)
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
		a, err := readNPZ(f, size, false)
		if err != nil {
			return nil, err
		}
		if len(a.Arrays) == 0 && len(a.Files) > 0 {
			if a.pickled() {
				return nil, pickleError(path)
			}
			return nil, fmt.Errorf("is a zip file without .npy entries; want an .npz or .safetensors file")
		}
		return a.Arrays, nil
	case pickle:
		return nil, pickleError(path)
	default:
		return nil, fmt.Errorf("is neither an .npz nor a .safetensors file")
	}
}

// pickle is the format of a file that torch.save wrote before PyTorch 1.6. Later
// versions put the pickle into a zip file.
const pickle = ".pkl"

// pickled reports whether a is a zip file of torch.save.
func (a *Archive) pickled() bool {
	for name := range a.Files {
		if strings.HasSuffix(name, "/data"+pickle) {
			return true
		}
	}
	return false
}

// pickleError is the error for a file of torch.save, which only Python can read,
// and which may run any code when it is read.
func pickleError(path string) error {
	npz := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) + ".npz"
	return fmt.Errorf("is a pickle of PyTorch, which only Python reads; this converts a state_dict: "+
		"import numpy, torch; numpy.savez(%q, **{k: v.numpy() for k, v in torch.load(%q, map_location=\"cpu\").items()})", npz, filepath.Base(path))
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
	case head[0] == 0x80 && head[1] >= 2 && head[1] <= 5: // a pickle of protocol 2 to 5
		return pickle
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
		return writeSafetensorsFile(path, arrays, nil)
	default:
		return fmt.Errorf("%s: extension %q; want .npz or .safetensors", path, ext)
	}
}

// WriteWithMetadata writes arrays to path as a .safetensors file, under the same
// guarantees as [Write], with texts under the names that metadata gives them. They
// are in the header of the file, under "__metadata__", and must be UTF-8.
func WriteWithMetadata(path string, arrays []Array, metadata map[string]string) error {
	if ext := filepath.Ext(path); !strings.EqualFold(ext, ".safetensors") {
		return fmt.Errorf("%s: extension %q; want .safetensors, which can hold metadata", path, ext)
	}
	for key, text := range metadata {
		if !utf8.ValidString(key) || !utf8.ValidString(text) {
			return fmt.Errorf("%s: metadata %q: is not UTF-8", path, key)
		}
	}
	return writeSafetensorsFile(path, arrays, metadata)
}

func writeSafetensorsFile(path string, arrays []Array, metadata map[string]string) error {
	if err := checkArrays(arrays, checkTensorName); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return writeFile(path, func(w io.Writer) error { return writeSafetensors(w, arrays, metadata) })
}

// ReadMetadata reads the metadata of a .safetensors file, without its arrays. It
// returns nil if there are none, as for a file in another format.
func ReadMetadata(path string) (map[string]string, error) {
	f, size, err := durable.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()

	if format(f, path) != ".safetensors" {
		return nil, nil
	}
	header, err := readTensorHeader(f, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	_, metadata, err := parseTensorHeader(header)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return metadata, nil
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
	f, size, err := durable.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()

	a, err := readNPZ(f, size, true, names...)
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

// writeFile replaces the file at path, all or nothing, by what write writes.
func writeFile(path string, write func(io.Writer) error) error {
	if err := durable.Write(path, write); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
