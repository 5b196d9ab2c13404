package command

import (
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/plot"
)

// A picture has one panel for each available result. If the inputs have two dimensions,
// it has the colours of all classes.
func TestAnalyzePicture(t *testing.T) {
	skipShort(t)
	plane := []string{"--weights", "../../../models/weights/testdata/gauss_small.npz", "--data", "gauss"}
	iris := []string{"--weights", "testdata/iris.npz", "--data", "iris"}
	for _, c := range []struct {
		name   string
		args   []string
		panels int
		colors []color.NRGBA
	}{
		{"regions", append(plane, "--margin"), 2, []color.NRGBA{plot.Pale(plot.Class(0)), plot.Pale(plot.Class(1)), plot.Pale(plot.Class(2)), plot.Vermillion}},
		{"without margins", plane, 2, []color.NRGBA{plot.Pale(plot.Class(0)), plot.Pale(plot.Class(1)), plot.Pale(plot.Class(2))}},
		{"distances", append(iris, "--margin"), 2, []color.NRGBA{plot.Green}},
		{"eigenvalues", iris, 1, []color.NRGBA{plot.Vermillion}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "net.png")
			succeed(t, append([]string{"analyze", "--no-complexity", "--method", "lanczos", "--picture", path}, c.args...)...)
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			picture, err := png.Decode(f)
			if err != nil {
				t.Fatal(err)
			}
			size := picture.Bounds().Size()
			if size.X < size.Y*c.panels-2 || size.X > size.Y*c.panels+2 {
				t.Errorf("%d × %d pixels, want %d panels", size.X, size.Y, c.panels)
			}
			found := make(map[color.NRGBA]bool)
			for y := range size.Y {
				for x := range size.X {
					found[color.NRGBAModel.Convert(picture.At(x, y)).(color.NRGBA)] = true
				}
			}
			for _, want := range c.colors {
				if !found[want] {
					t.Errorf("no pixel of %v", want)
				}
			}
		})
	}
}
