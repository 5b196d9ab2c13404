package weights

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tensorFile is a .safetensors file made by hand.
func tensorFile(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func parseTensors(b []byte) ([]Array, error) {
	return readSafetensors(bytes.NewReader(b), int64(len(b)))
}

func TestReadSafetensors(t *testing.T) {
	for _, test := range []struct {
		name   string
		header string
		data   []byte
		want   []Array
	}{
		{"nothing", `{}`, nil, nil},
		{"metadata and padding", `{"__metadata__":{"format":"pt","a":""}}   `, nil, nil},
		{
			"F64 scalar", `{"a":{"dtype":"F64","shape":[],"data_offsets":[0,8]}}`,
			[]byte{0, 0, 0, 0, 0, 0, 0xf0, 0xbf},
			[]Array{{Name: "a", Data: []float64{-1}}},
		},
		{
			"sorted by offset", `{"b":{"data_offsets":[4,8],"dtype":"F32","shape":[1,1]}, "a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`,
			[]byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0x40},
			[]Array{{Name: "a", Shape: []int{1}, Data: []float64{1}, Float32: true}, {Name: "b", Shape: []int{1, 1}, Data: []float64{2}, Float32: true}},
		},
		{
			"F16 and BF16", `{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[4,8]}}`,
			[]byte{0, 0x3c, 0xff, 0xfb, 0x80, 0x3f, 0x49, 0xc0}, // 1, -65504; 1, -3.140625
			[]Array{{Name: "h", Shape: []int{2}, Data: []float64{1, -65504}, Float32: true}, {Name: "b", Shape: []int{2}, Data: []float64{1, -3.140625}, Float32: true}},
		},
		{
			"empty arrays have no data", `{"e":{"dtype":"F32","shape":[3,0],"data_offsets":[4,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"f":{"dtype":"F64","shape":[0],"data_offsets":[0,0]}}`,
			[]byte{0, 0, 0x80, 0x3f},
			[]Array{{Name: "f", Shape: []int{0}}, {Name: "a", Shape: []int{1}, Data: []float64{1}, Float32: true}, {Name: "e", Shape: []int{3, 0}, Float32: true}},
		},
		{
			"any name but the reserved one", `{"../ü\u0041":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`,
			make([]byte, 4),
			[]Array{{Name: "../üA", Data: []float64{0}, Float32: true}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseTensors(tensorFile(test.header, test.data...))
			if err != nil {
				t.Fatal(err)
			}
			if !same(got, test.want) {
				t.Errorf("read %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestReadSafetensorsRefuses(t *testing.T) {
	eight := make([]byte, 8)
	for _, test := range []struct {
		name string
		file []byte
		want []string
	}{
		{"empty", nil, []string{"0 bytes", "at least 8"}},
		{"length only", eight, []string{"begin with {"}},
		{"header beyond the file", []byte("\x03\x00\x00\x00\x00\x00\x00\x00{}"), []string{"3 bytes", "at most 2"}},
		{"header of 2⁶⁴-1 bytes", []byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"), []string{"18446744073709551615 bytes"}},
		{"array", tensorFile(`[]`), []string{"begin with {"}},
		{"space first", tensorFile(` {}`), []string{"begin with {"}},
		{"not UTF-8", tensorFile("{\"\xff\":0}"), []string{"UTF-8"}},
		{"syntax", tensorFile(`{"a":}`), []string{"header", "invalid character"}},
		{"two values", tensorFile(`{}{}`), []string{"after top-level value"}},
		{"zero bytes after", tensorFile("{}\x00\x00"), []string{"invalid character"}},
		{"tensor is a number", tensorFile(`{"fc1":3}`), []string{`"fc1"`, "not an object"}},
		{"tensor is null", tensorFile(`{"fc1":null}`), []string{`"fc1"`, "not an object"}},
		{"same array", tensorFile(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, eight...), []string{`"a"`, "twice"}},
		{"same array, spelled otherwise", tensorFile(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, eight...), []string{`"a"`, "twice"}},
		{"same key", tensorFile(`{"a":{"dtype":"F32","shape":[2],"shape":[1],"data_offsets":[0,8]}}`, eight...), []string{`"a"`, `"shape"`, "twice"}},
		{"same metadata", tensorFile(`{"__metadata__":{"x":"1","x":"2"}}`), []string{"__metadata__", `"x"`, "twice"}},
		{"two metadata", tensorFile(`{"__metadata__":{},"__metadata__":{}}`), []string{"__metadata__", "twice"}},
		{"metadata not text", tensorFile(`{"__metadata__":{"epoch":3}}`), []string{`"epoch"`, "3 is not a string"}},
		{"metadata not a map", tensorFile(`{"__metadata__":"x"}`), []string{"not an object"}},
		{"unknown key", tensorFile(`{"a":{"dtype":"F64","shape":[1],"offsets":[0,8]}}`, eight...), []string{`"offsets"`, "data_offsets"}},
		{"no offsets", tensorFile(`{"a":{"dtype":"F64","shape":[1]}}`, eight...), []string{`"a"`, "data_offsets"}},
		{"no shape", tensorFile(`{"a":{"dtype":"F64","data_offsets":[0,8]}}`, eight...), []string{`"a"`, "shape"}},
		{"null shape", tensorFile(`{"a":{"dtype":"F64","shape":null,"data_offsets":[0,8]}}`, eight...), []string{`"a"`, "shape"}},
		{"null size", tensorFile(`{"a":{"dtype":"F64","shape":[null],"data_offsets":[0,8]}}`, eight...), []string{"null is not a size"}},
		{"fraction", tensorFile(`{"a":{"dtype":"F64","shape":[1.0],"data_offsets":[0,8]}}`, eight...), []string{"1.0 is not a size"}},
		{"negative", tensorFile(`{"a":{"dtype":"F64","shape":[1],"data_offsets":[-8,0]}}`, eight...), []string{"-8 is not a size"}},
		{"exceeds int", tensorFile(`{"a":{"dtype":"F64","shape":[9223372036854775808],"data_offsets":[0,8]}}`, eight...), []string{"is not a size"}},
		{"text size", tensorFile(`{"a":{"dtype":"F64","shape":["1"],"data_offsets":[0,8]}}`, eight...), []string{"is not a size"}},
		{"three offsets", tensorFile(`{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8,8]}}`, eight...), []string{"two numbers"}},
		{"dtype not text", tensorFile(`{"a":{"dtype":64,"shape":[1],"data_offsets":[0,8]}}`, eight...), []string{`"a": "dtype"`}},
		{"dtype", tensorFile(`{"fc":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}`, eight...), []string{`array "fc"`, `dtype "I64"`, "BF16"}},
		{"lower case dtype", tensorFile(`{"fc":{"dtype":"f64","shape":[1],"data_offsets":[0,8]}}`, eight...), []string{`dtype "f64"`}},
		{"end before begin", tensorFile(`{"a":{"dtype":"F64","shape":[1],"data_offsets":[8,0]}}`, eight...), []string{"[8, 0]"}},
		{"beyond the data", tensorFile(`{"a":{"dtype":"F64","shape":[1000000000],"data_offsets":[0,8000000000]}}`, eight...), []string{`"a"`, "within the 8 bytes"}},
		{"gap before", tensorFile(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, eight...), []string{"begin at 0"}},
		{"gap between", tensorFile(`{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, eight...), []string{`"b"`, "begin at 2"}},
		{"overlap", tensorFile(`{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, eight...), []string{`"b"`, "begin at 8"}},
		{"data after", tensorFile(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, eight...), []string{"cover 4 bytes", "has 8"}},
		{"shape against offsets", tensorFile(`{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, eight...), []string{"shape (3,) of dtype F32 needs 12 bytes", "8"}},
		{"shape overflows", tensorFile(`{"a":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,8]}}`, eight...), []string{"memory"}},
		{"empty name", tensorFile(`{"":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}`, eight...), []string{`array ""`, "empty"}},
		{"NaN", tensorFile(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 0, 0, 0, 0, 0, 0, 0xc0, 0x7f), []string{`array "w": value 1 is NaN`}},
		{"infinity", tensorFile(`{"w":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}`, 0x80, 0xff), []string{`array "w": value 0 is -Inf`}},
		{"deep nesting", tensorFile(`{"a":` + strings.Repeat("[", 1<<17) + strings.Repeat("]", 1<<17) + `}`), []string{"header"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseTensors(test.file)
			oneLine(t, err, test.want...)
		})
	}
}

func TestReadSafetensorsTruncated(t *testing.T) {
	var b bytes.Buffer
	arrays := []Array{{Name: "a", Shape: []int{2}, Data: []float64{1, 2}}, {Name: "b", Data: []float64{3}, Float32: true}}
	if err := writeSafetensors(&b, arrays, nil); err != nil {
		t.Fatal(err)
	}
	for n := range b.Len() {
		if _, err := parseTensors(b.Bytes()[:n]); err == nil {
			t.Errorf("no error for the first %d of %d bytes", n, b.Len())
		}
	}
}

func TestWriteSafetensorsBytes(t *testing.T) {
	var b bytes.Buffer
	arrays := []Array{{Name: "a<", Data: []float64{-1}, Float32: true}, {Name: "b", Shape: []int{1, 1}, Data: []float64{1}}}
	if err := writeSafetensors(&b, arrays, nil); err != nil {
		t.Fatal(err)
	}
	// The JSON has 115 bytes, which 5 spaces bring to a multiple of 8.
	want := "\x78\x00\x00\x00\x00\x00\x00\x00" +
		`{"a\u003c":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"F64","shape":[1,1],"data_offsets":[4,12]}}` + "     " +
		"\x00\x00\x80\xbf" + "\x00\x00\x00\x00\x00\x00\xf0\x3f"
	if b.String() != want {
		t.Errorf("wrote\n%q, want\n%q", b.String(), want)
	}
}

// Metadata change nothing for the arrays, and are what they were, in any file.
func TestMetadata(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.safetensors")
	arrays := []Array{{Name: "a", Shape: []int{2}, Data: []float64{1, 0.1}}}
	for _, metadata := range []map[string]string{nil, {"b": "", "a": "{\"x\": [1, \"ü<\\n\"]}\n"}} {
		if err := WriteWithMetadata(path, arrays, metadata); err != nil {
			t.Fatal(err)
		}
		have, err := ReadMetadata(path)
		if err != nil || !maps.Equal(have, metadata) {
			t.Errorf("metadata %q, error %v; want %q", have, err, metadata)
		}
		if again, err := Read(path); err != nil || !same(again, arrays) {
			t.Errorf("arrays %v, error %v; want %v", again, err, arrays)
		}
	}
	if err := WriteWithMetadata(path, arrays, map[string]string{"a": "\xff"}); err == nil {
		t.Error("no error for metadata that are not UTF-8")
	}
	npz := filepath.Join(t.TempDir(), "w.npz")
	if err := WriteWithMetadata(npz, arrays, nil); err == nil {
		t.Error("no error for metadata in an .npz file")
	}
	if err := Write(npz, arrays); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, tensorFile(`{"__metadata__":{"epoch":3}}`), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := ReadMetadata(path)
	oneLine(t, err, path, `"epoch"`, "3 is not a string")
	if have, err := ReadMetadata(npz); have != nil || err != nil {
		t.Errorf("metadata %q, error %v of an .npz file; want none", have, err)
	}
}

// A file of torch.save has an error that says how to convert it, in both formats.
func TestPickle(t *testing.T) {
	var zipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	if _, err := z.Create("net/data.pkl"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "net.pt")
	for name, content := range map[string][]byte{"zip": zipped.Bytes(), "pickle": []byte("\x80\x02\x8a\nl\xfc")} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), `numpy.savez("net.npz", **{k: v.numpy() for k, v in torch.load("net.pt"`) {
			t.Errorf("%s: error %v; want how to convert it", name, err)
		}
	}
}
