package weights

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/hessoscope/hessoscope/datasets/npy"
)

const npyAlign = 64 // the data begin at a multiple of it

// npyTypes are the types that can be read, without their byte order.
var npyTypes = map[string]elementType{
	"f8": float64Type, "f4": float32Type, "f2": float16Type,
	"i1": int8Type, "i2": int16Type, "i4": int32Type, "i8": int64Type,
	"u1": uintType(1), "u2": uintType(2), "u4": uintType(4), "u8": uintType(8),
	"b1": boolType,
}

// readNPY reads an array without its name from an entry of size bytes, into what is
// left of the memory.
func readNPY(r io.Reader, size uint64, left *budget) (Array, error) {
	h, err := npy.ReadHeader(r)
	if err != nil {
		return Array{}, err
	}
	name, order := h.Type()
	t, ok := npyTypes[name]
	if !ok {
		return Array{}, fmt.Errorf("dtype %.40q is not supported; "+
			"want float (f2, f4, f8), integer (i1 to i8, u1 to u8) or bool (b1)", h.Descr)
	}
	n, err := npy.Elements(h.Shape)
	if err != nil {
		return Array{}, err
	}
	if want := uint64(h.Size) + uint64(n)*uint64(t.size); size != want {
		return Array{}, fmt.Errorf("shape %s of dtype %s needs an entry of %d bytes, it has %d",
			npy.Tuple(h.Shape), h.Descr, want, size)
	}
	if err := left.take(8 * float64(n)); err != nil {
		return Array{}, fmt.Errorf("shape %s %w", npy.Tuple(h.Shape), err)
	}
	data, err := readValues(r, n, t, order)
	if err != nil {
		return Array{}, err
	}
	if h.Fortran {
		sorted, next := make([]float64, n), npy.RowMajor(h.Shape)
		for _, v := range data {
			sorted[next()] = v
		}
		data = sorted
	}
	return Array{Shape: h.Shape, Data: data, Float32: t.float32}, nil
}

// writeNPY writes a in .npy format, version 1.0.
func writeNPY(w io.Writer, a *Array) error {
	descr := "<f8"
	if a.Float32 {
		descr = "<f4"
	}
	header := fmt.Appendf(nil, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, npy.Tuple(a.Shape))
	prefix := len(npy.Magic) + 2 + 2
	padding := npyAlign - (prefix+len(header)+1)%npyAlign
	header = append(header, bytes.Repeat([]byte{' '}, padding)...)
	header = append(header, '\n')

	start := append([]byte(npy.Magic), 1, 0)
	start = binary.LittleEndian.AppendUint16(start, uint16(len(header)))
	if _, err := w.Write(append(start, header...)); err != nil {
		return err
	}
	return writeValues(w, a)
}
