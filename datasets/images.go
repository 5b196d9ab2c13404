package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // formats of image.Decode
	_ "image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

const (
	// maxImageFile is the largest file of one image, in bytes. Sets for networks have images of some kilobytes.
	maxImageFile = 64 << 20
	// maxImageSide keeps the products of sides within an int on every machine.
	maxImageSide = 1 << 14
)

// readImageFolder reads a set from the images in a folder. See [Load].
func readImageFolder(ctx context.Context, dir string, limit int64) (*Dataset, error) {
	parts, err := imageParts(dir)
	if err != nil {
		return nil, err
	}
	d := &Dataset{Name: filepath.Base(dir), Description: "images of a folder", Source: dir}
	for _, p := range parts {
		if err := p.list(); err != nil {
			return nil, err
		}
	}
	d.Classes = parts[0].classes
	if len(d.Classes) < 2 {
		return nil, fmt.Errorf("%s: has the class folders %q; want at least two, DIR/CLASS/NAME.png, or DIR/train/CLASS/NAME.png and DIR/test/CLASS/NAME.png", parts[0].dir, d.Classes)
	}
	first, err := readImage(parts[0].files[0])
	if err != nil {
		return nil, err
	}
	d.Shape = first.shape()
	if err := withinLimit(imageMemory(parts, first), limit); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	for _, p := range parts {
		s, err := p.read(ctx, d.Classes, first)
		if err != nil {
			return nil, err
		}
		d.Splits = append(d.Splits, *s)
	}
	return d, nil
}

// decoderBytes is the most memory that decoding takes for a pixel: 12 bytes of coefficients and 3 values of a progressive
// JPEG.
const decoderBytes = 16

// imageMemory returns the bytes that the images take, and the decoding of one.
func imageMemory(parts []*imagePart, first *picture) float64 {
	width := first.channels * first.rows * first.columns
	need := decoderBytes * float64(first.rows*first.columns)
	for _, p := range parts {
		need += float64(len(p.files)) * (float64(width) + labelBytes)
	}
	return need
}

// imagePart are the images of one split, a folder a class.
type imagePart struct {
	split, dir string
	classes    []string // names of the folders, sorted
	files      []string // paths, by class and name
	owners     []string // the class of each file
}

// imageParts returns the folders of the splits, that of the train split first: those of the splits' names if there is one
// of the train split, and else the folder itself.
func imageParts(dir string) ([]*imagePart, error) {
	names, err := subfolders(dir)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, Train) {
		return []*imagePart{{split: Train, dir: dir}}, nil
	}
	var parts []*imagePart
	for _, name := range names {
		split := canonicalSplit(name)
		if splitOrder(split) < 0 {
			return nil, fmt.Errorf("%s: is a folder beside %s; want train, validation and test alone", filepath.Join(dir, name), Train)
		}
		if i := slices.IndexFunc(parts, func(p *imagePart) bool { return p.split == split }); i >= 0 {
			return nil, fmt.Errorf("%s: is of the same split as %s", filepath.Join(dir, name), parts[i].dir)
		}
		parts = append(parts, &imagePart{split: split, dir: filepath.Join(dir, name)})
	}
	slices.SortFunc(parts, func(a, b *imagePart) int { return splitOrder(a.split) - splitOrder(b.split) })
	return parts, nil
}

// subfolders returns the names of the folders in dir, sorted. Hidden ones are left out.
func subfolders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, e.Name())) // follows links
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// list finds the files. Files of other types than images are left out, an empty class is an error.
func (p *imagePart) list() (err error) {
	if p.classes, err = subfolders(p.dir); err != nil {
		return err
	}
	for _, class := range p.classes {
		dir, before := filepath.Join(p.dir, class), len(p.files)
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			ext := strings.ToLower(filepath.Ext(e.Name()))
			if slices.Contains([]string{".png", ".jpg", ".jpeg"}, ext) && !strings.HasPrefix(e.Name(), ".") {
				p.files, p.owners = append(p.files, filepath.Join(dir, e.Name())), append(p.owners, class)
			}
		}
		if len(p.files) == before {
			return fmt.Errorf("%s: has no .png, .jpg or .jpeg file", dir)
		}
	}
	if len(p.files) == 0 {
		return fmt.Errorf("%s: has no folder a class with .png, .jpg or .jpeg files", p.dir)
	}
	return nil
}

