package plot

import (
	"image/color"
	"math"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Panel is a system of axes with its legend. Its methods draw; what is added later
// lies above. The first error is kept, and returned when the figure is encoded.
type Panel struct {
	*gonum.Plot
	legend []legendEntry
	fixed  bool // whether the ranges of the axes are exact
	square bool // whether the area of the data is as high as wide
	err    error
}

type legendEntry struct {
	name  string
	thumb gonum.Thumbnailer
}

// The sizes of text, chosen so that a picture can be read at half its size.
const (
	titleSize = 13
	labelSize = 12
	tickSize  = 11
)

// NewPanel returns a panel with a title and the names of its axes, with their units.
func NewPanel(title, x, y string) *Panel {
	p := gonum.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.Padding = vg.Points(5)
	sans(&p.Title.TextStyle, titleSize)
	for _, axis := range []*gonum.Axis{&p.X, &p.Y} {
		sans(&axis.Label.TextStyle, labelSize)
		sans(&axis.Tick.Label, tickSize)
		axis.Tick.Marker = linearTicks{}
		axis.Tick.Length, axis.Padding = vg.Points(4), vg.Points(2)
	}
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{225}, color.Gray{235}
	p.Add(grid)
	return &Panel{Plot: p}
}

func sans(s *text.Style, size vg.Length) {
	s.Font.Typeface, s.Font.Variant = "Liberation", "Sans"
	s.Font.Size = font.Length(size)
}

// Line says how a line of a panel is drawn.
type Line struct {
	Color  color.NRGBA
	Dashed bool
	Thin   bool // as befits one of many
	Dots   bool // at its points
	Steps  bool // the value of a point holds until the next
}

// manyPoints is the number of points above which their dots would hide the line.
const manyPoints = 60

// Line adds a line through points, in ascending order of x, under a name in the
// legend, none if it is empty.
func (p *Panel) Line(name string, points plotter.XYs, style Line) {
	points = p.positive(points)
	if len(points) == 0 {
		return
	}
	line, dots, err := plotter.NewLinePoints(points)
	if err != nil {
		p.fail(err)
		return
	}
	line.Color, line.Width = style.Color, vg.Points(2)
	if style.Thin {
		line.Width = vg.Points(1)
	}
	if style.Dashed {
		line.Dashes = []vg.Length{vg.Points(5), vg.Points(3)}
	}
	if style.Steps {
		line.StepStyle = plotter.PostStep
	}
	p.Add(line)
	dots.GlyphStyle = draw.GlyphStyle{Color: style.Color, Radius: vg.Points(2.5), Shape: draw.CircleGlyph{}}
	if style.Thin {
		dots.Radius = vg.Points(1.5)
	}
	if style.Dots && len(points) <= manyPoints || len(points) == 1 {
		p.Add(dots)
	}
	if name != "" {
		p.legend = append(p.legend, legendEntry{name, line})
	}
}

// Points adds points under a name in the legend, none if it is empty.
func (p *Panel) Points(name string, points plotter.XYs, style draw.GlyphStyle) {
	points = p.positive(points)
	if len(points) == 0 {
		return
	}
	scatter, err := plotter.NewScatter(points)
	if err != nil {
		p.fail(err)
		return
	}
	scatter.GlyphStyle = style
	p.Add(scatter)
	if name != "" {
		p.legend = append(p.legend, legendEntry{name, scatter})
	}
}

// Interval is the range of y that a number at x lies in.
type Interval struct{ X, Low, High float64 }

// Band adds the area of intervals in ascending order of x, and bars at its ends.
func (p *Panel) Band(intervals []Interval, c color.NRGBA) {
	var low, high plotter.XYs
	for _, i := range intervals {
		if isLog(&p.Y) && i.High <= 0 {
			continue
		}
		low, high = append(low, plotter.XY{X: i.X, Y: i.Low}), append(high, plotter.XY{X: i.X, Y: i.High})
	}
	if isLog(&p.Y) {
		least := math.Inf(1)
		for i := range low {
			if low[i].Y > 0 {
				least = min(least, low[i].Y)
			}
			least = min(least, high[i].Y)
		}
		for i := range low { // an interval from 0 reaches to the lower edge
			low[i].Y = max(low[i].Y, least)
		}
	}
	if len(low) == 0 {
		return
	}
	ring := append(plotter.XYs{}, low...)
	for i := range high {
		ring = append(ring, high[len(high)-1-i])
	}
	area, err := plotter.NewPolygon(ring)
	if err != nil {
		p.fail(err)
		return
	}
	area.Color, area.LineStyle.Width = translucent(c), 0
	p.Add(area)
	for _, i := range []int{0, len(low) - 1} {
		p.Line("", plotter.XYs{low[i], high[i]}, Line{Color: c, Thin: len(low) > 1})
	}
}

// Level adds a dashed horizontal line at y under a name in the legend.
func (p *Panel) Level(name string, y float64, c color.NRGBA) {
	line := &level{y: y, LineStyle: draw.LineStyle{Color: c, Width: vg.Points(1.5), Dashes: []vg.Length{vg.Points(6), vg.Points(3)}}}
	p.Add(line)
	p.legend = append(p.legend, legendEntry{name, line})
}

// level is a horizontal line across a whole panel.
type level struct {
	y float64
	draw.LineStyle
}

// Plot implements gonum's Plotter.
func (l *level) Plot(c draw.Canvas, p *gonum.Plot) {
	_, y := p.Transforms(&c)
	c.StrokeLine2(l.LineStyle, c.Min.X, y(l.y), c.Max.X, y(l.y))
}

// DataRange implements gonum's DataRanger.
func (l *level) DataRange() (xMin, xMax, yMin, yMax float64) {
	return math.Inf(1), math.Inf(-1), l.y, l.y
}

// Thumbnail implements gonum's Thumbnailer.
func (l *level) Thumbnail(c *draw.Canvas) {
	y := c.Center().Y
	c.StrokeLine2(l.LineStyle, c.Min.X, y, c.Max.X, y)
}

// Swatch adds a colour to the legend.
func (p *Panel) Swatch(name string, c color.NRGBA) {
	p.legend = append(p.legend, legendEntry{name, swatch{c}})
}

type swatch struct{ color.NRGBA }

// Thumbnail implements gonum's Thumbnailer.
func (s swatch) Thumbnail(c *draw.Canvas) {
	corners := s.fill(c)
	c.StrokeLines(draw.LineStyle{Color: color.Gray{170}, Width: vg.Points(0.5)}, append(corners, c.Min))
}

// fill fills a canvas, and returns its corners.
func (s swatch) fill(c *draw.Canvas) []vg.Point {
	corners := []vg.Point{c.Min, {X: c.Min.X, Y: c.Max.Y}, c.Max, {X: c.Max.X, Y: c.Min.Y}}
	c.FillPolygon(s.NRGBA, corners)
	return corners
}

// positive returns the points that an axis can show.
func (p *Panel) positive(points plotter.XYs) plotter.XYs {
	x, y := isLog(&p.X), isLog(&p.Y)
	if !x && !y {
		return points
	}
	var kept plotter.XYs
	for _, point := range points {
		if (!x || point.X > 0) && (!y || point.Y > 0) {
			kept = append(kept, point)
		}
	}
	return kept
}

func (p *Panel) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

const (
	legendLine = 16 // points from one line of a legend to the next
	thumbWidth = 22
	thumbGap   = 5
	entryGap   = 14
)

func (p *Panel) legendStyle() text.Style {
	s := p.Legend.TextStyle
	sans(&s, tickSize)
	return s
}

// rows divides the entries of the legend into lines that fit in a width.
func (p *Panel) rows(width vg.Length) [][]legendEntry {
	style := p.legendStyle()
	var rows [][]legendEntry
	used := width + 1
	for _, e := range p.legend {
		w := thumbWidth + thumbGap + entryGap + style.Width(e.name)
		if used+w > width+entryGap {
			rows = append(rows, nil)
			used = 0
		}
		used += w
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
	}
	return rows
}

// drawLegend draws the legend downwards from the top of a canvas.
func (p *Panel) drawLegend(c draw.Canvas) {
	style := p.legendStyle()
	style.YAlign = text.YCenter
	for i, row := range p.rows(c.Size().X) {
		width := vg.Length(-entryGap)
		for _, e := range row {
			width += thumbWidth + thumbGap + entryGap + style.Width(e.name)
		}
		x, y := c.Center().X-width/2, c.Max.Y-legendLine*(vg.Length(i)+0.5)
		for _, e := range row {
			thumb := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{Min: vg.Point{X: x, Y: y - 4}, Max: vg.Point{X: x + thumbWidth, Y: y + 4}}}
			e.thumb.Thumbnail(&thumb)
			c.FillText(style, vg.Point{X: x + thumbWidth + thumbGap, Y: y}, e.name)
			x += thumbWidth + thumbGap + entryGap + style.Width(e.name)
		}
	}
}
