package weights

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	npyio "codeberg.org/sbinet/npyio/npy"

	"github.com/hessoscope/hessoscope/datasets/npy"
)

// npyEntry is a .npy file made by hand.
func npyEntry(major byte, header string, data ...byte) string {
	b := append([]byte(npy.Magic), major, 0)
	if major == 1 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(header)))
	}
	return string(append(append(b, header...), data...))
}

// entry is a .npy file of version 1.0 with values of the given type and shape.
func entry(descr, shape string, data ...byte) string {
	return npyEntry(1, fmt.Sprintf("{'descr': %s, 'fortran_order': False, 'shape': %s, }\n", descr, shape), data...)
}

// The entries of the reference files, written in Python, and ours must be the same bytes.
func TestWriteNPYAsReference(t *testing.T) {
	z, err := zip.OpenReader(filepath.Join("testdata", "gauss_small.npz"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		want, err := readFileEntry(f, unlimited())
		if err != nil {
			t.Fatal(err)
		}
		a, err := readNPY(bytes.NewReader(want), uint64(len(want)), unlimited())
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := writeNPY(&got, &a); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: %.130q, want %.130q", f.Name, got.Bytes(), want)
		}
	}
}

func TestNPYHeaderAlignment(t *testing.T) {
	for dims := range npy.MaxDims + 1 {
		a := &Array{Shape: slices.Repeat([]int{1}, dims), Data: []float64{1}}
		var b bytes.Buffer
		if err := writeNPY(&b, a); err != nil {
			t.Fatal(err)
		}
		if start := b.Len() - 8; start%64 != 0 || b.Bytes()[start-1] != '\n' {
			t.Errorf("%d dimensions: data begin at %d after %q; want a multiple of 64 after a newline", dims, start, b.Bytes()[start-1])
		}
	}
}

// The package npyio is an independent implementation of the format.
func TestNPYAgreesWithNpyio(t *testing.T) {
	values := []float64{1.5, -2, 0.1, 1e300}
	var ours bytes.Buffer
	if err := writeNPY(&ours, &Array{Shape: []int{2, 2}, Data: values}); err != nil {
		t.Fatal(err)
	}
	var got []float64
	if err := npyio.Read(&ours, &got); err != nil || !slices.Equal(got, values) {
		t.Errorf("npyio reads %v, %v; want %v", got, err, values)
	}
	for _, test := range []struct {
		written any
		want    []float64
	}{
		{[]float64{0.1, -1e-300}, []float64{0.1, -1e-300}},
		{[]float32{0.5, -3}, []float64{0.5, -3}},
		{[]int8{-128, 127}, []float64{-128, 127}},
		{[]int16{-32768, 32767}, []float64{-32768, 32767}},
		{[]int32{math.MinInt32, math.MaxInt32}, []float64{math.MinInt32, math.MaxInt32}},
		{[]int64{math.MinInt64, 1 << 53, -1<<53 + 1}, []float64{math.MinInt64, 1 << 53, -1<<53 + 1}},
		{[]uint8{255}, []float64{255}},
		{[]uint16{65535}, []float64{65535}},
		{[]uint32{math.MaxUint32}, []float64{math.MaxUint32}},
		{[]uint64{1 << 63, 3 << 60}, []float64{1 << 63, 3 << 60}},
		{[]bool{true, false}, []float64{1, 0}},
	} {
		var b bytes.Buffer
		if err := npyio.Write(&b, test.written); err != nil {
			t.Fatal(err)
		}
		a, err := readNPY(&b, uint64(b.Len()), unlimited())
		if err != nil || !slices.Equal(a.Data, test.want) || !slices.Equal(a.Shape, []int{len(test.want)}) {
			t.Errorf("%T: read %v, %v; want %v", test.written, a, err, test.want)
		}
	}
}

