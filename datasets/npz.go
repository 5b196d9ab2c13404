package datasets

import (
	"archive/zip"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/datasets/npy"
)

// readNPZ reads a data set from the arrays of a NumPy file, as parseNPZ does. See [Load], which adds the path to errors.
func readNPZ(path string, limit int64, labelled bool) (*Dataset, error) {
	f, size, err := durable.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d, err := parseNPZ(f, size, limit, labelled)
	if err != nil {
		return nil, err
	}
	d.Name, d.Source = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), path
	return d, nil
}

// parseNPZ reads a file of size bytes into at most limit bytes. Unless it must be labelled, a split may have x alone, and
// there are no Classes.
func parseNPZ(r io.ReaderAt, size, limit int64, labelled bool) (*Dataset, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("is not an .npz file: %w", err)
	}
	pairs, err := arrayPairs(z.File, labelled)
	if err != nil {
		return nil, err
	}
	for i := range pairs {
		if err := pairs[i].readHeaders(size); err != nil {
			return nil, err
		}
	}
	if err := checkPairs(pairs, limit); err != nil {
		return nil, err
	}
	d := &Dataset{Description: "NumPy arrays", Shape: pairs[0].sampleShape()}
	classes := 0
	for _, p := range pairs {
		s, err := p.read()
		if err != nil {
			return nil, err
		}
		if labelled {
			classes = max(classes, slices.Max(s.Labels)+1)
		}
		d.Splits = append(d.Splits, *s)
	}
	if !labelled {
		return d, nil
	}
	if classes < 2 {
		return nil, fmt.Errorf("array %q has the class 0 alone; want at least two classes", pairs[0].y.name)
	}
	d.Classes = numbered(classes)
	return d, nil
}

// arrayPair are the arrays of one split.
type arrayPair struct {
	split string
	x, y  arrayEntry
}

// arrayEntry is an array in a zip file.
type arrayEntry struct {
	name     string
	file     *zip.File
	header   npy.Header
	dtype    string
	order    binary.ByteOrder
	elements int
}

// arrayPairs returns the arrays of the splits, the train split first.
func arrayPairs(files []*zip.File, labelled bool) ([]arrayPair, error) {
	entries, names := make(map[string]arrayEntry), []string{}
	for _, f := range files {
		name, isArray := strings.CutSuffix(f.Name, ".npy")
		if !isArray {
			continue
		}
		if slices.Contains(names, name) {
			return nil, fmt.Errorf("array %q: is there twice", name)
		}
		names = append(names, name)
		key := name
		if axis, split, ok := strings.Cut(name, "_"); axis == "x" || axis == "y" {
			if split = canonicalSplit(split); ok && splitOrder(split) < 0 {
				return nil, fmt.Errorf("array %q is of no split; want %s_train, %[2]s_validation or %[2]s_test", name, axis)
			}
			if !ok {
				split = Train
			}
			key = axis + "_" + split
		}
		if other, ok := entries[key]; ok {
			return nil, fmt.Errorf("arrays %q and %q are of the same split", other.name, name)
		}
		entries[key] = arrayEntry{name: name, file: f}
	}
	var pairs []arrayPair
	for _, split := range []string{Train, Validation, Test} {
		x, hasX := entries["x_"+split]
		y, hasY := entries["y_"+split]
		if hasX != hasY && (labelled || hasY) {
			return nil, fmt.Errorf("has one of x and y of the %s split; want both, or neither", split)
		}
		if hasX {
			pairs = append(pairs, arrayPair{split, x, y})
		}
	}
	if len(pairs) == 0 || pairs[0].split != Train {
		return nil, fmt.Errorf("has no arrays x and y, or x_train and y_train; it has %.200q", names)
	}
	return pairs, nil
}

// valueBytes are the sizes of the types that x may have, as they are held too.
var valueBytes = map[string]int{"u1": 1, "f4": 4, "f8": 8}

