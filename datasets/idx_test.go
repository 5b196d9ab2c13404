package datasets

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// idx writes an IDX file of bytes.
func idx(magic uint32, dims []uint32, values ...byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, magic)
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, d)
	}
	return append(b, values...)
}

func idxBytes(b []byte) idxSource { return idxSource{bytes.NewReader(b), int64(len(b)), 1e9} }

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestReadIDX(t *testing.T) {
	labels, err := readLabels(idxBytes(idx(idxLabels, []uint32{3}, 0, 9, 4)), "f", 10)
	if err != nil || len(labels) != 3 || labels[1] != 9 {
		t.Errorf("labels %v, %v", labels, err)
	}
	pixels, err := readImages(idxBytes(idx(idxImages, []uint32{2, 2, 3}, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255)), "f", 2, 3)
	if err != nil || len(pixels) != 12 || pixels[11] != 255 {
		t.Errorf("pixels %v, %v", pixels, err)
	}
}

func TestReadIDXRefuses(t *testing.T) {
	whole := idx(idxImages, []uint32{2, 1, 2}, 1, 2, 3, 4)
	tests := []struct {
		name  string
		bytes []byte
		want  string
	}{
		{"empty", nil, "f: byte 0: file is cut off inside its header of 16 bytes"},
		{"cut in the magic", whole[:3], "f: byte 3: file is cut off inside its header of 16 bytes"},
		{"cut in the header", whole[:13], "f: byte 13: file is cut off inside its header of 16 bytes"},
		{"cut in the images", whole[:19], "f: byte 19: file is cut off: header says 2 samples, which end at byte 20"},
		{"trailing", append(whole[:20:20], 0), "f: byte 20: trailing bytes after the 2 samples of the header"},
		{"labels for images", idx(idxLabels, []uint32{1}, 1), "f: byte 0: magic number 0x00000801, want 0x00000803"},
		{"little endian", idx(0x03080000, []uint32{1, 1, 2}, 1, 2), "f: byte 0: magic number 0x03080000, want 0x00000803"},
		{"no samples", idx(idxImages, []uint32{0, 1, 2}), "f: byte 4: header says 0 samples, want 1 to 1000000"},
		{"too many samples", idx(idxImages, []uint32{1 << 31, 1, 2}), "f: byte 4: header says 2147483648 samples, want 1 to 1000000"},
		{"rows", idx(idxImages, []uint32{1, 2, 2}, 1, 2, 3, 4), "f: byte 8: header says 2 rows, want 1"},
		{"columns", idx(idxImages, []uint32{1, 1, 1 << 31}, 1), "f: byte 12: header says 2147483648 columns, want 2"},
		{"a million claimed", idx(idxImages, []uint32{1_000_000, 1, 2}, 1), "f: byte 17: file is cut off: header says 1000000 samples, which end at byte 2000016"},
	}
	for _, tt := range tests {
		_, err := readImages(idxBytes(tt.bytes), "f", 1, 2)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s:\n got %v\nwant %s", tt.name, err, tt.want)
		}
	}
	const want = "f: byte 9: label 7 of sample 1 is out of range, want 0 to 6"
	if _, err := readLabels(idxBytes(idx(idxLabels, []uint32{2}, 6, 7)), "f", 7); err == nil || err.Error() != want {
		t.Errorf("label:\n got %v\nwant %s", err, want)
	}
}

func TestOpenIDX(t *testing.T) {
	plain := idx(idxLabels, []uint32{3}, 0, 1, 2)
	packed := gzipped(t, plain)
	spoilt := bytes.Clone(packed)
	spoilt[len(spoilt)-6] ^= 1 // in the checksum
	tests := []struct {
		name  string
		bytes []byte
		want  string // in the error; empty for none
	}{
		{"plain", plain, ""},
		{"gzip", packed, ""},
		{"gzip cut in its header", packed[:5], "byte 0: unexpected EOF"},
		{"gzip cut", packed[:12], "file is cut off"},
		{"gzip checksum", spoilt, "gzip: invalid checksum"},
		{"gzip cut in its checksum", packed[:len(packed)-2], "byte 11: after the last sample: unexpected EOF"},
		{"gzip with trailing bytes", append(bytes.Clone(packed), "trailing bytes"...), "byte 11: after the last sample: gzip: invalid header"},
		{"gzip with a second member", append(bytes.Clone(packed), packed...), "byte 11: trailing bytes"},
		{"empty", nil, "byte 0: file is cut off"},
	}
	for _, tt := range tests {
		path := filepath.Join(t.TempDir(), "labels")
		if err := os.WriteFile(path, tt.bytes, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := readLabelFile(path, 3, 1e9)
		if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), path)) {
			t.Errorf("%s: %v, want %q in it", tt.name, err, tt.want)
		}
	}
}

// FuzzReadIDX checks that any bytes give an error of one line, or exactly the values that the header announces.
func FuzzReadIDX(f *testing.F) {
	f.Add(idx(idxImages, []uint32{2, 1, 2}, 1, 2, 3, 4))
	f.Add(idx(idxLabels, []uint32{3}, 0, 9, 4))
	f.Add(idx(idxImages, []uint32{1 << 31, 1 << 31, 1 << 31}))
	f.Add(gzipped(f, idx(idxLabels, []uint32{1}, 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := idxBytes(b)
		if z, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
			in = idxSource{z, gzipRatio * int64(len(b)), 1e9}
		}
		images, err := readImages(in, "f", 1, 2)
		if err == nil && !bytes.Equal(idx(idxImages, []uint32{uint32(len(images) / 2), 1, 2}, images...), b) && b[0] != 0x1f {
			t.Error("images are not those of the file")
		}
		if err != nil && (!strings.HasPrefix(err.Error(), "f: byte ") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("error %q", err)
		}
		labels, err := readLabels(idxBytes(b), "f", 10)
		if err == nil && len(labels) != len(b)-8 {
			t.Errorf("%d labels of %d bytes", len(labels), len(b))
		}
	})
}
