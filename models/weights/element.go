package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
)

// chunk is the number of values that are read or written at once. An array
// grows by it while its data arrive: a size in a header allocates nothing.
const chunk = 4096

// elementType says how one stored value becomes a float64.
type elementType struct {
	size    int  // bytes
	float32 bool // float32 holds every value exactly
	// value converts the size bytes of a value, as an unsigned integer; false
	// if no float64 is exactly that value.
	value func(bits uint64) (float64, bool)
}

var (
	float64Type  = elementType{8, false, func(b uint64) (float64, bool) { return math.Float64frombits(b), true }}
	float32Type  = elementType{4, true, func(b uint64) (float64, bool) { return float64(math.Float32frombits(uint32(b))), true }}
	float16Type  = elementType{2, true, func(b uint64) (float64, bool) { return float16(b), true }}
	bfloat16Type = elementType{2, true, func(b uint64) (float64, bool) { return float64(math.Float32frombits(uint32(b) << 16)), true }}
	int8Type     = elementType{1, false, func(b uint64) (float64, bool) { return float64(int8(b)), true }}
	int16Type    = elementType{2, false, func(b uint64) (float64, bool) { return float64(int16(b)), true }}
	int32Type    = elementType{4, false, func(b uint64) (float64, bool) { return float64(int32(b)), true }}
	int64Type    = elementType{8, false, func(b uint64) (float64, bool) { return float64(int64(b)), exact(int64(b)) }}
	boolType     = elementType{1, false, func(b uint64) (float64, bool) { return float64(b), b <= 1 }}
)

func uintType(size int) elementType {
	return elementType{size, false, func(b uint64) (float64, bool) { return float64(b), exactUnsigned(b) }}
}

// float16 converts the bits of an IEEE 754 binary16: 1 sign bit, 5 of the
// exponent with bias 15, 10 of the fraction.
func float16(b uint64) float64 {
	exponent, fraction := int(b>>10&0x1f), float64(b&0x3ff)
	var v float64
	switch {
	case exponent == 0x1f && fraction == 0:
		v = math.Inf(1)
	case exponent == 0x1f:
		v = math.NaN()
	case exponent == 0: // subnormal
		v = math.Ldexp(fraction, -24)
	default:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	if b&0x8000 != 0 {
		return -v
	}
	return v
}

func exact(i int64) bool {
	if i < 0 {
		return exactUnsigned(-uint64(i)) // right for the smallest int64 too
	}
	return exactUnsigned(uint64(i))
}

// exactUnsigned reports whether the significant bits of u fit in the 53 of a float64.
func exactUnsigned(u uint64) bool {
	return bits.Len64(u)-bits.TrailingZeros64(u) <= 53
}

// readValues reads n values of type t.
func readValues(r io.Reader, n int, t elementType, order binary.ByteOrder) ([]float64, error) {
	data := make([]float64, 0, min(n, chunk))
	buf := make([]byte, min(n, chunk)*t.size)
	for len(data) < n {
		b := buf[:min(n-len(data), chunk)*t.size]
		if _, err := io.ReadFull(r, b); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("the data end before value %d of %d", len(data)+len(b)/t.size, n)
		} else if err != nil {
			return nil, err
		}
		for ; len(b) > 0; b = b[t.size:] {
			v, ok := t.value(unsigned(b[:t.size], order))
			if !ok {
				return nil, fmt.Errorf("stored value %d, bytes %x, is not exactly a float64", len(data), b[:t.size])
			}
			data = append(data, v)
		}
	}
	return data, nil
}

// unsigned reads b, of 1, 2, 4 or 8 bytes, as an unsigned integer.
func unsigned(b []byte, order binary.ByteOrder) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(order.Uint16(b))
	case 4:
		return uint64(order.Uint32(b))
	default:
		return order.Uint64(b)
	}
}

// writeValues writes the values of a, little-endian, in its precision.
func writeValues(w io.Writer, a *Array) error {
	buf := make([]byte, 0, min(len(a.Data), chunk)*8)
	for values := range slices.Chunk(a.Data, chunk) {
		buf = buf[:0]
		for _, v := range values {
			if a.Float32 {
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(float32(v)))
			} else {
				buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(v))
			}
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}
