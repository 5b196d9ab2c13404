package npy

import (
	"archive/zip"
	"fmt"
)

// maxInflation bounds how many bytes one byte of a deflated stream can stand for.
const maxInflation = 1032

// CheckEntry returns an error if an entry of a zip file of size bytes cannot have the size that the directory claims.
func CheckEntry(f *zip.File, size int64) error {
	if stored := f.CompressedSize64; stored > uint64(size) || f.UncompressedSize64/maxInflation > stored {
		return fmt.Errorf("is damaged: %d bytes cannot be stored in %d of a file of %d", f.UncompressedSize64, stored, size)
	}
	return nil
}
