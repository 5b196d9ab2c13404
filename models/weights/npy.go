package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// The .npy format: the magic string, two bytes of version, the length of the
// header (2 bytes little-endian in version 1.0, 4 in 2.0 and 3.0), the header,
// which is a Python dict, and the data. See numpy.lib.format.
const (
	npyMagic     = "\x93NUMPY"
	npyAlign     = 64      // the data begin at a multiple of it
	maxNPYHeader = 1 << 16 // bytes; only structured types, which have no place here, need more
)

// npyTypes are the types that can be read, without their byte order.
var npyTypes = map[string]elementType{
	"f8": float64Type, "f4": float32Type, "f2": float16Type,
	"i1": int8Type, "i2": int16Type, "i4": int32Type, "i8": int64Type,
	"u1": uintType(1), "u2": uintType(2), "u4": uintType(4), "u8": uintType(8),
	"b1": boolType,
}

// readNPY reads an array without its name from an entry of size bytes.
func readNPY(r io.Reader, size uint64) (Array, error) {
	text, headerSize, err := readNPYHeader(r)
	if err != nil {
		return Array{}, err
	}
	h, err := parseNPYHeader(text)
	if err != nil {
		return Array{}, err
	}
	t, order, err := npyType(h.descr)
	if err != nil {
		return Array{}, err
	}
	n, err := elements(h.shape)
	if err != nil {
		return Array{}, err
	}
	if want := uint64(headerSize) + uint64(n)*uint64(t.size); size != want {
		return Array{}, fmt.Errorf("shape %s of dtype %s needs an entry of %d bytes, it has %d",
			tuple(h.shape), h.descr, want, size)
	}
	data, err := readValues(r, n, t, order)
	if err != nil {
		return Array{}, err
	}
	if h.fortran {
		data = rowMajor(h.shape, data)
	}
	return Array{Shape: h.shape, Data: data, Float32: t.float32}, nil
}

// readNPYHeader returns the header's text and the number of bytes before the data.
func readNPYHeader(r io.Reader) (text string, size int, err error) {
	prefix := make([]byte, len(npyMagic)+2, len(npyMagic)+2+4)
	if _, err := io.ReadFull(r, prefix); err != nil || string(prefix[:len(npyMagic)]) != npyMagic {
		return "", 0, errors.New(`is not in .npy format: want it to begin with "\x93NUMPY" and a version`)
	}
	var lengthSize int
	switch major, minor := prefix[6], prefix[7]; {
	case major == 1 && minor == 0:
		lengthSize = 2
	case (major == 2 || major == 3) && minor == 0:
		lengthSize = 4
	default:
		return "", 0, fmt.Errorf("has .npy version %d.%d; want 1.0, 2.0 or 3.0", major, minor)
	}
	length := make([]byte, lengthSize)
	if _, err := io.ReadFull(r, length); err != nil {
		return "", 0, fmt.Errorf("the length of the .npy header: %w", err)
	}
	n := unsigned(length, binary.LittleEndian)
	if n > maxNPYHeader {
		return "", 0, fmt.Errorf("the .npy header has %d bytes; want at most %d", n, maxNPYHeader)
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(r, header); err != nil {
		return "", 0, fmt.Errorf("the .npy header: %w", err)
	}
	return string(header), len(prefix) + lengthSize + len(header), nil
}

type npyHeader struct {
	descr   string
	fortran bool
	shape   []int
}

// npyItem matches an item of the header's dict and the comma or brace after it.
var npyItem = regexp.MustCompile(`^(?:'(\w+)'|"(\w+)")\s*:\s*` +
	`('[^']*'|"[^"]*"|True|False|\([^()]*\)|\[[^\]]*\])\s*([,}])\s*`)

// parseNPYHeader parses a header such as
//
//	{'descr': '<f8', 'fortran_order': False, 'shape': (30, 2), }
//
// with the keys in any order.
func parseNPYHeader(text string) (npyHeader, error) {
	malformed := fmt.Errorf("the .npy header is %.120q; "+
		"want as {'descr': '<f8', 'fortran_order': False, 'shape': (30, 2), }", text)

	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "{")
	if !ok {
		return npyHeader{}, malformed
	}
	items := make(map[string]string)
	for rest = strings.TrimSpace(rest); rest != "}" && rest != ""; {
		m := npyItem.FindStringSubmatch(rest)
		if m == nil {
			return npyHeader{}, malformed
		}
		key := m[1] + m[2]
		if _, ok := items[key]; ok {
			return npyHeader{}, malformed
		}
		items[key] = m[3]
		rest = rest[len(m[0]):]
		if closed := m[4] == "}"; closed != (rest == "") {
			return npyHeader{}, malformed
		}
	}
	descr, fortran, shape := items["descr"], items["fortran_order"], items["shape"]
	if len(items) != 3 || descr == "" || (fortran != "True" && fortran != "False") || !strings.HasPrefix(shape, "(") {
		return npyHeader{}, malformed
	}
	sizes, err := parseTuple(shape)
	if err != nil {
		return npyHeader{}, malformed
	}
	return npyHeader{strings.Trim(descr, `'"`), fortran == "True", sizes}, nil
}

// parseTuple is the inverse of tuple.
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

// npyType finds the type and byte order of a descr such as <f8. NumPy writes |
// for types of one byte; elsewhere it, = or nothing mean the machine's order,
// which is taken to be little-endian.
func npyType(descr string) (elementType, binary.ByteOrder, error) {
	var order binary.ByteOrder = binary.LittleEndian
	name := descr
	if name != "" && strings.Contains("<>|=", name[:1]) {
		name = name[1:]
	}
	if strings.HasPrefix(descr, ">") {
		order = binary.BigEndian
	}
	t, ok := npyTypes[name]
	if !ok {
		return elementType{}, nil, fmt.Errorf("dtype %.40q is not supported; "+
			"want float (f2, f4, f8), integer (i1 to i8, u1 to u8) or bool (b1)", descr)
	}
	return t, order, nil
}

// rowMajor reorders data that are stored in Fortran order: the first index
// varies fastest.
func rowMajor(shape []int, data []float64) []float64 {
	sorted := make([]float64, len(data))
	index := make([]int, len(shape))
	for _, v := range data {
		flat := 0
		for k, i := range index {
			flat = flat*shape[k] + i
		}
		sorted[flat] = v
		for k := range index {
			if index[k]++; index[k] < shape[k] {
				break
			}
			index[k] = 0
		}
	}
	return sorted
}

// writeNPY writes a in .npy format, version 1.0.
func writeNPY(w io.Writer, a *Array) error {
	descr := "<f8"
	if a.Float32 {
		descr = "<f4"
	}
	header := fmt.Appendf(nil, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, tuple(a.Shape))
	prefix := len(npyMagic) + 2 + 2
	padding := npyAlign - (prefix+len(header)+1)%npyAlign
	header = append(header, bytes.Repeat([]byte{' '}, padding)...)
	header = append(header, '\n')

	start := append([]byte(npyMagic), 1, 0)
	start = binary.LittleEndian.AppendUint16(start, uint16(len(header)))
	if _, err := w.Write(append(start, header...)); err != nil {
		return err
	}
	return writeValues(w, a)
}
