package datasets

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rgb returns a PNG of 2 × 3 pixels whose value of channel k at row r and column c is base + 100k + 10r + c.
func rgb(base uint8) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	for r := range 2 {
		for c := range 3 {
			v := base + uint8(10*r+c)
			img.SetNRGBA(c, r, color.NRGBA{v, v + 100, v + 200, 255})
		}
	}
	return img
}

func gray(rows, columns int, v uint8) image.Image {
	img := image.NewGray(image.Rect(0, 0, columns, rows))
	for i := range img.Pix {
		img.Pix[i] = v + uint8(i)
	}
	return img
}

func pngFile(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegFile(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLoadImages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pets")
	for path, base := range map[string]uint8{"train/cat/a.png": 0, "train/cat/b.PNG": 20, "train/dog/a.png": 40, "test/dog/z.png": 30} {
		writeFile(t, filepath.Join(dir, path), pngFile(t, rgb(base)))
	}
	writeFile(t, filepath.Join(dir, "train/cat/notes.txt"), []byte("left out"))
	writeFile(t, filepath.Join(dir, "train/.cache/x.png"), []byte("left out"))
	d := mustLoad(t, dir, Options{})
	if d.Name != "pets" || !slices.Equal(d.Shape, []int{3, 2, 3}) || !slices.Equal(d.Classes, []string{"cat", "dog"}) || len(d.Splits) != 2 {
		t.Fatalf("got %+v", d)
	}
	train, test := d.Splits[0], d.Splits[1]
	if !slices.Equal(train.Labels, []int{0, 0, 1}) || !slices.Equal(test.Labels, []int{1}) || test.Name != Test {
		t.Errorf("labels %v and %v", train.Labels, test.Labels)
	}
	row := make([]float64, 18)
	CopyRow(row, &train, 1)
	for i, want := range []float64{20, 21, 22, 30, 31, 32, 120, 121, 122, 130, 131, 132, 220, 221, 222, 230, 231, 232} {
		if row[i] != want/255 {
			t.Fatalf("image b is %v", row)
		}
	}
}

func TestLoadGrayImages(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "0", "a.png"), pngFile(t, gray(8, 8, 10)))
	writeFile(t, filepath.Join(dir, "1", "b.jpg"), jpegFile(t, gray(8, 8, 100)))
	d := mustLoad(t, dir+"/", Options{})
	if !slices.Equal(d.Shape, []int{1, 8, 8}) || len(d.Splits) != 1 || d.Splits[0].Len() != 2 {
		t.Fatalf("got %+v", d)
	}
	for row, base := range []float64{10, 100} {
		x := make([]float64, 64)
		CopyRow(x, &d.Splits[0], row)
		for i, v := range x {
			if diff := v*255 - base - float64(i); diff > 2.5 || diff < -2.5 || row == 0 && diff*diff > 1e-20 { // JPEG rounds
				t.Errorf("image %d, pixel %d: %v", row, i, v*255)
			}
		}
	}
}

