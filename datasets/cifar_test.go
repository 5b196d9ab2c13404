package datasets

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// cifarBatch returns a file of n records. Record i of batch b has the label (b + i) mod 10, and its pixel p the value
// b + i + p mod 256.
func cifarBatch(b, n int) []byte {
	var file []byte
	for i := range n {
		file = append(file, byte((b+i)%cifarClasses))
		for p := range cifarPixels {
			file = append(file, byte(b+i+p))
		}
	}
	return file
}

func writeFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeCIFAR writes the files with two records each, those of the test split with one.
func writeCIFAR(t testing.TB, dir string) {
	t.Helper()
	for b, name := range cifarBatches {
		writeFile(t, filepath.Join(dir, name), cifarBatch(b, 2-b/5))
	}
}

// cifarTar returns an archive of the given batches, in their order.
func cifarTar(t testing.TB, batches ...int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, b := range batches {
		content := cifarBatch(b, 2-b/5)
		if err := w.WriteHeader(&tar.Header{Name: "cifar-10-batches-bin/" + cifarBatches[b], Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return gzipped(t, out.Bytes())
}

func TestLoadCIFAR(t *testing.T) {
	plain, below, packed := t.TempDir(), t.TempDir(), t.TempDir()
	writeCIFAR(t, plain)
	writeCIFAR(t, filepath.Join(below, "cifar-10-batches-bin"))
	writeFile(t, filepath.Join(packed, cifarArchive), cifarTar(t, 3, 5, 0, 2, 4, 1))
	for _, dir := range []string{plain, below, packed} {
		d := mustLoad(t, "cifar10", Options{DataDir: dir})
		train, test := &d.Splits[0], &d.Splits[1]
		if !slices.Equal(train.Labels, []int{0, 1, 1, 2, 2, 3, 3, 4, 4, 5}) || !slices.Equal(test.Labels, []int{5}) || d.Classes[5] != "dog" {
			t.Fatalf("%s: labels %v and %v", dir, train.Labels, test.Labels)
		}
		row := make([]float64, d.Width())
		CopyRow(row, train, 7) // record 1 of batch 3
		if row[0] != 4./255 || row[1024] != 4./255 || row[251] != 1 || row[252] != 0 {
			t.Errorf("%s: record 7 has %v %v %v %v", dir, row[0], row[1024], row[251], row[252])
		}
	}
	d := mustLoad(t, "cifar10", Options{DataDir: packed, Classes: []int{5, 2}, PerClass: 1})
	if s := d.Splits[0]; !slices.Equal(s.Index, []int{3, 9}) || !slices.Equal(s.Labels, []int{1, 0}) || d.Classes[1] != "bird" {
		t.Errorf("chosen rows %v, labels %v, classes %v", s.Index, s.Labels, d.Classes)
	}
}

func TestLoadCIFARRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(dir string)
		want   string
	}{
		{"empty folder", func(dir string) { os.RemoveAll(dir); os.Mkdir(dir, 0o755) }, "has no file data_batch_1.bin or cifar-10-binary.tar.gz; the folder (--data-dir) must hold data_batch_1.bin to data_batch_5.bin and test_batch.bin, or cifar-10-binary.tar.gz, from www.cs.toronto.edu/~kriz/cifar.html"},
		{"batch missing", func(dir string) { os.Remove(filepath.Join(dir, "data_batch_4.bin")) }, "has no file data_batch_4.bin"},
		{"cut off", func(dir string) { os.Truncate(filepath.Join(dir, "test_batch.bin"), 3000) }, "test_batch.bin: has 3000 bytes; want 1 to 10000 records of 3073 bytes"},
		{"label", func(dir string) {
			b := cifarBatch(1, 2)
			b[3073] = 10
			writeFile(t, filepath.Join(dir, "data_batch_2.bin"), b)
		}, "data_batch_2.bin: byte 3073: label 10 of record 1 is out of range, want 0 to 9"},
		{"uneven", func(dir string) { writeFile(t, filepath.Join(dir, "data_batch_3.bin"), cifarBatch(2, 1)) }, "data_batch_3.bin: has 1 records, data_batch_1.bin has 2"},
		{"a folder", func(dir string) {
			os.Remove(filepath.Join(dir, "test_batch.bin"))
			os.Mkdir(filepath.Join(dir, "test_batch.bin"), 0o755)
		}, "test_batch.bin: is a folder"},
		{"archive without a batch", func(dir string) {
			os.Remove(filepath.Join(dir, "data_batch_1.bin"))
			writeFile(t, filepath.Join(dir, cifarArchive), cifarTar(t, 0, 1, 2, 3, 5))
		}, "has no entry data_batch_5.bin"},
		{"no archive", func(dir string) {
			os.Remove(filepath.Join(dir, "data_batch_1.bin"))
			writeFile(t, filepath.Join(dir, cifarArchive), []byte("<html>"))
		}, "cifar-10-binary.tar.gz: "},
	} {
		dir := t.TempDir()
		writeCIFAR(t, dir)
		test.change(dir)
		_, err := Load(t.Context(), "cifar10", Options{DataDir: dir})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v\nwant %q in it", test.name, err, test.want)
		}
	}
	emptyCache(t)
	for _, name := range []string{"cifar10", "fashion_mnist"} {
		_, err := Load(t.Context(), name, Options{})
		for _, want := range []string{"cannot be fetched", "--data-dir", lookup(name).files.names, lookup(name).files.home} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v\nwant %q in it", err, want)
			}
		}
	}
}

func TestLoadFashionMNIST(t *testing.T) {
	d := mustLoad(t, "fashion_mnist", Options{DataDir: mnistTestdata})
	if d.Name != "fashion_mnist" || d.Classes[9] != "Ankle boot" || d.Splits[0].Len() != 60 {
		t.Errorf("%s, classes %v, %d samples", d.Name, d.Classes, d.Splits[0].Len())
	}
}

// FuzzCIFAR checks that any archive gives splits that fit together, or an error of one line.
func FuzzCIFAR(f *testing.F) {
	f.Add(cifarTar(f, 3, 5, 0, 2, 4, 1), true)
	f.Add(cifarTar(f, 0, 0), true)
	f.Add(cifarBatch(0, 2), false)
	f.Fuzz(func(t *testing.T, b []byte, archive bool) {
		var splits []Split
		var err error
		if archive {
			splits, err = readCIFARArchive(t.Context(), bytes.NewReader(b), int64(len(b)), "f", 1e9)
		} else {
			c := cifar{limit: 1e9}
			err = c.read(bytes.NewReader(b), 5, int64(len(b)), "f")
			splits = c.splits()[1:]
		}
		if err != nil {
			if strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "f: ") {
				t.Errorf("error %q", err)
			}
			return
		}
		for i := range splits {
			if width, err := splits[i].Width(); err != nil || width != cifarPixels || slices.Max(splits[i].Labels) > 9 {
				t.Errorf("width %d, %v, labels %v", width, err, splits[i].Labels)
			}
		}
	})
}
