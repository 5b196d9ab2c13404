package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// Magic is what an array begins with.
	Magic     = "\x93NUMPY"
	maxHeader = 1 << 16 // bytes; only structured types, which have no place here, need more

	// MaxDims is the most dimensions that every NumPy can load. It also keeps a header within the 65535 bytes of version
	// 1.0.
	MaxDims = 32
	// maxElements keeps the size in bytes of an array of float64 within an int.
	maxElements = math.MaxInt / 8
)

// Header is what comes before the data of an array.
type Header struct {
	Descr   string // type and byte order, such as <f8
	Fortran bool   // the first index varies fastest
	Shape   []int
	Size    int // bytes before the data
}

// ReadHeader reads a header, after which r is at the data.
func ReadHeader(r io.Reader) (Header, error) {
	prefix := make([]byte, len(Magic)+2)
	if _, err := io.ReadFull(r, prefix); err != nil || string(prefix[:len(Magic)]) != Magic {
		return Header{}, errors.New(`is not in .npy format: want it to begin with "\x93NUMPY" and a version`)
	}
	var n uint64
	var err error
	size := len(prefix)
	switch major, minor := prefix[6], prefix[7]; {
	case major == 1 && minor == 0:
		var length uint16
		err = binary.Read(r, binary.LittleEndian, &length)
		n, size = uint64(length), size+2
	case (major == 2 || major == 3) && minor == 0:
		var length uint32
		err = binary.Read(r, binary.LittleEndian, &length)
		n, size = uint64(length), size+4
	default:
		return Header{}, fmt.Errorf("has .npy version %d.%d; want 1.0, 2.0 or 3.0", major, minor)
	}
	if err != nil {
		return Header{}, fmt.Errorf("the length of the .npy header: %w", err)
	}
	if n > maxHeader {
		return Header{}, fmt.Errorf("the .npy header has %d bytes; want at most %d", n, maxHeader)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return Header{}, fmt.Errorf("the .npy header: %w", err)
	}
	h, err := parse(string(text))
	h.Size = size + len(text)
	return h, err
}

// item matches an item of the header's dict and the comma or brace after it.
var item = regexp.MustCompile(`^(?:'(\w+)'|"(\w+)")\s*:\s*` +
	`('[^']*'|"[^"]*"|True|False|\([^()]*\)|\[[^\]]*\])\s*([,}])\s*`)

// parse parses a header such as
//
//	{'descr': '<f8', 'fortran_order': False, 'shape': (30, 2), }
//
// with the keys in any order.
func parse(text string) (Header, error) {
	malformed := fmt.Errorf("the .npy header is %.120q; "+
		"want as {'descr': '<f8', 'fortran_order': False, 'shape': (30, 2), }", text)

	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "{")
	if !ok {
		return Header{}, malformed
	}
	items := make(map[string]string)
	for rest = strings.TrimSpace(rest); rest != "}" && rest != ""; {
		m := item.FindStringSubmatch(rest)
		if m == nil {
			return Header{}, malformed
		}
		key := m[1] + m[2]
		if _, ok := items[key]; ok {
			return Header{}, malformed
		}
		items[key] = m[3]
		rest = rest[len(m[0]):]
		if closed := m[4] == "}"; closed != (rest == "") {
			return Header{}, malformed
		}
	}
	descr, fortran, shape := items["descr"], items["fortran_order"], items["shape"]
	if len(items) != 3 || descr == "" || (fortran != "True" && fortran != "False") || !strings.HasPrefix(shape, "(") {
		return Header{}, malformed
	}
	sizes, err := parseTuple(shape)
	if err != nil {
		return Header{}, malformed
	}
	return Header{Descr: strings.Trim(descr, `'"`), Fortran: fortran == "True", Shape: sizes}, nil
}

// parseTuple is the inverse of Tuple.
func parseTuple(s string) ([]int, error) {
	s = strings.TrimSpace(s[1 : len(s)-1])
	if s == "" {
		return []int{}, nil
	}
	fields := strings.Split(strings.TrimSuffix(s, ","), ",")
	shape := make([]int, len(fields))
	for i, field := range fields {
		size, err := strconv.ParseUint(strings.TrimSpace(field), 10, strconv.IntSize-1)
		if err != nil {
			return nil, err
		}
		shape[i] = int(size)
	}
	return shape, nil
}

// Type splits Descr into the type, such as f8, and the byte order. NumPy writes | for types of one byte; elsewhere it, = or
// nothing mean the machine's order, which is taken to be little-endian.
func (h Header) Type() (name string, order binary.ByteOrder) {
	order, name = binary.LittleEndian, h.Descr
	if strings.HasPrefix(name, ">") {
		order = binary.BigEndian
	}
	if name != "" && strings.Contains("<>|=", name[:1]) {
		name = name[1:]
	}
	return name, order
}

// Elements returns the number of values in an array of the given shape. The product must not overflow even where a 0 among
// the sizes hides it, because strides are products too.
func Elements(shape []int) (int, error) {
	if len(shape) > MaxDims {
		return 0, fmt.Errorf("shape has %d dimensions; at most %d are supported", len(shape), MaxDims)
	}
	n := 1
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %s has a negative size", Tuple(shape))
		}
		if d > 0 && n > maxElements/d {
			return 0, fmt.Errorf("shape %s has more values than memory can address", Tuple(shape))
		}
		n *= max(d, 1)
	}
	if slices.Contains(shape, 0) {
		return 0, nil
	}
	return n, nil
}

// Tuple formats a shape as Python does: (), (3,), (2, 3).
func Tuple(shape []int) string {
	if len(shape) == 1 {
		return fmt.Sprintf("(%d,)", shape[0])
	}
	sizes := make([]string, len(shape))
	for i, d := range shape {
		sizes[i] = strconv.Itoa(d)
	}
	return "(" + strings.Join(sizes, ", ") + ")"
}

// RowMajor returns a function whose successive values are the places, in row-major order, of the values of an array in
// Fortran order.
func RowMajor(shape []int) (next func() int) {
	index := make([]int, len(shape))
	return func() int {
		flat := 0
		for k, i := range index {
			flat = flat*shape[k] + i
		}
		for k := range index {
			if index[k]++; index[k] < shape[k] {
				break
			}
			index[k] = 0
		}
		return flat
	}
}
