package command

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/callbacks/plot"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/models"
)

const (
	shownImages = 8   // samples that are drawn, at most
	imageSide   = 120 // pixels that the longer side of an image takes, at least
	imageFrame  = 4   // pixels of the frame in the colour of a class
	imageGap    = 12  // pixels between frames
	sheetGap    = 32  // pixels between the samples, and around them
	lineHeight  = 18  // pixels of a line of text
)

// boundaryImages draws samples beside the nearest images on the decision boundary.
type boundaryImages struct {
	data                    *datasets.Dataset
	channels, rows, columns int
	low, high               float64 // source values that are drawn black and white
	limit                   float64 // largest difference that is drawn
}

// newBoundaryImages returns an error if the samples are no images.
func newBoundaryImages(model models.Model, data *datasets.Dataset) (*boundaryImages, error) {
	shape := data.Shape
	if len(shape) != 3 {
		shape = model.InputShape()
	}
	if len(shape) != 3 || shape[0] != 1 && shape[0] != 3 {
		return nil, fmt.Errorf("want images of 1 or 3 channels; a sample of %s has the shape %d", data.Name, data.Shape)
	}
	return &boundaryImages{data: data, channels: shape[0], rows: shape[1], columns: shape[2]}, nil
}

// boundaryImage is a sample and its nearest image on the boundary, in the values of
// the source.
type boundaryImage struct {
	index            int // in the distances
	sample, boundary []float64
}

// write draws the rightly classified samples that are nearest to the boundary. From
// left to right: the sample, the image on the boundary, and what was changed.
func (b *boundaryImages) write(path string, split *datasets.Split, m *margin.Distances) error {
	nearest, err := b.nearest(split, m)
	if err != nil {
		return err
	}
	b.scale(nearest)
	perRow := min(2, len(nearest))
	cell := image.Pt(max(b.side().X, imageSide)+2*imageFrame, b.side().Y+2*imageFrame+2*lineHeight)
	width := 3*cell.X + 2*imageGap
	lines := (len(nearest) + perRow - 1) / perRow
	top := sheetGap/2 + 2*lineHeight
	bottom := top + lines*(cell.Y+sheetGap/2)
	s := newSheet(sheetGap+perRow*(width+sheetGap), bottom+4*lineHeight+sheetGap/2)
	s.write(s.size.X/2, sheetGap/2, draw.XCenter, s.size.X, fmt.Sprintf("%s, %s: images nearest to the decision boundary", b.data.Name, split.Name), 12)
	for i, p := range nearest {
		at := image.Pt(sheetGap+i%perRow*(width+sheetGap), top+i/perRow*(cell.Y+sheetGap/2))
		for k, panel := range b.panels(m, p) {
			b.drawPanel(s, at.Add(image.Pt(k*(cell.X+imageGap), 0)), cell.X, panel)
		}
	}
	b.drawLegend(s, bottom)
	return writePNG(path, s.canvas)
}

// nearest returns the samples that are drawn, the nearest one first.
func (b *boundaryImages) nearest(split *datasets.Split, m *margin.Distances) ([]boundaryImage, error) {
	var order []int
	for i, rival := range m.Rivals {
		if rival >= 0 && m.Predicted[i] == m.Labels[i] {
			order = append(order, i)
		}
	}
	if len(order) == 0 {
		return nil, errors.New("no rightly classified sample has a boundary within reach")
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(m.Values[i], m.Values[j]) })
	var nearest []boundaryImage
	width := b.channels * b.rows * b.columns
	for _, i := range order[:min(shownImages, len(order))] {
		p := boundaryImage{i, make([]float64, width), slices.Clone(m.Points[i*width : (i+1)*width])}
		datasets.CopyRow(p.sample, split, m.Rows[i])
		if b.data.Scaling != nil {
			b.data.Scaling.Undo(p.sample, width)
			b.data.Scaling.Undo(p.boundary, width)
		}
		nearest = append(nearest, p)
	}
	return nearest, nil
}

// scale sets the range of the values: 0 to 1 if the samples are within, else their
// own; and the largest difference.
func (b *boundaryImages) scale(nearest []boundaryImage) {
	b.low, b.high, b.limit = math.Inf(1), math.Inf(-1), 0
	for _, p := range nearest {
		b.low, b.high = min(b.low, floats.Min(p.sample)), max(b.high, floats.Max(p.sample))
		b.limit = max(b.limit, floats.Distance(p.sample, p.boundary, math.Inf(1)))
	}
	const rounding = 1e-9 // of values that were standardized
	if b.low >= -rounding && b.high <= 1+rounding || b.low == b.high {
		b.low, b.high = 0, 1
	}
}

// imagePanel is one image with two lines below it.
type imagePanel struct {
	frame color.Color
	pixel func(i int) color.NRGBA
	lines [2]string
}

func (b *boundaryImages) panels(m *margin.Distances, p boundaryImage) [3]imagePanel {
	i := p.index
	kind := "upper bound"
	switch {
	case m.Certified[i]:
		kind = "certified"
	case m.Converged[i]:
		kind = "converged"
	}
	return [3]imagePanel{
		{plot.Class(m.Predicted[i]), b.shade(p.sample), [2]string{fmt.Sprint("sample ", m.Rows[i]), "class " + b.class(m.Predicted[i])}},
		{plot.Class(m.Rivals[i]), b.shade(p.boundary), [2]string{"on the boundary", "to class " + b.class(m.Rivals[i])}},
		{color.Gray{224}, b.difference(p), [2]string{fmt.Sprintf("distance %.4g", m.Values[i]), kind}},
	}
}

