package datasets

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"
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
		f.floats(s.X)
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
	buf [8]byte
}

func (f *fingerprint) uint64(v uint64) {
	binary.LittleEndian.PutUint64(f.buf[:], v)
	f.Write(f.buf[:]) // a hash never returns an error
}

func (f *fingerprint) int(v int) { f.uint64(uint64(v)) }

func (f *fingerprint) ints(v []int) {
	f.int(len(v))
	for _, n := range v {
		f.int(n)
	}
}

func (f *fingerprint) floats(v []float64) {
	f.int(len(v))
	for _, x := range v {
		f.uint64(math.Float64bits(x))
	}
}

func (f *fingerprint) string(s string) {
	f.int(len(s))
	f.Write([]byte(s))
}
