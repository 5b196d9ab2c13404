package datasets

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

// A file of CIFAR-10 in its binary version is a sequence of records: the label, one byte, and the 32 × 32 values of the red,
// the green and the blue channel, one byte each.
const (
	cifarPixels  = 3 * 32 * 32
	cifarRecord  = 1 + cifarPixels
	cifarRecords = 10_000 // of a file, at most
	cifarClasses = 10

	cifarArchive = "cifar-10-binary.tar.gz"
	cifarFiles   = "data_batch_1.bin to data_batch_5.bin and test_batch.bin, or cifar-10-binary.tar.gz"
)

// cifarBatches are the files, those of the train split first.
var cifarBatches = []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"}

// readCIFAR reads the files in dir or in its folder cifar-10-batches-bin, or else those in the archive.
func readCIFAR(ctx context.Context, dir string, limit int64) ([]Split, error) {
	for _, sub := range []string{"", "cifar-10-batches-bin"} {
		if folder := filepath.Join(dir, sub); exists(filepath.Join(folder, cifarBatches[0])) {
			return readCIFARFolder(ctx, folder, limit)
		}
	}
	path := filepath.Join(dir, cifarArchive)
	if !exists(path) {
		return nil, missing(fmt.Sprintf("%s has no file %s or %s", dir, cifarBatches[0], cifarArchive))
	}
	f, size, err := durable.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readCIFARArchive(ctx, f, size, path, limit)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func hasCIFAR(dir string) bool {
	return exists(filepath.Join(dir, cifarArchive)) || !slices.ContainsFunc(cifarBatches, func(name string) bool {
		return !exists(filepath.Join(dir, name)) && !exists(filepath.Join(dir, "cifar-10-batches-bin", name))
	})
}

func readCIFARFolder(ctx context.Context, dir string, limit int64) ([]Split, error) {
	c := cifar{limit: limit}
	for b, name := range cifarBatches {
		path := filepath.Join(dir, name)
		f, size, err := durable.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, missing(fmt.Sprintf("%s has no file %s", dir, name))
		}
		if err != nil {
			return nil, err
		}
		err = errors.Join(ctx.Err(), c.read(bufio.NewReader(f), b, size, path))
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
	return c.splits(), nil
}

// readCIFARArchive reads the files from the archive, in which they are in any order.
func readCIFARArchive(ctx context.Context, r io.Reader, size int64, path string, limit int64) ([]Split, error) {
	z, err := gzip.NewReader(bufio.NewReader(r))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c := cifar{limit: limit}
	for entries := tar.NewReader(z); slices.Contains(c.sizes[:], 0); {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: has no entry %s", path, cifarBatches[slices.Index(c.sizes[:], 0)])
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if b := slices.Index(cifarBatches, filepath.Base(h.Name)); b >= 0 {
			if h.Size > gzipRatio*size {
				return nil, fmt.Errorf("%s: is cut off: %s has %d bytes by its header", path, h.Name, h.Size)
			}
			if err := c.read(entries, b, h.Size, path+": "+h.Name); err != nil {
				return nil, err
			}
		}
	}
	return c.splits(), nil
}

// cifar collects the batches. Those of the train split come to lie one after the other, whatever the order in which they
// are read.
type cifar struct {
	sizes         [6]int // records of each batch; 0 if it was not read yet
	train, test   []byte
	labels, known []int // of the train and of the test split
	limit         int64 // of the memory that is left, in bytes
}

// read reads batch b, a file of size bytes.
func (c *cifar) read(r io.Reader, b int, size int64, file string) error {
	n := int(size / cifarRecord)
	switch {
	case size%cifarRecord != 0 || n < 1 || n > cifarRecords:
		return fmt.Errorf("%s: has %d bytes; want 1 to %d records of %d bytes", file, size, cifarRecords, cifarRecord)
	case c.sizes[b] != 0:
		return fmt.Errorf("%s: is there twice", file)
	}
	c.sizes[b] = n
	first, total, pixels, labels := 0, n, &c.test, &c.known
	if b < 5 {
		if i := slices.IndexFunc(c.sizes[:5], func(other int) bool { return other != 0 && other != n }); i >= 0 {
			return fmt.Errorf("%s: has %d records, %s has %d; want the same number", file, n, cifarBatches[i], c.sizes[i])
		}
		first, total, pixels, labels = b*n, 5*n, &c.train, &c.labels
	}
	if *pixels == nil {
		need := int64(total) * (cifarPixels + labelBytes)
		if err := withinLimit(float64(need), c.limit); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		c.limit -= need
		*pixels, *labels = make([]byte, total*cifarPixels), make([]int, total)
	}
	var label [1]byte
	for i := range n {
		_, err := io.ReadFull(r, label[:])
		if err == nil {
			_, err = io.ReadFull(r, (*pixels)[(first+i)*cifarPixels:(first+i+1)*cifarPixels])
		}
		if err != nil {
			return fmt.Errorf("%s: record %d: %w", file, i, err)
		}
		if label[0] >= cifarClasses {
			return fmt.Errorf("%s: byte %d: label %d of record %d is out of range, want 0 to %d", file, i*cifarRecord, label[0], i, cifarClasses-1)
		}
		(*labels)[first+i] = int(label[0])
	}
	return nil
}

func (c *cifar) splits() []Split {
	return []Split{
		{Name: Train, Packed: PackBytes(c.train), Labels: c.labels, Index: rowNumbers(len(c.labels))},
		{Name: Test, Packed: PackBytes(c.test), Labels: c.known, Index: rowNumbers(len(c.known))},
	}
}
