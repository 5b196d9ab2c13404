package npy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/datasets/npy"
)

func ExampleReadHeader() {
	file := npy.Magic + "\x01\x00\x39\x00" + "{'descr': '>f4', 'fortran_order': True, 'shape': (2, 3)}\n"
	h, err := npy.ReadHeader(strings.NewReader(file))
	name, order := h.Type()
	fmt.Println(name, order, h.Fortran, npy.Tuple(h.Shape), h.Size == len(file), err)
	// Output: f4 BigEndian true (2, 3) true <nil>
}

func TestRowMajor(t *testing.T) {
	// NumPy: np.arange(6).reshape(2, 3).ravel(order='F') is [0, 3, 1, 4, 2, 5].
	next := npy.RowMajor([]int{2, 3})
	var places []int
	for range 6 {
		places = append(places, next())
	}
	if !slices.Equal(places, []int{0, 3, 1, 4, 2, 5}) {
		t.Errorf("places %v", places)
	}
}

// FuzzReadHeader checks that any bytes give a header of a legal shape, or an error of one line.
func FuzzReadHeader(f *testing.F) {
	f.Add([]byte(npy.Magic + "\x01\x00\x39\x00" + "{'descr': '>f4', 'fortran_order': True, 'shape': (2, 3)}\n"))
	f.Add([]byte(npy.Magic + "\x02\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := npy.ReadHeader(strings.NewReader(string(b)))
		switch {
		case err != nil && strings.Contains(err.Error(), "\n"):
			t.Errorf("error %q", err)
		case err == nil && (h.Size > len(b) || slices.ContainsFunc(h.Shape, func(n int) bool { return n < 0 })):
			t.Errorf("header %+v of %d bytes", h, len(b))
		}
	})
}
