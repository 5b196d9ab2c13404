package datasets

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

const (
	// rowShare is the part of the memory of a table that a row may take: one in so many.
	rowShare = 256
	// quoted is how many bytes of a row an error quotes.
	quoted = 80
)

// errLongRow is the error of a row that is longer than allowed, by [recordReader].
var errLongRow = errors.New("the row is too long")

// recordReader is the input of a csv.Reader, which would take a row of any length. It ends with errLongRow in a row of more
// than limit bytes, or up to twice the size of its buffer more.
type recordReader struct {
	buffer *bufio.Reader // what a csv.Reader reads from
	from   io.Reader
	limit  int64
	left   int64  // bytes that may still be read for this row
	start  []byte // of the row
}

func newRecordReader(from io.Reader, limit int64) *recordReader {
	r := &recordReader{from: from, limit: limit, left: limit}
	r.buffer = bufio.NewReaderSize(r, 1<<16)
	return r
}

// next says that a row begins here.
func (r *recordReader) next() {
	r.left = r.limit + int64(r.buffer.Size())
	start, _ := r.buffer.Peek(quoted) // an error comes back with the next read
	r.start = append(r.start[:0], start...)
}

// Read fills the buffer.
func (r *recordReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errLongRow
	}
	n, err := r.from.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, err
}

// quote returns the start of the row.
func (r *recordReader) quote() string { return strings.ToValidUTF8(string(r.start), "") }
