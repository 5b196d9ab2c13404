package datasets

import (
	"fmt"
	"math/rand/v2"
)

// Augmentation says how images are changed at random whenever they are trained on. The zero value changes nothing. A crop
// comes first, then a shift, then a flip.
type Augmentation struct {
	// Crop cuts out a window that is smaller by 0 to Crop pixels in both directions, at a random place, and enlarges it to
	// the size of the image (bilinear).
	Crop int `yaml:"crop,omitempty"`
	// Shift moves the image by −Shift to Shift pixels in each direction. What comes in is black, the value 0 of the source:
	// that is to pad by Shift pixels and to cut out a window of the image's size.
	Shift int `yaml:"shift,omitempty"`
	// Flip mirrors every other image, left to right.
	Flip bool `yaml:"flip,omitempty"`
}

// Validate returns an error for a setting that no image can have.
func (a Augmentation) Validate() error {
	switch {
	case a.Shift < 0:
		return fmt.Errorf("shift is %d; want a number of pixels, 0 for none", a.Shift)
	case a.Crop < 0:
		return fmt.Errorf("crop is %d; want a number of pixels, 0 for none", a.Crop)
	}
	return nil
}

// For returns the Augmenter of images of d, whose Shape must be (channels, rows, columns).
func (a Augmentation) For(d *Dataset) (*Augmenter, error) {
	if err := a.Validate(); err != nil {
		return nil, fmt.Errorf("datasets: augmentation: %w", err)
	}
	if len(d.Shape) != 3 {
		return nil, fmt.Errorf("datasets: augmentation: %s has samples of shape %v; want images, (channels, rows, columns)", d.Name, d.Shape)
	}
	g := &Augmenter{a: a, channels: d.Shape[0], rows: d.Shape[1], columns: d.Shape[2], before: make([]float64, d.Width())}
	if side := min(g.rows, g.columns); a.Shift >= side || a.Crop >= side {
		return nil, fmt.Errorf("datasets: augmentation: shift %d and crop %d of images of %d × %d pixels; want less than a side", a.Shift, a.Crop, g.rows, g.columns)
	}
	g.black = make([]float64, g.channels)
	if s := d.Scaling; s != nil {
		if len(s.Mean) != g.channels || len(s.Scale) != g.channels {
			return nil, fmt.Errorf("datasets: augmentation: the Scaling of %s is not of %d channels", d.Name, g.channels)
		}
		s.Apply(g.black, g.channels)
	}
	return g, nil
}

// An Augmenter changes images at random. It belongs to one goroutine.
type Augmenter struct {
	a                       Augmentation
	channels, rows, columns int
	black                   []float64 // of each channel
	before                  []float64 // the image before a step
}

// Apply changes the image x, of channels × rows × columns values. What it does depends on rng alone.
func (g *Augmenter) Apply(rng *rand.Rand, x []float64) {
	if g.a.Crop > 0 {
		if less := rng.IntN(g.a.Crop + 1); less > 0 {
			g.enlarge(x, less, rng.IntN(less+1), rng.IntN(less+1))
		}
	}
	if s := g.a.Shift; s > 0 {
		g.shift(x, rng.IntN(2*s+1)-s, rng.IntN(2*s+1)-s)
	}
	if g.a.Flip && rng.IntN(2) == 1 {
		g.flip(x)
	}
}

// enlarge replaces the image by the window that has less pixels in both directions and begins at a row and a column.
func (g *Augmenter) enlarge(x []float64, less, row, column int) {
	copy(g.before, x)
	for r := range g.rows {
		r0, r1, down := between(r, g.rows, less, row)
		for c := range g.columns {
			c0, c1, right := between(c, g.columns, less, column)
			for k := range g.channels {
				image := g.before[k*g.rows*g.columns:]
				upper := image[r0*g.columns+c0]*(1-right) + image[r0*g.columns+c1]*right
				lower := image[r1*g.columns+c0]*(1-right) + image[r1*g.columns+c1]*right
				x[(k*g.rows+r)*g.columns+c] = upper*(1-down) + lower*down
			}
		}
	}
}

// between returns the two pixels, among size − less from first on, between which the centre of pixel i of size enlarged
// ones lies, and how far it is from the first to the second.
func between(i, size, less, first int) (low, high int, part float64) {
	window := size - less
	at := max(0, (float64(i)+0.5)*float64(window)/float64(size)-0.5)
	low = int(at)
	return first + low, first + min(low+1, window-1), at - float64(low)
}

// shift moves the image down and right.
func (g *Augmenter) shift(x []float64, down, right int) {
	copy(g.before, x)
	for k := range g.channels {
		for r := range g.rows {
			row := x[(k*g.rows+r)*g.columns:][:g.columns]
			for c := range row {
				if from, at := r-down, c-right; from >= 0 && from < g.rows && at >= 0 && at < g.columns {
					row[c] = g.before[(k*g.rows+from)*g.columns+at]
				} else {
					row[c] = g.black[k]
				}
			}
		}
	}
}

// flip mirrors every row.
func (g *Augmenter) flip(x []float64) {
	for i := 0; i < len(x); i += g.columns {
		for a, b := i, i+g.columns-1; a < b; a, b = a+1, b-1 {
			x[a], x[b] = x[b], x[a]
		}
	}
}