// labelTypes are the types that y may have.
var labelTypes = map[string]struct {
	size  int
	value func(b []byte, order binary.ByteOrder) float64
}{
	"b1": {1, func(b []byte, _ binary.ByteOrder) float64 { return float64(b[0]) }},
	"u1": {1, func(b []byte, _ binary.ByteOrder) float64 { return float64(b[0]) }},
	"i1": {1, func(b []byte, _ binary.ByteOrder) float64 { return float64(int8(b[0])) }},
	"u2": {2, func(b []byte, o binary.ByteOrder) float64 { return float64(o.Uint16(b)) }},
	"i2": {2, func(b []byte, o binary.ByteOrder) float64 { return float64(int16(o.Uint16(b))) }},
	"u4": {4, func(b []byte, o binary.ByteOrder) float64 { return float64(o.Uint32(b)) }},
	"i4": {4, func(b []byte, o binary.ByteOrder) float64 { return float64(int32(o.Uint32(b))) }},
	"u8": {8, func(b []byte, o binary.ByteOrder) float64 { return float64(o.Uint64(b)) }},
	"i8": {8, func(b []byte, o binary.ByteOrder) float64 { return float64(int64(o.Uint64(b))) }},
	"f4": {4, func(b []byte, o binary.ByteOrder) float64 { return float64(math.Float32frombits(o.Uint32(b))) }},
	"f8": {8, func(b []byte, o binary.ByteOrder) float64 { return math.Float64frombits(o.Uint64(b)) }},
}

// readHeaders reads the headers of both arrays, of a file of size bytes, and checks that they fit together.
func (p *arrayPair) readHeaders(size int64) error {
	for _, e := range []*arrayEntry{&p.x, &p.y} {
		if e.file == nil { // a split without labels
			continue
		}
		if err := npy.CheckEntry(e.file, size); err != nil {
			return fmt.Errorf("array %q: %w", e.name, err)
		}
		if err := e.readHeader(); err != nil {
			return fmt.Errorf("array %q: %w", e.name, err)
		}
	}
	bytes, ok := valueBytes[p.x.dtype]
	if !ok {
		return fmt.Errorf("array %q has dtype %.40q; want uint8, which is divided by 255, float32 or float64", p.x.name, p.x.header.Descr)
	}
	if len(p.x.header.Shape) == 0 || p.x.elements == 0 {
		return fmt.Errorf("array %q has shape %s; want (N, …), a row a sample", p.x.name, npy.Tuple(p.x.header.Shape))
	}
	if p.y.file == nil {
		return p.x.checkSize(bytes)
	}
	label, ok := labelTypes[p.y.dtype]
	if !ok {
		return fmt.Errorf("array %q has dtype %.40q; want integers, the classes 0, 1, …", p.y.name, p.y.header.Descr)
	}
	n, shape := p.x.header.Shape[0], p.y.header.Shape
	if !slices.Equal(shape, []int{n}) && !slices.Equal(shape, []int{n, 1}) {
		return fmt.Errorf("array %q has shape %s and %q has %s; want (%d,) for %[1]q, a class a sample",
			p.y.name, npy.Tuple(shape), p.x.name, npy.Tuple(p.x.header.Shape), n)
	}
	return cmp.Or(p.x.checkSize(bytes), p.y.checkSize(label.size))
}

func (e *arrayEntry) readHeader() error {
	r, err := e.file.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	if e.header, err = npy.ReadHeader(r); err != nil {
		return err
	}
	e.dtype, e.order = e.header.Type()
	e.elements, err = npy.Elements(e.header.Shape)
	return err
}

// checkSize compares the size of the data, by the header, with that of the entry.
func (e *arrayEntry) checkSize(bytes int) error {
	want := uint64(e.header.Size) + uint64(e.elements)*uint64(bytes)
	if e.file.UncompressedSize64 != want {
		return fmt.Errorf("array %q: shape %s of dtype %s needs an entry of %d bytes, it has %d",
			e.name, npy.Tuple(e.header.Shape), e.header.Descr, want, e.file.UncompressedSize64)
	}
	return nil
}

func (p *arrayPair) sampleShape() []int {
	if shape := p.x.header.Shape[1:]; len(shape) > 0 {
		return shape
	}
	return []int{1}
}

