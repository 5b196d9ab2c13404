package weights

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// What a parser accepts must survive being written and read again.

func FuzzNPZ(f *testing.F) {
	reference, err := os.ReadFile(filepath.Join("testdata", "intro1D_seed29.npz"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(reference)
	f.Add(reference[:len(reference)-1])
	f.Add(zipOf(f, zip.Store, "a/b.npy", entry("'<f2'", "(2,)", 0, 0x3c, 1, 0), "x.json", "{}", "sub/", ""))
	f.Add(zipOf(f, zip.Deflate, "a.npy", npyEntry(2, "{'descr': '>i4', 'fortran_order': True, 'shape': (1, 2)}", 0, 0, 0, 1, 0, 0, 0, 2)))
	f.Add(zipOf(f, zip.Store, "a.npy", entry("'|b1'", "()", 1), "a.npy", entry("[('x', '<f8')]", "(0,)")))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := parseNPZ(b)
		if err != nil {
			return
		}
		var w bytes.Buffer
		if err := writeNPZ(&w, a); err != nil {
			t.Fatal(err)
		}
		again, err := parseNPZ(w.Bytes())
		if err != nil || !same(a.Arrays, again.Arrays) || !sameFiles(a.Files, again.Files) {
			t.Fatalf("%v became %v, %v", a, again, err)
		}
	})
}

// The header of an entry alone: a fuzzer rarely gets past the checksum of a zip.
func FuzzNPY(f *testing.F) {
	f.Add([]byte(entry("'<f8'", "(1,)", make([]byte, 8)...)))
	f.Add([]byte(npyEntry(3, `{"shape": (2, 1), "descr": "|u1", "fortran_order": True}`, 1, 2)))
	f.Add([]byte(entry("'>f4'", "(3, 0)")))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := readNPY(bytes.NewReader(b), uint64(len(b)), unlimited())
		if err != nil || a.check() != nil {
			return
		}
		var w bytes.Buffer
		if err := writeNPY(&w, &a); err != nil {
			t.Fatal(err)
		}
		again, err := readNPY(bytes.NewReader(w.Bytes()), uint64(w.Len()), unlimited())
		if err != nil || !same([]Array{a}, []Array{again}) {
			t.Fatalf("%v became %v, %v", a, again, err)
		}
	})
}

func FuzzSafetensors(f *testing.F) {
	f.Add(tensorFile(`{"__metadata__":{"format":"pt"}} `))
	f.Add(tensorFile(`{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}`, make([]byte, 8)...))
	f.Add(tensorFile(`{"b":{"dtype":"BF16","shape":[1],"data_offsets":[2,4]},"a":{"dtype":"F16","shape":[],"data_offsets":[0,2]}}`, 0, 0x3c, 0x80, 0x3f))
	f.Add(tensorFile(`{"a":{"dtype":"F64","shape":[0],"data_offsets":[0,0]},"a":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		arrays, err := parseTensors(b)
		if err != nil {
			return
		}
		var w bytes.Buffer
		if err := writeSafetensors(&w, arrays, nil); err != nil {
			t.Fatal(err)
		}
		again, err := parseTensors(w.Bytes())
		if err != nil || !same(arrays, again) {
			t.Fatalf("%v became %v, %v", arrays, again, err)
		}
	})
}
