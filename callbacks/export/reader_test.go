package export_test

import (
	"encoding/binary"
	"math"
	"os"
	"testing"
)

// A reader of event files that shares nothing with the writer: records, their
// checksums and protocol buffers by their definitions.

// crc32c divides by the Castagnoli polynomial, bit by bit.
func crc32c(data []byte) uint32 {
	crc := ^uint32(0)
	for _, b := range data {
		crc ^= uint32(b)
		for range 8 {
			bit := crc & 1
			crc >>= 1
			if bit == 1 {
				crc ^= 0x82f63b78
			}
		}
	}
	return ^crc
}

func masked(data []byte) uint32 {
	crc := crc32c(data)
	return (crc>>15 | crc<<17) + 0xa282ead8
}

// readRecords returns the data of the records of a file.
func readRecords(t *testing.T, path string) [][]byte {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var records [][]byte
	for at := 0; at < len(file); {
		if len(file) < at+12 {
			t.Fatalf("%s: %d bytes after the last record", path, len(file)-at)
		}
		n := int(binary.LittleEndian.Uint64(file[at:]))
		if have, want := binary.LittleEndian.Uint32(file[at+8:]), masked(file[at:at+8]); have != want {
			t.Fatalf("%s: record %d: checksum of the length %#x; want %#x", path, len(records), have, want)
		}
		if len(file) < at+16+n {
			t.Fatalf("%s: record %d has %d bytes; the file ends after %d", path, len(records), n, len(file)-at-12)
		}
		data := file[at+12 : at+12+n]
		if have, want := binary.LittleEndian.Uint32(file[at+12+n:]), masked(data); have != want {
			t.Fatalf("%s: record %d: checksum %#x; want %#x", path, len(records), have, want)
		}
		records = append(records, data)
		at += 16 + n
	}
	return records
}

// message is a decoded protocol buffer: by field, numbers as their bits and the rest
// as bytes.
type message map[int][]any

// decode decodes a message.
func decode(t *testing.T, data []byte) message {
	t.Helper()
	m := make(message)
	varint := func() uint64 {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			t.Fatalf("no number in % x", data)
		}
		data = data[n:]
		return v
	}
	take := func(n uint64) []byte {
		if uint64(len(data)) < n {
			t.Fatalf("a field of %d bytes in % x", n, data)
		}
		head := data[:n]
		data = data[n:]
		return head
	}
	for len(data) > 0 {
		key := varint()
		field := int(key >> 3)
		var v any
		switch key & 7 {
		case 0:
			v = varint()
		case 1:
			v = binary.LittleEndian.Uint64(take(8))
		case 2:
			v = take(varint())
		case 5:
			v = binary.LittleEndian.Uint32(take(4))
		default:
			t.Fatalf("field %d has wire type %d", field, key&7)
		}
		m[field] = append(m[field], v)
	}
	return m
}

func (m message) text(field int) string {
	if len(m[field]) == 0 {
		return ""
	}
	return string(m[field][0].([]byte))
}

func (m message) double(field int) float64 { return math.Float64frombits(m[field][0].(uint64)) }

// doubles are those of a packed field.
func (m message) doubles(field int) []float64 {
	packed := []byte(m.text(field))
	values := make([]float64, len(packed)/8)
	for i := range values {
		values[i] = math.Float64frombits(binary.LittleEndian.Uint64(packed[8*i:]))
	}
	return values
}

func (m message) message(t *testing.T, fields ...int) message {
	t.Helper()
	for _, field := range fields {
		if len(m[field]) == 0 {
			t.Fatalf("no field %d in %v", field, m)
		}
		m = decode(t, m[field][0].([]byte))
	}
	return m
}

// event is an Event of event.proto.
type event struct {
	wallTime float64
	step     int
	version  string
	values   []message // Summary.Value
}

func readEvents(t *testing.T, path string) []event {
	t.Helper()
	var events []event
	for _, data := range readRecords(t, path) {
		m := decode(t, data)
		e := event{wallTime: m.double(1), version: m.text(3)}
		if len(m[2]) > 0 {
			e.step = int(m[2][0].(uint64))
		}
		if len(m[5]) > 0 {
			for _, v := range m.message(t, 5)[1] {
				e.values = append(e.values, decode(t, v.([]byte)))
			}
		}
		events = append(events, e)
	}
	return events
}

// The reader itself: the check value of CRC-32C, and the bytes by which every event
// file of TensorBoard begins, the length 24 and its checksum.
func TestReader(t *testing.T) {
	if have := crc32c([]byte("123456789")); have != 0xe3069283 {
		t.Errorf("crc32c %#x", have)
	}
	if have := masked([]byte{24, 0, 0, 0, 0, 0, 0, 0}); have != 0x224b7fa3 {
		t.Errorf("masked checksum %#x", have)
	}
}
