package datasets

import (
	"context"
	"fmt"
)

// loadMNIST reads the four files from opt.DataDir, or else from the user's cache, which fetch fills if need be.
func loadMNIST(ctx context.Context, e *entry, opt Options, fetch func(context.Context, FetchOptions) (string, error)) (*Dataset, error) {
	dir := opt.DataDir
	if dir == "" && mnistCached() {
		dir, _ = mnistCache() // mnistCached found it
	}
	if dir == "" {
		var err error
		if dir, err = fetch(ctx, FetchOptions{}); err != nil {
			return nil, fmt.Errorf("the files are not in the cache and could not be fetched: run `hessoscope datasets fetch mnist` where there is a network, or name a folder that holds them (--data-dir): %w", err)
		}
	}
	d := &Dataset{
		Name:        e.name,
		Description: e.description,
		Source:      e.origin,
		Shape:       e.shape,
		Classes:     e.chosenNames(opt),
	}
	for _, part := range mnistParts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, err := readMNIST(dir, part.images, part.labels, part.split, e, opt)
		if err != nil {
			return nil, err
		}
		d.Splits = append(d.Splits, *s)
	}
	return d, nil
}

// readMNIST reads one split. Only the pixels of the chosen samples are widened to float64.
func readMNIST(dir, images, labels, split string, e *entry, opt Options) (*Split, error) {
	labelFile, err := findIDX(dir, labels)
	if err != nil {
		return nil, err
	}
	imageFile, err := findIDX(dir, images)
	if err != nil {
		return nil, err
	}
	all, err := readLabelFile(labelFile, len(e.classes))
	if err != nil {
		return nil, err
	}
	pixels, err := readImageFile(imageFile)
	if err != nil {
		return nil, err
	}
	if n := len(pixels) / mnistPixels; n != len(all) {
		return nil, fmt.Errorf("%s has %d images, %s has %d labels", imageFile, n, labelFile, len(all))
	}
	rows, kept, err := e.choose(split, all, opt)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", labelFile, err)
	}
	s := &Split{Name: split, X: make([]float64, 0, len(rows)*mnistPixels), Labels: kept, Index: rows}
	for _, r := range rows {
		for _, p := range pixels[r*mnistPixels : (r+1)*mnistPixels] {
			s.X = append(s.X, float64(p)/255)
		}
	}
	return s, nil
}

func readLabelFile(path string, classes int) ([]int, error) {
	f, err := openIDX(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readLabels(f, path, classes)
}

func readImageFile(path string) ([]byte, error) {
	f, err := openIDX(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readImages(f, path, mnistSide, mnistSide)
}
