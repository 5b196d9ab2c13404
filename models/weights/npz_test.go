package weights

import (
	"archive/zip"
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/datasets/npy"
)

func sameFiles(a, b map[string][]byte) bool { return maps.EqualFunc(a, b, bytes.Equal) }

// zipOf makes a zip file of pairs of name and content.
func zipOf(t testing.TB, method uint16, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for pair := range slices.Chunk(pairs, 2) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: pair[0], Method: method})
		if err == nil {
			_, err = io.WriteString(w, pair[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func parseNPZ(b []byte) (*Archive, error) {
	return readNPZ(bytes.NewReader(b), int64(len(b)), true)
}

func TestReadReference(t *testing.T) {
	for _, test := range []struct {
		file, array string
		index       int
		shape       []int
		first, last float64
		names       []string
	}{
		{
			"intro1D_seed29.npz", "linear_relu_stack.2.weight", 2,
			[]int{2, 10},
			2.24167799949646, -0.16657933592796326,
			[]string{"linear_relu_stack.0.weight", "linear_relu_stack.0.bias", "linear_relu_stack.2.weight", "linear_relu_stack.2.bias"},
		},
		{
			"gauss_small.npz", "fc2.weight", 2,
			[]int{30, 30},
			0.06992174685001373, 0.11140381544828415,
			[]string{"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "fc3.weight", "fc3.bias"},
		},
	} {
		t.Run(test.file, func(t *testing.T) {
			arrays, err := Read(filepath.Join("testdata", test.file))
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, a := range arrays {
				names = append(names, a.Name)
			}
			if !slices.Equal(names, test.names) {
				t.Fatalf("names are %q, want %q", names, test.names)
			}
			a := arrays[test.index]
			if !slices.Equal(a.Shape, test.shape) || a.Float32 {
				t.Errorf("%s has shape %v, float32 %t; want %v of float64", a.Name, a.Shape, a.Float32, test.shape)
			}
			if first, last := a.Data[0], a.Data[len(a.Data)-1]; first != test.first || last != test.last {
				t.Errorf("first and last value are %v and %v; want exactly %v and %v", first, last, test.first, test.last)
			}
		})
	}
}

func TestReadNPZRefuses(t *testing.T) {
	good := entry("'|u1'", "()", 1)
	for _, test := range []struct {
		name  string
		pairs []string
		want  []string
	}{
		{"not .npy", []string{"a.npy", "hello there"}, []string{`array "a"`, "NUMPY"}},
		{"empty entry", []string{"a.npy", ""}, []string{`array "a"`, "NUMPY"}},
		{"version", []string{"a.npy", npyEntry(4, "{}")}, []string{"version 4.0", "1.0, 2.0 or 3.0"}},
		{"header longer than the entry", []string{"a.npy", npy.Magic + "\x01\x00\xff\xff{}"}, []string{".npy header", "EOF"}},
		{"header of 4 GB", []string{"a.npy", npy.Magic + "\x02\x00\xff\xff\xff\xff{}"}, []string{"4294967295 bytes", "65536"}},
		{"no header", []string{"a.npy", npyEntry(1, "")}, []string{"want as {'descr'"}},
		{"header not closed", []string{"a.npy", npyEntry(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (), ", 1)}, []string{"want as"}},
		{"more after the header", []string{"a.npy", npyEntry(1, "{'descr': '|u1', 'fortran_order': False, 'shape': ()} }", 1)}, []string{"want as"}},
		{"key missing", []string{"a.npy", npyEntry(1, "{'descr': '|u1', 'shape': ()}", 1)}, []string{"want as"}},
		{"key twice", []string{"a.npy", npyEntry(1, "{'descr': '|u1', 'descr': '<f8', 'fortran_order': False, 'shape': ()}", 1)}, []string{"want as"}},
		{"unknown key", []string{"a.npy", npyEntry(1, "{'descr': '|u1', 'x': 'y', 'fortran_order': False, 'shape': ()}", 1)}, []string{"want as"}},
		{"order not a bool", []string{"a.npy", npyEntry(1, "{'descr': '|u1', 'fortran_order': 'no', 'shape': ()}", 1)}, []string{"want as"}},
		{"shape not a tuple", []string{"a.npy", npyEntry(1, "{'descr': '|u1', 'fortran_order': False, 'shape': [1]}", 1)}, []string{"want as"}},
		{"negative size", []string{"a.npy", entry("'|u1'", "(-1,)", 1)}, []string{"want as"}},
		{"size not a number", []string{"a.npy", entry("'|u1'", "(one,)", 1)}, []string{"want as"}},
		{"only a comma", []string{"a.npy", entry("'|u1'", "(,)", 1)}, []string{"want as"}},
		{"shape overflows", []string{"a.npy", entry("'|u1'", "(4294967296, 4294967296)", 1)}, []string{`"a"`, "memory"}},
		{"too many dimensions", []string{"a.npy", entry("'|u1'", "("+strings.Repeat("1,", 33)+")", 1)}, []string{"33 dimensions"}},
		{"objects", []string{"fc.npy", entry("'|O'", "(1,)", 1)}, []string{`array "fc"`, `dtype "|O"`, "f2, f4, f8"}},
		{"complex", []string{"fc.npy", entry("'<c16'", "()", make([]byte, 16)...)}, []string{`dtype "<c16"`}},
		{"strings", []string{"fc.npy", entry("'<U3'", "()", make([]byte, 12)...)}, []string{`dtype "<U3"`}},
		{"long double", []string{"fc.npy", entry("'<f16'", "()", make([]byte, 16)...)}, []string{`dtype "<f16"`}},
		{"no dtype", []string{"fc.npy", entry("''", "()", 1)}, []string{`dtype ""`}},
		{"structured", []string{"fc.npy", entry("[('x', '<f8')]", "()", make([]byte, 8)...)}, []string{`dtype "[('x', '<f8')]"`}},
		{"fewer data", []string{"a.npy", entry("'<f8'", "(1000000000,)", make([]byte, 80)...)}, []string{"shape (1000000000,) of dtype <f8", "8000000"}},
		{"more data", []string{"a.npy", entry("'<f8'", "(9,)", make([]byte, 80)...)}, []string{"shape (9,)"}},
		{"inexact integer", []string{"a.npy", entry("'<i8'", "()", 1, 0, 0, 0, 0, 0, 0x20, 0)}, []string{"value 0", "float64"}},                                      // 2⁵³ + 1
		{"inexact negative", []string{"a.npy", entry("'<i8'", "()", 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xdf, 0xff)}, []string{"float64"}},                           // -2⁵³ - 1
		{"inexact unsigned", []string{"a.npy", entry("'>u8'", "(2,)", 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)}, []string{"value 1"}}, // 2⁶⁴ - 1
		{"bool of 2", []string{"a.npy", entry("'|b1'", "()", 2)}, []string{"value 0, bytes 02"}},
		{"NaN", []string{"fc1.npy", entry("'<f2'", "(2,)", 0, 0, 0, 0x7e)}, []string{`array "fc1": value 1 is NaN`, "finite"}},
		// In column-major order the infinity at (0, 1) is value 2, in row-major order 1.
		{"infinity", []string{"a.npy", npyEntry(1, "{'descr': '<f2', 'fortran_order': True, 'shape': (2, 2)}", 0, 0, 0, 0, 0, 0xfc, 0, 0)}, []string{"value 1 is -Inf"}},
		{"same array", []string{"a.npy", good, "a.npy", good}, []string{`array "a"`, "twice"}},
		{"same file", []string{"a", "1", "a", "2"}, []string{`file "a"`, "twice"}},
		{"array and file", []string{"a.npy", good, "a", "2"}, []string{`array "a"`, "same name"}},
		{"empty name", []string{".npy", good}, []string{"empty"}},
		{"parent", []string{"../a.npy", good}, []string{`array "../a"`, "relative path"}},
		{"absolute", []string{"/etc/passwd", "x"}, []string{`file "/etc/passwd"`, "relative path"}},
		{"backslash", []string{`..\a`, "x"}, []string{"relative path"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseNPZ(zipOf(t, zip.Deflate, test.pairs...))
			oneLine(t, err, test.want...)
		})
	}
}

func TestReadNPZDamaged(t *testing.T) {
	whole := zipOf(t, zip.Store, "a.npy", entry("'<f4'", "(2,)", 0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x3f), "b", "text")
	if _, err := parseNPZ(whole); err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if _, err := parseNPZ(whole[:n]); err == nil {
			t.Errorf("no error for the first %d of %d bytes", n, len(whole))
		}
	}
	// A changed value is finite, and of the right size: only the checksum tells.
	_, err := parseNPZ(bytes.Replace(whole, []byte{0x80, 0x3f}, []byte{0x80, 0x3e}, 1))
	oneLine(t, err, `array "a"`, "checksum")
	_, err = parseNPZ(bytes.Replace(whole, []byte("text"), []byte("tent"), 1))
	oneLine(t, err, `file "b"`, "checksum")
}

func unlimited() *budget {
	b := budget(1 << 40)
	return &b
}

// A small file takes no more than its part of the memory, however well it is compressed.
func TestReadNPZBombs(t *testing.T) {
	zeros := strings.Repeat("\x00", 1<<26)
	array := entry("'|u1'", "(67108864,)") + zeros
	path := filepath.Join(t.TempDir(), "bomb.npz")
	for _, test := range []struct {
		name  string
		pairs []string
		want  string // of ReadArchive
		reads bool   // whether Read, which reads no other entries than arrays, has no error
	}{
		{"array", []string{"w.npy", array}, `array "w": shape (67108864,) needs 0.537 GB of memory`, false},
		{"file", []string{"w.npy", entry("'|u1'", "()", 1), "a", zeros, "b", zeros, "c", zeros, "d", zeros}, `file "d": needs 0.0671 GB of memory`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := os.WriteFile(path, zipOf(t, zip.Deflate, test.pairs...), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := ReadArchive(path)
			oneLine(t, err, path, test.want, "left of 32 times the size of the file", "numpy.savez")
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err = Read(path)
			runtime.ReadMemStats(&after)
			if (err == nil) != test.reads {
				t.Errorf("Read returned %v", err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
				t.Errorf("Read allocated %d bytes; want less than 1 MiB", used)
			}
		})
	}
}

// An entry that promises a terabyte, in the zip directory and in its own
// header alike, must fail before it is allocated.
func TestReadNPZPromises(t *testing.T) {
	header := "{'descr': '<f8', 'fortran_order': False, 'shape': (137438953472,), }"
	content := npyEntry(1, header, make([]byte, 64)...)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateRaw(&zip.FileHeader{
		Name: "a.npy", Method: zip.Store,
		CompressedSize64:   uint64(len(content)),
		UncompressedSize64: uint64(len(content)-64) + 1<<40,
	})
	if err == nil {
		_, err = io.WriteString(w, content)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = parseNPZ(b.Bytes())
	runtime.ReadMemStats(&after)
	oneLine(t, err, `entry "a.npy": is damaged: 1099511627854 bytes cannot be stored in 142 of a file of 278`)
	// Two buffers of a chunk take 64 KiB; the rest is for the zip reader.
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("reading allocated %d bytes; want less than 1 MiB", used)
	}
}

func TestArchive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "epoch_3.ckpt")
	want := &Archive{
		Arrays: []Array{{Name: "w", Shape: []int{2}, Data: []float64{1, 2}}},
		Files:  map[string][]byte{"run.json": []byte(`{"epoch":3}`), "hooks/early.bin": {0, 255}, "empty": {}},
	}
	if err := WriteArchive(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadArchive(path)
	if err != nil {
		t.Fatal(err)
	}
	if !same(got.Arrays, want.Arrays) || !sameFiles(got.Files, want.Files) {
		t.Errorf("read %v, wrote %v", got, want)
	}
	arrays, err := Read(path)
	if err != nil || !same(arrays, want.Arrays) {
		t.Errorf("Read gives %v, %v", arrays, err)
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		if f.Method != zip.Store || !f.Modified.Equal(entryTime) {
			t.Errorf("%s has method %d and time %v", f.Name, f.Method, f.Modified)
		}
	}
	if want := []string{"w.npy", "empty", "hooks/early.bin", "run.json"}; !slices.Equal(names, want) {
		t.Errorf("entries are %q, want %q", names, want)
	}
}

func TestArchiveWithoutArrays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.pt.npz")
	if err := WriteArchive(path, &Archive{Files: map[string][]byte{"data.pkl": nil}}); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadArchive(path); err != nil {
		t.Error(err)
	}
	_, err := Read(path)
	oneLine(t, err, "without .npy entries")
}

func TestReadArchiveSkipsFolders(t *testing.T) {
	a, err := parseNPZ(zipOf(t, zip.Store, "sub/", "", "sub/a.npy", entry("'|u1'", "()", 1)))
	if err != nil || len(a.Files) != 0 || len(a.Arrays) != 1 {
		t.Errorf("read %v, %v; want one array", a, err)
	}
}

func TestWriteArchiveRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.npz")
	array := []Array{{Name: "a", Data: []float64{1}}}
	for name, want := range map[string]string{
		"b.npy":   "only arrays end in .npy",
		"a":       "same name",
		"../b":    "relative path",
		"":        "empty",
		"/b":      "relative path",
		"folder/": "relative path",
	} {
		err := WriteArchive(path, &Archive{Arrays: array, Files: map[string][]byte{name: nil}})
		oneLine(t, err, "c.npz", want)
	}
}

func TestReadArchiveOfSafetensors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := Write(path, []Array{{Name: "a", Data: []float64{1}}}); err != nil {
		t.Fatal(err)
	}
	_, err := ReadArchive(path)
	oneLine(t, err, "w.safetensors", "not an .npz file")
}

// An array that is not named is passed over, even if it is damaged.
func TestReadNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npz")
	if err := WriteArchive(path, &Archive{
		Arrays: []Array{{Name: "large", Shape: []int{2}, Data: []float64{1, 2}}, {Name: "small", Data: []float64{3}}},
		Files:  map[string][]byte{"notes.json": []byte("{}")},
	}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(data, []byte("NUMPY"), []byte("DUMPY"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	arrays, err := ReadNamed(path, "small", "none")
	if err != nil || len(arrays) != 1 || arrays[0].Name != "small" || arrays[0].Data[0] != 3 {
		t.Errorf("%v, error %v; want the small array", arrays, err)
	}
	if arrays, err := ReadNamed(path); len(arrays) > 0 || err != nil {
		t.Errorf("%v, error %v; want nothing", arrays, err)
	}
	if _, err := ReadNamed(path, "large"); err == nil || !strings.Contains(err.Error(), `array "large"`) {
		t.Errorf("error %v; want one that names the array", err)
	}
}
