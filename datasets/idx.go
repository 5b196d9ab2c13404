package datasets

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

// An IDX file is a big-endian header, that is a magic number (0, 0, the value type, the number of dimensions) and each
// dimension as a uint32, and then the values, row-major.
const (
	idxLabels = 0x0801 // unsigned bytes, one dimension
	idxImages = 0x0803 // unsigned bytes, three dimensions

	maxIDXSamples = 1_000_000 // bounds what a gzip file may expand to
)

// idxSource reads an IDX file.
type idxSource struct {
	io.Reader
	most  int64 // bytes that it can give, by the size of the file
	limit int64 // of the memory of the values, in bytes
}

// idxFile is an open file whose content is decompressed.
type idxFile struct {
	idxSource
	io.Closer
}

// gzipRatio bounds how many bytes one byte of a deflated stream can stand for.
const gzipRatio = 1032

// openIDX opens a plain or gzip file whose values may take limit bytes. It tells them apart by the first bytes.
func openIDX(path string, limit int64) (*idxFile, error) {
	f, size, err := durable.Open(path)
	if err != nil {
		return nil, err
	}
	b := bufio.NewReader(f)
	if start, _ := b.Peek(2); !bytes.Equal(start, []byte{0x1f, 0x8b}) { // a read error comes back with the next read
		return &idxFile{idxSource{b, size, limit}, f}, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: byte 0: %w", path, err), f.Close())
	}
	return &idxFile{idxSource{z, gzipRatio * size, limit}, f}, nil
}

// readLabels reads an IDX file of labels 0 … classes−1. The file's name is for errors; byte offsets in them count
// uncompressed bytes.
func readLabels(r idxSource, file string, classes int) ([]int, error) {
	values, err := readIDX(r, file, idxLabels, nil)
	if err != nil {
		return nil, err
	}
	labels := make([]int, len(values))
	for i, v := range values {
		if int(v) >= classes {
			return nil, fmt.Errorf("%s: byte %d: label %d of sample %d is out of range, want 0 to %d", file, 8+i, v, i, classes-1)
		}
		labels[i] = int(v)
	}
	return labels, nil
}

// readImages reads an IDX file of images with the given number of rows and columns: one byte a pixel, image after image.
func readImages(r idxSource, file string, rows, columns int) ([]byte, error) {
	return readIDX(r, file, idxImages, []dimension{{"rows", rows}, {"columns", columns}})
}

type dimension struct {
	name string
	want int
}

// readIDX returns the values of an IDX file of unsigned bytes whose first dimension is free and whose others are as
// wanted. It takes no more memory than the file can fill, whatever the header claims.
func readIDX(r idxSource, file string, magic uint32, dims []dimension) ([]byte, error) {
	h := idxHeader{r: r, file: file, size: 4 * (2 + len(dims))}
	if got := h.next(); h.err == nil && got != magic {
		return nil, fmt.Errorf("%s: byte 0: magic number %#08x, want %#08x", file, got, magic)
	}
	count := int64(h.next())
	if h.err == nil && (count == 0 || count > maxIDXSamples) {
		return nil, fmt.Errorf("%s: byte 4: header says %d samples, want 1 to %d", file, count, maxIDXSamples)
	}
	want := count
	for _, d := range dims {
		at := h.at
		if got := h.next(); h.err == nil && int64(got) != int64(d.want) {
			return nil, fmt.Errorf("%s: byte %d: header says %d %s, want %d", file, at, got, d.name, d.want)
		}
		want *= int64(d.want)
	}
	if h.err != nil {
		return nil, h.err
	}
	if err := withinLimit(float64(want), r.limit); err != nil {
		return nil, fmt.Errorf("%s: byte 4: header says %d samples: %w", file, count, err)
	}
	values := make([]byte, min(want, r.most))
	n, err := io.ReadFull(r, values)
	got, end := int64(n), int64(h.at+n)
	if got == want && err == nil { // the checksum is compared at the end
		if n, err = io.ReadFull(r, make([]byte, 1)); errors.Is(err, io.EOF) {
			err = nil
		}
		got, end = got+int64(n), end+int64(n)
	} else if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	switch {
	case got < want && (err == nil || errors.Is(err, io.ErrUnexpectedEOF)):
		return nil, fmt.Errorf("%s: byte %d: file is cut off: header says %d samples, which end at byte %d", file, end, count, int64(h.at)+want)
	case err != nil && got >= want:
		return nil, fmt.Errorf("%s: byte %d: after the last sample: %w", file, end, err)
	case err != nil:
		return nil, fmt.Errorf("%s: byte %d: %w", file, end, err)
	case got > want:
		return nil, fmt.Errorf("%s: byte %d: trailing bytes after the %d samples of the header", file, end-1, count)
	}
	return values, nil
}

// idxHeader reads big-endian words and keeps the first error.
type idxHeader struct {
	r    io.Reader
	file string
	size int // of the whole header
	at   int // bytes read
	err  error
}

func (h *idxHeader) next() uint32 {
	if h.err != nil {
		return 0
	}
	var word [4]byte
	n, err := io.ReadFull(h.r, word[:])
	h.at += n
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		h.err = fmt.Errorf("%s: byte %d: file is cut off inside its header of %d bytes", h.file, h.at, h.size)
	case err != nil:
		h.err = fmt.Errorf("%s: byte %d: %w", h.file, h.at, err)
	}
	return binary.BigEndian.Uint32(word[:])
}
