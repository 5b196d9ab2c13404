package plot

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"image"
	"math"
	"path/filepath"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

// Figure is a picture: panels of one size in rows.
type Figure struct {
	Rows [][]*Panel
	// Width and Height are the size of a panel with its legend; 13 and 9.5 cm if zero.
	Width, Height vg.Length
}

const (
	dpi    = 96
	margin = 3 * vg.Millimeter // around a panel
)

// Formats are the formats of pictures.
var Formats = []string{"png", "svg"}

// Write writes the figure to a file, whose extension names the format.
func (f *Figure) Write(path string) error {
	data, err := f.Encode(filepath.Ext(path))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return durable.WriteFile(path, data)
}

// Encode returns the figure in a format: ".png" or ".svg". The same figure gives the
// same bytes.
func (f *Figure) Encode(extension string) ([]byte, error) {
	var b bytes.Buffer
	switch extension {
	case ".png":
		canvas, err := f.raster(dpi)
		if err != nil {
			return nil, err
		}
		if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&b); err != nil {
			return nil, err
		}
	case ".svg":
		width, height, err := f.size()
		if err != nil {
			return nil, err
		}
		canvas := vgsvg.New(width, height)
		f.draw(draw.New(canvas))
		if _, err := canvas.WriteTo(&b); err != nil {
			return nil, err
		}
		const family = "font-family:Liberation Sans" // where it is not installed, Arial has the same widths
		return bytes.ReplaceAll(b.Bytes(), []byte(family), []byte(family+",Arial,Helvetica,sans-serif")), nil
	default:
		return nil, fmt.Errorf("extension %q; want .png or .svg", extension)
	}
	return b.Bytes(), nil
}

// Image returns the figure as pixels, so many an inch.
func (f *Figure) Image(dpi int) (image.Image, error) {
	canvas, err := f.raster(dpi)
	if err != nil {
		return nil, err
	}
	return canvas.Image(), nil
}

func (f *Figure) raster(dpi int) (*vgimg.Canvas, error) {
	width, height, err := f.size()
	if err != nil {
		return nil, err
	}
	canvas := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))
	f.draw(draw.New(canvas))
	return canvas, nil
}

// size returns the size of the whole figure, or the first error of its panels.
func (f *Figure) size() (width, height vg.Length, err error) {
	columns := 0
	for _, row := range f.Rows {
		columns = max(columns, len(row))
		for _, p := range row {
			if p.err != nil {
				return 0, 0, fmt.Errorf("panel %q: %w", p.Title.Text, p.err)
			}
		}
	}
	if columns == 0 {
		return 0, 0, errors.New("the figure has no panels")
	}
	w, h := f.panelSize()
	return vg.Length(columns) * w, vg.Length(len(f.Rows)) * h, nil
}

func (f *Figure) panelSize() (width, height vg.Length) {
	return cmp.Or(f.Width, 13*vg.Centimeter), cmp.Or(f.Height, 9.5*vg.Centimeter)
}

func (f *Figure) draw(c draw.Canvas) {
	w, h := f.panelSize()
	swatch{white}.fill(&c) // an SVG is transparent
	for i, row := range f.Rows {
		lines := 0
		for _, p := range row {
			lines = max(lines, len(p.rows(w-2*margin)))
		}
		top := c.Max.Y - vg.Length(i)*h
		for j, p := range row {
			left := c.Min.X + vg.Length(j)*w
			tile := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
				Min: vg.Point{X: left + margin, Y: top - h + margin}, Max: vg.Point{X: left + w - margin, Y: top - margin},
			}}
			legend := vg.Length(lines) * legendLine
			p.draw(draw.Crop(tile, 0, 0, legend, 0))
			p.drawLegend(draw.Crop(tile, 0, 0, 0, legend-tile.Size().Y))
		}
	}
}

func (p *Panel) draw(c draw.Canvas) {
	shown := *p.Plot // drawing twice must not widen twice
	if !p.fixed {
		widen(&shown.X)
		widen(&shown.Y)
	}
	// The label of the vertical axis is drawn here: gonum leaves room for it as if a
	// logarithmic axis were linear.
	label := shown.Y.Label
	if label.Text != "" {
		style := label.TextStyle
		style.Rotation, style.XAlign, style.YAlign = math.Pi/2, text.XCenter, text.YTop
		shown.Y.Label.Text = ""
		width := style.Height("x") + labelSize
		c = p.squared(&shown, draw.Crop(c, width, 0, 0, 0))
		area := shown.DataCanvas(c)
		c.FillText(style, vg.Point{X: c.Min.X - width, Y: area.Center().Y}, label.Text)
	}
	shown.Draw(c)
}

// squared returns the part of a canvas in which the area of the data is a square, if it
// is to be one.
func (p *Panel) squared(shown *gonum.Plot, c draw.Canvas) draw.Canvas {
	if !p.square {
		return c
	}
	area := shown.DataCanvas(c).Size()
	side := min(area.X, area.Y)
	return draw.Crop(c, (area.X-side)/2, (side-area.X)/2, (area.Y-side)/2, (side-area.Y)/2)
}