func TestLoadImagesRefuses(t *testing.T) {
	transparent := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	for _, test := range []struct {
		name   string
		change func(dir string)
		want   string
	}{
		{"another size", func(dir string) {
			writeFile(t, filepath.Join(dir, "b", "2.png"), pngFile(t, image.NewNRGBA(image.Rect(0, 0, 2, 2))))
			writeFile(t, filepath.Join(dir, "b", "3.png"), nil)
		}, "b/2.png: is 2 × 2 RGB; "},
		{"grayscale among RGB", func(dir string) { writeFile(t, filepath.Join(dir, "b", "2.png"), pngFile(t, gray(2, 3, 0))) }, "b/2.png: is 2 × 3 grayscale; "},
		{"transparent", func(dir string) { writeFile(t, filepath.Join(dir, "b", "2.png"), pngFile(t, transparent)) }, "b/2.png: row 0, column 0 is transparent"},
		{"16 bits", func(dir string) {
			writeFile(t, filepath.Join(dir, "b", "2.png"), pngFile(t, image.NewGray16(image.Rect(0, 0, 3, 2))))
		}, "b/2.png: has 16 bits a channel; want 8"},
		{"no image", func(dir string) { writeFile(t, filepath.Join(dir, "b", "2.png"), []byte("GIF89a")) }, "b/2.png: is neither a PNG nor a JPEG image"},
		{"cut off", func(dir string) { writeFile(t, filepath.Join(dir, "b", "2.png"), pngFile(t, rgb(0))[:60]) }, "b/2.png: is damaged: "},
		{"claims much", func(dir string) {
			header := pngFile(t, image.NewGray(image.Rect(0, 0, 1<<14, 1<<14)))[:100]
			writeFile(t, filepath.Join(dir, "a", "1.png"), header)
		}, "a/1.png: is cut off: "},
		{"a class is empty", func(dir string) { os.Mkdir(filepath.Join(dir, "c"), 0o755) }, "c: has no .png, .jpg or .jpeg file"},
		{"one class", func(dir string) { os.RemoveAll(filepath.Join(dir, "b")) }, `has the class folders ["a"]; want at least two`},
		{"no folder", func(dir string) { os.RemoveAll(dir) }, "no such file or directory"},
		{"an empty folder", func(dir string) { os.RemoveAll(dir); os.Mkdir(dir, 0o755) }, "has no folder a class"},
		{"folder beside train", func(dir string) { os.Mkdir(filepath.Join(dir, "train"), 0o755) }, "a: is a folder beside train; want train, validation and test alone"},
	} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "a", "1.png"), pngFile(t, rgb(0)))
		writeFile(t, filepath.Join(dir, "b", "1.png"), pngFile(t, rgb(9)))
		test.change(dir)
		_, err := Load(t.Context(), dir, Options{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v\nwant %q in it", test.name, err, test.want)
		}
	}
	dir := t.TempDir()
	for _, path := range []string{"train/a/1.png", "train/b/1.png", "test/c/1.png"} {
		writeFile(t, filepath.Join(dir, path), pngFile(t, rgb(0)))
	}
	for want, opt := range map[string]Options{
		"test/c: is of a class that the train split does not have": {},
		"needs 1.74e-07 GB of memory":                              {MaxGB: 1e-9},
	} {
		if _, err := Load(t.Context(), dir, opt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q in it", err, want)
		}
	}
}

// progressive returns a small JPEG image of so many pixels a side, whose data are missing: a decoder takes 15 bytes for each.
func progressive(side uint16) string {
	size := string([]byte{byte(side >> 8), byte(side)})
	return "\xff\xd8" + "\xff\xdb\x00\x43\x00" + strings.Repeat("\x01", 64) +
		"\xff\xc2\x00\x11\x08" + size + size + "\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00" +
		"\xff\xc4\x00\x14\x00\x01" + strings.Repeat("\x00", 16) +
		"\xff\xda\x00\x0c\x03\x01\x00\x02\x00\x03\x00\x00\x00\x00" + strings.Repeat("\x00", int(side)*int(side)/8192+1) + "\xff\xd9"
}

// What decoding takes counts, too.
func TestLoadImagesCountsDecoding(t *testing.T) {
	dir := t.TempDir()
	for _, class := range []string{"a", "b"} {
		writeFile(t, filepath.Join(dir, class, "1.jpg"), []byte(progressive(1<<13)))
	}
	_, err := Load(t.Context(), dir, Options{})
	if err == nil || !strings.Contains(err.Error(), "needs 1.48 GB of memory") {
		t.Error(err)
	}
}

// FuzzImage checks that any file of a small image is decoded into all its pixels, or is an error of one line.
func FuzzImage(f *testing.F) {
	f.Add(pngFile(f, rgb(0)))
	f.Add(pngFile(f, gray(2, 3, 7)))
	f.Add(jpegFile(f, rgb(0)))
	f.Add(jpegFile(f, gray(8, 9, 7)))
	f.Add([]byte(progressive(1 << 13)))
	f.Fuzz(func(t *testing.T, b []byte) {
		img, err := newPicture(b)
		if err == nil {
			if pixels := img.rows * img.columns; decoderBytes*pixels < 1<<28 {
				err = img.pixels(make([]byte, img.channels*pixels))
			}
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("error %q", err)
		}
	})
}
