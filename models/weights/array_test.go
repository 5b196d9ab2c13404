package weights

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hessoscope/hessoscope/datasets/npy"
)

// same reports whether a and b are equal in every bit, signs of zeros included.
func same(a, b []Array) bool {
	return slices.EqualFunc(a, b, func(a, b Array) bool {
		return a.Name == b.Name && slices.Equal(a.Shape, b.Shape) && a.Float32 == b.Float32 &&
			slices.EqualFunc(a.Data, b.Data, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
	})
}

// oneLine checks that err is there, is one line and contains every want.
func oneLine(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", want)
	}
	if strings.ContainsAny(err.Error(), "\n\r") || strings.Contains(err.Error(), "%!") {
		t.Errorf("error %q is not one clean line", err)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error is\n\t%s\nwant it to contain %q", err, w)
		}
	}
}

// arraysOf generates lists of arrays that both formats can hold.
func arraysOf() *rapid.Generator[[]Array] {
	names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9é.:-]{1,6}w(/[a-z<&" ]{1,3}){0,2}`), 0, 4, rapid.ID)
	return rapid.Custom(func(t *rapid.T) []Array {
		var arrays []Array
		for _, name := range names.Draw(t, "names") {
			a := Array{Name: name, Float32: rapid.Bool().Draw(t, "float32")}
			a.Shape = rapid.SliceOfN(rapid.IntRange(0, 5), 0, 4).Draw(t, "shape")
			n, err := npy.Elements(a.Shape)
			if err != nil {
				t.Fatal(err)
			}
			value := rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64)
			if a.Float32 {
				value = rapid.Map(rapid.Float32Range(-math.MaxFloat32, math.MaxFloat32), func(v float32) float64 { return float64(v) })
			}
			a.Data = rapid.SliceOfN(value, n, n).Draw(t, "data")
			arrays = append(arrays, a)
		}
		return arrays
	})
}

func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	for _, ext := range []string{".npz", ".safetensors", ".NPZ", ".SafeTensors"} {
		t.Run(ext, func(t *testing.T) {
			path := filepath.Join(dir, "weights"+ext)
			// Each case syncs a file; the two tests that follow try many more in memory.
			for _, arrays := range [][]Array{
				nil,
				{{Name: "scalar", Data: []float64{math.Copysign(0, -1)}}},
				{
					{Name: "z/weight", Shape: []int{2, 3}, Data: []float64{1, 0.1, 1e-320, -math.MaxFloat64, 5, 6}},
					{Name: "a", Shape: []int{3}, Data: []float64{0.5, math.MaxFloat32, math.SmallestNonzeroFloat32}, Float32: true},
					{Name: "empty", Shape: []int{0, 7}},
					{Name: "two chunks", Shape: []int{chunk + 1}, Data: slices.Repeat([]float64{7}, chunk+1)},
				},
			} {
				if err := Write(path, arrays); err != nil {
					t.Fatal(err)
				}
				got, err := Read(path)
				if err != nil {
					t.Fatal(err)
				}
				if !same(got, arrays) {
					t.Errorf("read %v, wrote %v", got, arrays)
				}
			}
		})
	}
}

func TestNPZRoundTripProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := &Archive{Arrays: arraysOf().Draw(t, "arrays")}
		a.Files = rapid.MapOf(rapid.StringMatching(`[a-zü]{1,8}\.json`), rapid.SliceOf(rapid.Byte())).Draw(t, "files")
		if err := a.check(); err != nil {
			t.Fatal(err)
		}
		var first, second bytes.Buffer
		for _, w := range []io.Writer{&first, &second} {
			if err := writeNPZ(w, a); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatal("the same archive gave different bytes")
		}
		got, err := readNPZ(bytes.NewReader(first.Bytes()), int64(first.Len()), true)
		if err != nil {
			t.Fatal(err)
		}
		if !same(got.Arrays, a.Arrays) || !sameFiles(got.Files, a.Files) {
			t.Fatalf("read %v, wrote %v", got, a)
		}
	})
}

func TestSafetensorsRoundTripProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		arrays := arraysOf().Draw(t, "arrays")
		var b bytes.Buffer
		if err := writeSafetensors(&b, arrays, nil); err != nil {
			t.Fatal(err)
		}
		got, err := readSafetensors(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if !same(got, arrays) {
			t.Fatalf("read %v, wrote %v", got, arrays)
		}
	})
}