// read reads the images, which must be like the first of the set.
func (p *imagePart) read(ctx context.Context, classes []string, first *picture) (*Split, error) {
	width := first.channels * first.rows * first.columns
	pixels := make([]byte, len(p.files)*width)
	s := &Split{Name: p.split, Packed: PackBytes(pixels), Labels: make([]int, len(p.files))}
	for i, path := range p.files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.Labels[i] = slices.Index(classes, p.owners[i]); s.Labels[i] < 0 {
			return nil, fmt.Errorf("%s: is of a class that the train split does not have; it has %q", filepath.Dir(path), classes)
		}
		img, err := readImage(path)
		if err != nil {
			return nil, err
		}
		if img.kind() != first.kind() {
			return nil, fmt.Errorf("%s: is %s; %s is %s, and all must be alike", path, img.kind(), first.path, first.kind())
		}
		if err := img.pixels(pixels[i*width : (i+1)*width]); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return s, nil
}

// picture is an image file whose header was read.
type picture struct {
	path                    string
	file                    []byte
	channels, rows, columns int
}

// readImage reads a file and the header of the image in it.
func readImage(path string) (*picture, error) {
	f, size, err := durable.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > maxImageFile {
		return nil, fmt.Errorf("%s: has %d bytes; want at most %d", path, size, maxImageFile)
	}
	file, err := io.ReadAll(io.LimitReader(f, size))
	if err != nil {
		return nil, err
	}
	img, err := newPicture(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	img.path = path
	return img, nil
}

func newPicture(file []byte) (*picture, error) {
	header, format, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, notAnImage(err)
	}
	img := &picture{file: file, channels: 3, rows: header.Height, columns: header.Width}
	switch header.ColorModel {
	case color.GrayModel:
		img.channels = 1
	case color.RGBAModel, color.NRGBAModel, color.YCbCrModel:
	case color.Gray16Model, color.RGBA64Model, color.NRGBA64Model:
		return nil, errors.New("has 16 bits a channel; want 8")
	default:
		if _, palette := header.ColorModel.(color.Palette); !palette {
			return nil, fmt.Errorf("is a %s of a colour model other than grey and RGB", format)
		}
	}
	if img.rows < 1 || img.columns < 1 || img.rows > maxImageSide || img.columns > maxImageSide {
		return nil, fmt.Errorf("has %d × %d pixels; want 1 to %d a side", img.rows, img.columns, maxImageSide)
	}
	if pixels := img.rows * img.columns; pixels > 8*gzipRatio*len(file) { // a pixel of a PNG takes a bit before compression
		return nil, fmt.Errorf("is cut off: %d bytes cannot hold %d pixels", len(file), pixels)
	}
	return img, nil
}

func notAnImage(err error) error {
	if errors.Is(err, image.ErrFormat) {
		return errors.New("is neither a PNG nor a JPEG image")
	}
	return fmt.Errorf("is damaged: %w", err)
}

func (img *picture) shape() []int { return []int{img.channels, img.rows, img.columns} }

func (img *picture) kind() string {
	colour := "RGB"
	if img.channels == 1 {
		colour = "grayscale"
	}
	return fmt.Sprintf("%d × %d %s", img.rows, img.columns, colour)
}

// pixels decodes the image into dst, channel by channel.
func (img *picture) pixels(dst []byte) error {
	decoded, _, err := image.Decode(bytes.NewReader(img.file))
	if err != nil {
		return notAnImage(err)
	}
	corner, plane := decoded.Bounds().Min, img.rows*img.columns
	if gray, ok := decoded.(*image.Gray); ok && img.channels == 1 {
		for r := range img.rows {
			copy(dst[r*img.columns:(r+1)*img.columns], gray.Pix[r*gray.Stride:])
		}
		return nil
	}
	for r := range img.rows {
		for c := range img.columns {
			rgba := color.NRGBAModel.Convert(decoded.At(corner.X+c, corner.Y+r)).(color.NRGBA)
			if rgba.A != 255 {
				return fmt.Errorf("row %d, column %d is transparent; want an opaque image", r, c)
			}
			values := [...]uint8{rgba.R, rgba.G, rgba.B}
			for channel, v := range values[:img.channels] {
				dst[channel*plane+r*img.columns+c] = v
			}
		}
	}
	return nil
}