func TestFloat16(t *testing.T) {
	for bits, want := range map[uint64]float64{ // from IEEE 754-2008, table 3.5
		0x0000: 0,
		0x0001: 0x1p-24,     // the smallest subnormal
		0x03ff: 0x1.ff8p-15, // the largest subnormal
		0x0400: 0x1p-14,     // the smallest normal
		0x3555: 0x1.554p-2,  // nearest to 1/3
		0x3c00: 1,
		0x3c01: 1 + 0x1p-10,
		0x7bff: 65504, // the largest
		0x7c00: math.Inf(1),
		0x8000: math.Copysign(0, -1),
		0x83ff: -0x1.ff8p-15,
		0xc000: -2,
		0xfc00: math.Inf(-1),
	} {
		if got := float16(bits); math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("float16(%#04x) = %v, want %v", bits, got, want)
		}
	}
	for bits := uint64(1); bits <= 0x7c00; bits++ {
		if low, high := float16(bits-1), float16(bits); !(low < high) || float16(bits|0x8000) != -high {
			t.Errorf("float16(%#04x) = %v is not above %v, or not the negative of %v", bits, high, low, float16(bits|0x8000))
		}
	}
	for bits := uint64(0x7c01); bits <= 0x7fff; bits++ {
		if v := float16(bits); !math.IsNaN(v) {
			t.Errorf("float16(%#04x) = %v, want NaN", bits, v)
		}
	}
}

func TestReadNPYVariants(t *testing.T) {
	six := []byte{1, 2, 3, 4, 5, 6}
	for _, test := range []struct {
		name  string
		entry string
		want  Array
	}{
		{"version 2.0", npyEntry(2, "{'descr': '|u1', 'fortran_order': False, 'shape': (6,), }\n", six...), Array{Shape: []int{6}, Data: []float64{1, 2, 3, 4, 5, 6}}},
		{"version 3.0", npyEntry(3, "{'descr': '|u1', 'fortran_order': False, 'shape': (6,), }\n", six...), Array{Shape: []int{6}, Data: []float64{1, 2, 3, 4, 5, 6}}},
		{"double quotes, other order, no spaces", npyEntry(1, `{"shape":(2,3),"fortran_order":False,"descr":"|u1"}`, six...), Array{Shape: []int{2, 3}, Data: []float64{1, 2, 3, 4, 5, 6}}},
		{"Fortran order", npyEntry(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", six...), Array{Shape: []int{2, 3}, Data: []float64{1, 3, 5, 2, 4, 6}}},
		// Value at (i, j, k) of shape (3, 2, 1) is 1 + i + 3j in Fortran order.
		{"Fortran order, three dimensions", npyEntry(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (3, 2, 1), }", six...), Array{Shape: []int{3, 2, 1}, Data: []float64{1, 4, 2, 5, 3, 6}}},
		{"empty, Fortran order", npyEntry(1, "{'descr': '<f8', 'fortran_order': True, 'shape': (3, 0), }"), Array{Shape: []int{3, 0}}},
		{"scalar", entry("'<i2'", "()", 0xff, 0xff), Array{Data: []float64{-1}}},
		{"big-endian f4", entry("'>f4'", "(1,)", 0x3f, 0x80, 0, 1), Array{Shape: []int{1}, Data: []float64{1.00000011920928955078125}, Float32: true}}, // 1 + 2⁻²³
		{"big-endian f8", entry("'>f8'", "(1,)", 0xbf, 0xf0, 0, 0, 0, 0, 0, 0), Array{Shape: []int{1}, Data: []float64{-1}}},
		{"f2", entry("'<f2'", "(2,)", 0, 0x3c, 1, 0), Array{Shape: []int{2}, Data: []float64{1, 0x1p-24}, Float32: true}},
		{"native f4", entry("'=f4'", "(1,)", 0, 0, 0x80, 0x3f), Array{Shape: []int{1}, Data: []float64{1}, Float32: true}},
		{"f4 without order", entry("'|f4'", "(1,)", 0, 0, 0x80, 0x3f), Array{Shape: []int{1}, Data: []float64{1}, Float32: true}},
	} {
		for _, method := range []uint16{zip.Store, zip.Deflate} {
			t.Run(fmt.Sprint(test.name, " ", method), func(t *testing.T) {
				test.want.Name = "a/b"
				got, err := parseNPZ(zipOf(t, method, "a/b.npy", test.entry))
				if err != nil {
					t.Fatal(err)
				}
				if !same(got.Arrays, []Array{test.want}) {
					t.Errorf("read %+v, want %+v", got.Arrays, test.want)
				}
			})
		}
	}
}