func (b *boundaryImages) class(c int) string {
	if c < len(b.data.Classes) {
		return b.data.Classes[c]
	}
	return fmt.Sprint(c)
}

// shade returns the colours of the pixels of an image.
func (b *boundaryImages) shade(x []float64) func(i int) color.NRGBA {
	level := func(v float64) uint8 {
		return uint8(math.Round(255 * min(max((v-b.low)/(b.high-b.low), 0), 1)))
	}
	area := b.rows * b.columns
	return func(i int) color.NRGBA {
		last := (b.channels - 1) * area
		return color.NRGBA{level(x[i]), level(x[i+last/2]), level(x[i+last]), 255}
	}
}

// difference returns the colours of the differences of the pixels, each in the channel
// where it is largest.
func (b *boundaryImages) difference(p boundaryImage) func(i int) color.NRGBA {
	area := b.rows * b.columns
	return func(i int) color.NRGBA {
		largest := 0.0
		for k := i; k < len(p.sample); k += area {
			if d := p.boundary[k] - p.sample[k]; math.Abs(d) > math.Abs(largest) {
				largest = d
			}
		}
		return b.diverging(largest)
	}
}

// diverging returns the colour of a difference.
func (b *boundaryImages) diverging(d float64) color.NRGBA {
	if b.limit == 0 {
		return plot.Diverging(0)
	}
	return plot.Diverging(d / b.limit)
}

// zoom is the side of the square that a pixel of an image takes.
func (b *boundaryImages) zoom() int {
	longer := max(b.rows, b.columns)
	return (imageSide + longer - 1) / longer
}

// side is the size of an image as it is drawn.
func (b *boundaryImages) side() image.Point { return image.Pt(b.columns, b.rows).Mul(b.zoom()) }

// drawPanel draws a panel in a cell of the given width.
func (b *boundaryImages) drawPanel(s *sheet, at image.Point, width int, p imagePanel) {
	corner := at.Add(image.Pt((width-b.side().X)/2, imageFrame))
	s.fill(image.Rectangle{corner, corner.Add(b.side())}.Inset(-imageFrame), p.frame)
	one := image.Pt(b.zoom(), b.zoom())
	for i := range b.rows * b.columns {
		from := corner.Add(image.Pt(i%b.columns, i/b.columns).Mul(b.zoom()))
		s.fill(image.Rectangle{from, from.Add(one)}, p.pixel(i))
	}
	below := corner.Y + b.side().Y + imageFrame
	for k, line := range p.lines {
		s.write(at.X+width/2, below+k*lineHeight, draw.XCenter, width+imageGap/2, line, 10)
	}
}

// drawLegend draws the scale of the differences, and says what the values are.
func (b *boundaryImages) drawLegend(s *sheet, top int) {
	width := min(256, s.size.X-2*sheetGap)
	left := (s.size.X - width) / 2
	what := "boundary image − sample, in values of pixels"
	if b.channels > 1 {
		what += ", of the channel that changes most"
	}
	s.write(s.size.X/2, top, draw.XCenter, s.size.X, what, 10)
	bar := image.Rect(left, top+lineHeight, left+width, top+2*lineHeight-4)
	s.fill(bar.Inset(-1), color.Gray{128})
	for x := range width {
		d := b.limit * (2*float64(x)/float64(width-1) - 1)
		s.fill(image.Rect(left+x, bar.Min.Y, left+x+1, bar.Max.Y), b.diverging(d))
	}
	for k, label := range []string{fmt.Sprintf("−%.2g", b.limit), "0", fmt.Sprintf("+%.2g", b.limit)} {
		s.write(left+k*width/2, bar.Max.Y+2, draw.XCenter, s.size.X, label, 10)
	}
	note := fmt.Sprintf("black is %.3g and less, white is %.3g and more", b.low, b.high)
	if b.data.Scaling != nil {
		note += "; distances are of standardized values"
	}
	s.write(s.size.X/2, top+3*lineHeight, draw.XCenter, s.size.X, note, 10)
}

// sheet is a picture that is drawn pixel by pixel, with text in the font of plots.
type sheet struct {
	canvas *vgimg.Canvas
	size   image.Point
}

func newSheet(width, height int) *sheet {
	const inch = vgimg.DefaultDPI // pixels
	return &sheet{vgimg.New(vg.Length(width)*vg.Inch/inch, vg.Length(height)*vg.Inch/inch), image.Pt(width, height)}
}

func (s *sheet) fill(r image.Rectangle, c color.Color) {
	pixels := s.canvas.Image()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			pixels.Set(x, y, c)
		}
	}
}

// write writes a line of text below y. It leaves out the end of one that is wider than
// room.
func (s *sheet) write(x, y int, align text.XAlignment, room int, line string, size font.Length) {
	const pixel = vg.Inch / vgimg.DefaultDPI
	style := text.Style{
		Color: color.Black, Font: font.From(gonum.DefaultFont, size), Handler: gonum.DefaultTextHandler,
		XAlign: align, YAlign: draw.YTop,
	}
	whole := []rune(line)
	for n := len(whole) - 1; n > 0 && style.Width(line) > vg.Length(room)*pixel; n-- {
		line = string(whole[:n]) + "…"
	}
	canvas := draw.New(s.canvas)
	canvas.FillText(style, vg.Point{X: vg.Length(x) * pixel, Y: vg.Length(s.size.Y-y) * pixel}, line)
}

func writePNG(path string, canvas *vgimg.Canvas) error {
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&b); err != nil {
		return err
	}
	return durable.WriteFile(path, b.Bytes())
}
