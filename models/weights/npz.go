package weights

import (
	"archive/zip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hessoscope/hessoscope/datasets/npy"
)

// Archive is an .npz that carries other entries beside its arrays, such as JSON
// metadata or opaque state.
type Archive struct {
	Arrays []Array
	// Files maps an entry's name to its content. The names follow the rules of
	// [Array.Name], do not end in ".npy" and are not those of arrays.
	Files map[string][]byte
}

func (a *Archive) check() error {
	if err := checkArrays(a.Arrays, checkEntryName); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(a.Files)) {
		if err := checkEntryName(name); err != nil {
			return fmt.Errorf("file %q: %w", name, err)
		}
		if strings.HasSuffix(name, ".npy") {
			return fmt.Errorf("file %q: only arrays end in .npy", name)
		}
	}
	// NumPy looks both up under the one name, and would hide the array.
	for i := range a.Arrays {
		if _, ok := a.Files[a.Arrays[i].Name]; ok {
			return fmt.Errorf("array %q: a file has the same name; names must be distinct", a.Arrays[i].Name)
		}
	}
	return nil
}

// checkEntryName refuses names that would be dangerous, or change, when
// somebody unpacks the archive.
func checkEntryName(name string) error {
	if name == "" {
		return errors.New("the name is empty")
	}
	drive := len(name) > 2 && name[1:3] == ":/"
	if !fs.ValidPath(name) || name == "." || drive || strings.ContainsAny(name, "\\\x00") {
		return errors.New(`the name is not a relative path in UTF-8 without . and ..; want one such as "fc1.weight" or "encoder/fc1.weight"`)
	}
	return nil
}

// An archive may take inflation times as many bytes of memory as its file has, or
// smallArchive if that is more: deflated zeros can take a thousand times as many.
const (
	inflation    = 32
	smallArchive = 1 << 28
)

// budget is how many bytes of memory may still be filled.
type budget uint64

func (b *budget) take(bytes float64) error {
	if bytes > float64(*b) {
		return fmt.Errorf("needs %.3g GB of memory, and %.3g GB are left of %d times the size of the file: if it is meant so, write the file without compression (numpy.savez)",
			bytes/1e9, float64(*b)/1e9, inflation)
	}
	*b -= budget(bytes)
	return nil
}

// readNPZ reads an archive: of its arrays those with the given names, or all if there
// are none. Of other entries it reads the content only if files is set.
func readNPZ(r io.ReaderAt, size int64, files bool, names ...string) (*Archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("is not an .npz file: %w", err)
	}
	if err := checkDirectory(z); err != nil {
		return nil, err
	}
	a, left := &Archive{Files: make(map[string][]byte)}, budget(max(inflation*size, smallArchive))
	for _, f := range z.File {
		if len(names) > 0 && !slices.Contains(names, strings.TrimSuffix(f.Name, ".npy")) {
			continue
		}
		if err := npy.CheckEntry(f, size); err != nil {
			return nil, fmt.Errorf("entry %q: %w", f.Name, err)
		}
		if err := a.readEntry(f, files, &left); err != nil {
			return nil, err
		}
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	return a, nil
}

// directoryKey begins the comment of a zip file that writeNPZ wrote. The checksum of the
// entries' names follows: zip has checksums of the contents alone, and an array whose name
// is damaged would be missing without a word.
const directoryKey = "names crc32 "

func directoryComment(names []string) string {
	return fmt.Sprintf("%s%08x", directoryKey, crc32.ChecksumIEEE([]byte(strings.Join(names, "\x00"))))
}

// checkDirectory compares the names of the entries with their checksum, if there is one.
func checkDirectory(z *zip.Reader) error {
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	if want := directoryComment(names); strings.HasPrefix(z.Comment, directoryKey) && z.Comment != want {
		return fmt.Errorf("is damaged: the names of its entries have the checksum %q, and were written with %q", want, z.Comment)
	}
	return nil
}

// readEntry adds an entry of a zip file to the archive.
func (a *Archive) readEntry(f *zip.File, files bool, left *budget) error {
	if name, ok := strings.CutSuffix(f.Name, ".npy"); ok {
		array, err := readArrayEntry(f, left)
		if err != nil {
			return fmt.Errorf("array %q: %w", name, err)
		}
		array.Name = name
		a.Arrays = append(a.Arrays, array)
		return nil
	}
	if strings.HasSuffix(f.Name, "/") { // a folder
		return nil
	}
	if _, ok := a.Files[f.Name]; ok {
		return fmt.Errorf("file %q: is there twice; names must be distinct", f.Name)
	}
	a.Files[f.Name] = nil
	if !files {
		return nil
	}
	content, err := readFileEntry(f, left)
	if err != nil {
		return fmt.Errorf("file %q: %w", f.Name, err)
	}
	a.Files[f.Name] = content
	return nil
}

func readArrayEntry(f *zip.File, left *budget) (Array, error) {
	r, err := f.Open()
	if err != nil {
		return Array{}, err
	}
	defer r.Close()

	a, err := readNPY(r, f.UncompressedSize64, left)
	if err != nil {
		return Array{}, err
	}
	// The checksum is compared when the end of the entry is reached.
	if _, err := io.Copy(io.Discard, r); err != nil {
		return Array{}, fmt.Errorf("the entry is damaged: %w", err)
	}
	return a, nil
}

func readFileEntry(f *zip.File, left *budget) ([]byte, error) {
	if err := left.take(float64(f.UncompressedSize64)); err != nil {
		return nil, err
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// entryTime is the earliest that zip can express; a fixed one makes the bytes
// of a file depend on its content alone.
var entryTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

func writeNPZ(w io.Writer, a *Archive) error {
	z := zip.NewWriter(w)
	var names []string
	for i := range a.Arrays {
		names = append(names, a.Arrays[i].Name+".npy")
		entry, err := createEntry(z, names[i])
		if err != nil {
			return err
		}
		if err := writeNPY(entry, &a.Arrays[i]); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Files)) {
		names = append(names, name)
		entry, err := createEntry(z, name)
		if err != nil {
			return err
		}
		if _, err := entry.Write(a.Files[name]); err != nil {
			return err
		}
	}
	if err := z.SetComment(directoryComment(names)); err != nil {
		return err
	}
	return z.Close()
}

func createEntry(z *zip.Writer, name string) (io.Writer, error) {
	return z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: entryTime})
}