// checkPairs returns an error if the splits do not fit together or take more than limit bytes.
func checkPairs(pairs []arrayPair, limit int64) error {
	need, first := 0.0, pairs[0]
	for _, p := range pairs {
		if !slices.Equal(p.sampleShape(), first.sampleShape()) || p.x.dtype != first.x.dtype {
			return fmt.Errorf("array %q has samples of shape %s and dtype %s, %q of %s and %s; want the same", p.x.name,
				npy.Tuple(p.sampleShape()), p.x.header.Descr, first.x.name, npy.Tuple(first.sampleShape()), first.x.header.Descr)
		}
		need += float64(p.x.elements)*float64(valueBytes[p.x.dtype]) + float64(p.y.elements)*labelBytes
	}
	return withinLimit(need, limit)
}

// labelBytes is the memory of a label.
const labelBytes = 8

func (p *arrayPair) read() (*Split, error) {
	s := &Split{Name: p.split}
	var err error
	switch p.x.dtype {
	case "u1":
		var v []uint8
		if v, err = readElements(&p.x, 1, func(b []byte) uint8 { return b[0] }); err == nil {
			s.Packed = PackBytes(v)
		}
	case "f4":
		var v []float32
		if v, err = readElements(&p.x, 4, func(b []byte) float32 { return math.Float32frombits(p.x.order.Uint32(b)) }); err == nil {
			s.Packed = PackFloats(v)
			err = p.checkFinite(slices.IndexFunc(v, func(x float32) bool { return notFinite(float64(x)) }))
		}
	default:
		if s.X, err = readElements(&p.x, 8, func(b []byte) float64 { return math.Float64frombits(p.x.order.Uint64(b)) }); err == nil {
			err = p.checkFinite(slices.IndexFunc(s.X, notFinite))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("array %q: %w", p.x.name, err)
	}
	if p.y.file == nil {
		s.Index = rowNumbers(p.x.header.Shape[0])
		return s, nil
	}
	if s.Labels, err = p.y.labels(); err != nil {
		return nil, fmt.Errorf("array %q: %w", p.y.name, err)
	}
	return s, nil
}

// checkFinite returns an error if there is a value that is not finite, at an index of x.
func (p *arrayPair) checkFinite(index int) error {
	if index < 0 {
		return nil
	}
	return fmt.Errorf("a value of row %d is NaN or infinite; want finite numbers", index/(p.x.elements/p.x.header.Shape[0]))
}

func (e *arrayEntry) labels() ([]int, error) {
	t := labelTypes[e.dtype]
	row, wrong := 0, error(nil)
	labels, err := readElements(e, t.size, func(b []byte) int {
		v := t.value(b, e.order)
		if wrong == nil && !(v >= 0 && v == math.Trunc(v) && v < float64(max(e.elements, manyClasses))) {
			wrong = fmt.Errorf("has the label %g in row %d of %d; want the classes 0, 1, …", v, row, e.elements)
		}
		row++
		return int(v)
	})
	return labels, cmp.Or(err, wrong)
}

// readElements reads the data of an array, in row-major order, into the memory that they need.
func readElements[T any](e *arrayEntry, size int, decode func(b []byte) T) ([]T, error) {
	r, err := e.file.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, int64(e.header.Size)); err != nil {
		return nil, err
	}
	values := make([]T, e.elements)
	place := func(i int) int { return i }
	if e.header.Fortran {
		next := npy.RowMajor(e.header.Shape)
		place = func(int) int { return next() }
	}
	buf := make([]byte, min(e.elements, chunk)*size)
	for i := 0; i < e.elements; {
		some := buf[:min(e.elements-i, chunk)*size]
		if _, err := io.ReadFull(r, some); err != nil {
			return nil, fmt.Errorf("the data end within value %d to %d of %d: %w", i, i+len(some)/size, e.elements, err)
		}
		for ; len(some) > 0; some = some[size:] {
			values[place(i)] = decode(some)
			i++
		}
	}
	if _, err := io.Copy(io.Discard, r); err != nil { // the checksum is compared at the end
		return nil, fmt.Errorf("is damaged: %w", err)
	}
	return values, nil
}
