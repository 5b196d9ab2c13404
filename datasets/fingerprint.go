package datasets

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"
	"slices"
)

// Fingerprint returns the SHA-256, in hexadecimal, of the shape, the classes and each split's name, values, labels and
// targets: equal for equal data in equal order, whatever the name of the set.
func (d *Dataset) Fingerprint() string {
	f := fingerprint{Hash: sha256.New()}
	f.ints(d.Shape)
	f.int(len(d.Classes))
	for _, c := range d.Classes {
		f.string(c)
	}
	f.int(len(d.Splits))
	for i := range d.Splits {
		s := &d.Splits[i]
		f.string(s.Name)
		f.values(s)
		f.ints(s.Labels)
		if s.Targets != nil { // without them, the bytes are those that earlier versions hashed
			f.floats(s.Targets)
		}
	}
	return hex.EncodeToString(f.Sum(nil))
}

// fingerprint hashes values as 8 bytes, little endian; a length goes before every list, so that no two data sets give
// the same bytes.
type fingerprint struct {
	hash.Hash
	buf []byte
}

func (f *fingerprint) int(v int) {
	f.buf = binary.LittleEndian.AppendUint64(f.buf[:0], uint64(v))
	f.Write(f.buf) // a hash never returns an error
}

func (f *fingerprint) ints(v []int) {
	f.int(len(v))
	for some := range slices.Chunk(v, chunk) {
		f.buf = f.buf[:0]
		for _, n := range some {
			f.buf = binary.LittleEndian.AppendUint64(f.buf, uint64(n))
		}
		f.Write(f.buf)
	}
}

// values hashes the values of a split as float64, whatever their type is.
func (f *fingerprint) values(s *Split) {
	f.int(s.valueCount())
	if s.Packed == nil {
		f.each(s.X)
		return
	}
	width, err := s.Width()
	if err != nil {
		return // the counts, which say how the fields disagree, are hashed
	}
	row := make([]float64, width)
	for r := range s.Len() {
		CopyRow(row, s, r)
		f.each(row)
	}
}

func (f *fingerprint) floats(v []float64) {
	f.int(len(v))
	f.each(v)
}

func (f *fingerprint) each(v []float64) {
	for some := range slices.Chunk(v, chunk) {
		f.buf = f.buf[:0]
		for _, x := range some {
			f.buf = binary.LittleEndian.AppendUint64(f.buf, math.Float64bits(x))
		}
		f.Write(f.buf)
	}
}

func (f *fingerprint) string(s string) {
	f.int(len(s))
	f.Write([]byte(s))
}

// chunk is how many values are converted at once.
const chunk = 4096
