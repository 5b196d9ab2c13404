package command

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/plot"
	"github.com/hessoscope/hessoscope/datasets"
)

// randomImages returns n images of each of two classes, the second of which is lighter.
// All values are multiples of 1/255.
func randomImages(n int, shape ...int) *datasets.Dataset {
	d := &datasets.Dataset{Shape: shape, Splits: []datasets.Split{{Name: datasets.Train}}}
	s := &d.Splits[0]
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 2 * n {
		s.Labels = append(s.Labels, i%2)
		for range d.Width() {
			s.X = append(s.X, float64(rng.IntN(180)+i%2*75)/255)
		}
	}
	return d
}

// The panels of the nearest sample have the pixels of the sample, of the boundary point
// in the JSON, and of the difference; the sample's are those of the source, also where
// the data were standardized.
func TestBoundaryImages(t *testing.T) {
	for _, c := range []struct {
		shape       []int
		standardize bool
		samples     int
		cells       image.Point // samples side by side, and lines of them
	}{
		{[]int{1, 6, 6}, true, 5, image.Pt(2, 3)},
		{[]int{3, 5, 4}, false, 1, image.Pt(1, 1)},
	} {
		t.Run(fmt.Sprint(c.shape), func(t *testing.T) {
			chdir(t)
			data := randomImages(20, c.shape...)
			writeNPZ(t, "mine.npz", data)
			succeed(t, "train", "iris", "--name", "mine", "--no-progress", "--data", "mine.npz", "--set", fmt.Sprint("data.standardize=", c.standardize),
				"--set", "training.epochs=60", "--set", "model.hidden=[4]", "--set", "spectrum.off=true", "--set", "margin.off=true")
			out := succeed(t, "analyze", "runs/mine", "--no-complexity", "--top", "1", "--bottom", "0", "--json", "-",
				"--boundary-images", "n.png", "--margin-samples", fmt.Sprint(c.samples))
			m := decode[analysis.Result](t, out).Margin
			if m == nil || m.Min == nil || m.Misclassified != 0 {
				t.Fatalf("%+v; want a margin, and none misclassified", m)
			}
			sample, point := data.Splits[0].X[m.Sample*data.Width():(m.Sample+1)*data.Width()], m.Point
			if c.standardize {
				scaled, err := data.Standardize()
				if err != nil {
					t.Fatal(err)
				}
				scaled.Scaling.Undo(point, data.Width())
			}
			picture := decodePNG(t, "n.png")
			area := c.shape[1] * c.shape[2]
			zoom := (imageSide + c.shape[1] - 1) / c.shape[1]
			cell := imageSide + 2*imageFrame
			width := 3*cell + 2*imageGap
			size := picture.Bounds().Size()
			if size.X != sheetGap+c.cells.X*(width+sheetGap) || size.Y < c.cells.Y*(cell+2*lineHeight) || size.Y > c.cells.Y*(cell+2*lineHeight+sheetGap)+9*lineHeight {
				t.Errorf("%d × %d pixels; want room for %d × %d samples", size.X, size.Y, c.cells.X, c.cells.Y)
			}
			at := func(panel, i int) color.NRGBA { // the middle of the square of a pixel
				column, row := i%c.shape[2], i/c.shape[2]
				x := sheetGap + panel*(cell+imageGap) + (cell-zoom*c.shape[2])/2 + zoom*column + zoom/2
				y := sheetGap/2 + 2*lineHeight + imageFrame + zoom*row + zoom/2
				return color.NRGBAModel.Convert(picture.At(x, y)).(color.NRGBA)
			}
			more, less := 0, 0
			for i := range area {
				for panel, x := range [][]float64{sample, point} {
					have, last := at(panel, i), (c.shape[0]-1)*area
					want := [3]float64{x[i], x[i+last/2], x[i+last]}
					for k, v := range [3]uint8{have.R, have.G, have.B} {
						if w := 255 * min(max(want[k], 0), 1); math.Abs(float64(v)-w) > 0.501 {
							t.Fatalf("panel %d, pixel %d: %v; want %.2f in channel %d", panel, i, have, w, k)
						}
					}
				}
				largest := 0.0
				for k := i; k < len(sample); k += area {
					if d := point[k] - sample[k]; math.Abs(d) > math.Abs(largest) {
						largest = d
					}
				}
				// Towards vermillion the blue fades most, towards blue the red.
				switch d := at(2, i); {
				case largest > 0 && d.B <= d.R:
					more++
				case largest < 0 && d.R <= d.B:
					less++
				default:
					t.Fatalf("pixel %d changes by %v and has the colour %v", i, largest, d)
				}
			}
			if more+less != area || more == area {
				t.Errorf("%d pixels become lighter and %d darker; want some of both", more, less)
			}
			frame := picture.At(sheetGap+(cell-zoom*c.shape[2])/2-1, sheetGap/2+2*lineHeight+cell/2)
			if have := color.NRGBAModel.Convert(frame); have != plot.Class(data.Splits[0].Labels[m.Sample]) {
				t.Errorf("the frame has the colour %v; want that of class %d", have, data.Splits[0].Labels[m.Sample])
			}
		})
	}
}

func decodePNG(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

func TestBadBoundaryImages(t *testing.T) {
	iris, err := filepath.Abs("testdata/iris.npz")
	if err != nil {
		t.Fatal(err)
	}
	testBadInputs(t, []badInput{
		{"images by another name", nil, []string{"analyze", "--weights", "w.npz", "--data", "iris", "--boundary-images", "n.jpg"}, []string{"--boundary-images n.jpg: want a name that ends in .png"}},
		{"no images", nil, []string{"analyze", "--weights", iris, "--data", "iris", "--boundary-images", "n.png"}, []string{"--boundary-images: want images of 1 or 3 channels; a sample of iris has the shape [4]"}},
	})
}