func TestWriteRefuses(t *testing.T) {
	one := []float64{1}
	for _, test := range []struct {
		name   string
		file   string // default w.npz and w.safetensors
		arrays []Array
		want   []string
	}{
		{"extension", "w.h5", nil, []string{"w.h5", ".npz", ".safetensors"}},
		{"no extension", "w", nil, []string{".npz", ".safetensors"}},
		{"NaN", "", []Array{{Name: "fc1.weight", Shape: []int{2}, Data: []float64{1, math.NaN()}}}, []string{`array "fc1.weight": value 1 is NaN`}},
		{"infinity", "", []Array{{Name: "b", Data: []float64{math.Inf(-1)}}}, []string{`array "b": value 0 is -Inf`}},
		{"not a float32", "", []Array{{Name: "b", Shape: []int{2}, Data: []float64{0.5, 0.1}, Float32: true}}, []string{`"b": value 1, 0.1,`, "float32"}},
		{"overflows float32", "", []Array{{Name: "b", Data: []float64{1e39}, Float32: true}}, []string{"float32"}},
		{"too few values", "", []Array{{Name: "b", Shape: []int{2, 3}, Data: one}}, []string{"shape (2, 3) needs 6 values, Data has 1"}},
		{"scalar without value", "", []Array{{Name: "b"}}, []string{"shape () needs 1 values"}},
		{"negative size", "", []Array{{Name: "b", Shape: []int{-1, -1}, Data: one}}, []string{"negative"}},
		{"shape overflows", "", []Array{{Name: "b", Shape: []int{math.MaxInt32, math.MaxInt32, 4}, Data: one}}, []string{"memory"}},
		{"hidden overflow", "", []Array{{Name: "b", Shape: []int{math.MaxInt, math.MaxInt, 0}}}, []string{"memory"}},
		{"33 dimensions", "", []Array{{Name: "b", Shape: slices.Repeat([]int{1}, 33), Data: one}}, []string{"33", "32"}},
		{"same name", "", []Array{{Name: "b", Data: one}, {Name: "b", Data: one}}, []string{`"b"`, "twice"}},
		{"no name", "", []Array{{Data: one}}, []string{`array ""`, "empty"}},
		{"not UTF-8", "", []Array{{Name: "\xff", Data: one}}, []string{"UTF-8"}},
		{"parent", "w.npz", []Array{{Name: "../b", Data: one}}, []string{`"../b"`, "relative path"}},
		{"inner parent", "w.npz", []Array{{Name: "a/../b", Data: one}}, []string{"relative path"}},
		{"absolute", "w.npz", []Array{{Name: "/b", Data: one}}, []string{"relative path"}},
		{"drive", "w.npz", []Array{{Name: "C:/b", Data: one}}, []string{"relative path"}},
		{"backslash", "w.npz", []Array{{Name: `..\b`, Data: one}}, []string{"relative path"}},
		{"zero byte", "w.npz", []Array{{Name: "a\x00b", Data: one}}, []string{"relative path"}},
		{"name too long for a zip", "w.npz", []Array{{Name: strings.Repeat("a", 1<<16), Data: one}}, []string{"too long"}},
		{"reserved", "w.safetensors", []Array{{Name: "__metadata__", Data: one}}, []string{"reserved"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := []string{test.file}
			if test.file == "" {
				files = []string{"w.npz", "w.safetensors"}
			}
			for _, file := range files {
				path := filepath.Join(t.TempDir(), file)
				if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
					t.Fatal(err)
				}
				err := Write(path, test.arrays)
				oneLine(t, err, append(test.want, file)...)
				checkUntouched(t, path)
			}
		})
	}
}

// checkUntouched checks that path still holds "old" and is alone in its folder.
func checkUntouched(t *testing.T, path string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("after a failed write the file holds %q, %v", got, err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("a failed write left %v", entries)
	}
}

func TestWriteIsAtomic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.npz")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left")
	err := writeFile(path, func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			return err
		}
		return full
	})
	if !errors.Is(err, full) {
		t.Errorf("error is %v; want it to wrap %v", err, full)
	}
	oneLine(t, err, "w.npz")
	checkUntouched(t, path)

	if err := Write(path, []Array{{Name: "b", Data: []float64{1}}}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode of the replaced file: %v, %v; want that of the old one, 0640", info.Mode(), err)
	}
}

func TestWriteToFolder(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "w.npz")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	oneLine(t, Write(path, nil), "w.npz")
	oneLine(t, Write(filepath.Join(dir, "missing", "w.npz"), nil), "w.npz", "no such file")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("failed writes left %v, %v", entries, err)
	}
	_, err := Read(path)
	oneLine(t, err, "not a regular file")
}

func TestReadTellsFormatByContent(t *testing.T) {
	// 19280 = 0x4b50: the length of this header spells PK, as a zip file does.
	long := []Array{{Name: strings.Repeat("a", 19280-55), Shape: []int{}, Data: []float64{1}}}
	for _, test := range []struct {
		file   string
		arrays []Array
	}{
		{"w.npz", []Array{{Name: "b", Data: []float64{2}}}},
		{"w.safetensors", []Array{{Name: "b", Data: []float64{3}}}},
		{"long.safetensors", long},
	} {
		t.Run(test.file, func(t *testing.T) {
			dir := t.TempDir()
			path, renamed := filepath.Join(dir, test.file), filepath.Join(dir, "checkpoint")
			if err := Write(path, test.arrays); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path, renamed); err != nil {
				t.Fatal(err)
			}
			got, err := Read(renamed)
			if err != nil || !same(got, test.arrays) {
				t.Errorf("read %v, %v", got, err)
			}
		})
	}
	header, err := tensorHeader(long, nil)
	if err != nil || len(header) != 0x4b50 {
		t.Errorf("the long header has %#x bytes, %v; want 0x4b50 for this test to mean something", len(header), err)
	}
}

func TestReadUnknownFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.h5")
	for _, content := range []string{"", "P", "\x89HDF\r\n\x1a\n and more"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path)
		oneLine(t, err, "w.h5", ".npz", ".safetensors")
	}
	_, err := Read(filepath.Join(t.TempDir(), "missing.npz"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error for a missing file is %v", err)
	}
}
