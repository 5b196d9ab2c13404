package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Open opens a regular file and returns its size in bytes. A folder, a pipe or a device
// is an error before it is opened: a pipe would block, and a device may have no end.
func Open(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) {
		failed.Op = "open" // as it is to the caller
	}
	if err != nil {
		return nil, 0, err
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		return nil, 0, fmt.Errorf("%s: is a folder, not a regular file", path)
	case !mode.IsRegular():
		return nil, 0, fmt.Errorf("%s: is a pipe or a device, not a regular file; write its content to a file first", path)
	}
	f, err := os.Open(path)
	return f, info.Size(), err
}

// ReadText reads a regular file of UTF-8 text, without a byte order mark, as [Text]
// does. A file of more than limit bytes is an error before it is read.
func ReadText(path string, limit int64) ([]byte, error) {
	f, size, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > limit {
		return nil, fmt.Errorf("%s: has %d bytes; want at most %d", path, size, limit)
	}
	text := make([]byte, size)
	n, err := io.ReadFull(f, text) // what is written meanwhile is not read
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	if text, err = Text(text[:n]); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return text, nil
}

// Text returns the start of a file, or all of it, without the byte order mark that
// some editors put before UTF-8. Text in another encoding of Unicode is an error that
// names it.
func Text(start []byte) ([]byte, error) {
	for _, e := range []struct{ name, mark string }{
		{"UTF-32", "\xff\xfe\x00\x00"}, {"UTF-32", "\x00\x00\xfe\xff"}, {"UTF-16", "\xff\xfe"}, {"UTF-16", "\xfe\xff"},
	} {
		if bytes.HasPrefix(start, []byte(e.mark)) {
			return nil, fmt.Errorf("is %s text; save it as UTF-8", e.name)
		}
	}
	if len(start) >= 4 && (start[0] == 0) != (start[1] == 0) && (start[2] == 0) != (start[3] == 0) {
		return nil, errors.New("looks like UTF-16 text, every other byte is 0; save it as UTF-8")
	}
	return bytes.TrimPrefix(start, []byte("\xef\xbb\xbf")), nil
}
