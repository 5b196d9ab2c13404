package command

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/models"
)

// classColors can be distinguished by people who are colour-blind (Okabe and Ito
// 2008). They repeat after the eighth class.
var classColors = []color.NRGBA{
	{0, 114, 178, 255},
	{230, 159, 0, 255},
	{0, 158, 115, 255},
	{204, 121, 167, 255},
	{86, 180, 233, 255},
	{213, 94, 0, 255},
	{240, 228, 66, 255},
	{90, 90, 90, 255},
}

func classColor(class int) color.NRGBA { return classColors[class%len(classColors)] }

// pale mixes a colour with white.
func pale(c color.NRGBA) color.NRGBA {
	mix := func(v uint8) uint8 { return uint8(255 - (255-int(v))*3/10) }
	return color.NRGBA{mix(c.R), mix(c.G), mix(c.B), 255}
}

// drawPicture writes a PNG of the results: the decision regions, if the inputs have
// two dimensions, or the distances of the samples to the boundary, and beside them
// the eigenvalues.
func drawPicture(ctx context.Context, path string, model models.Model, split *datasets.Split, result *analysis.Result) error {
	var panels []*plot.Plot
	if width, err := split.Width(); err != nil {
		return err
	} else if width == 2 {
		regions, err := regionsPanel(ctx, model, split, result.Margin)
		if err != nil {
			return err
		}
		panels = append(panels, regions)
	}
	if result.Distances != nil && len(panels) == 0 {
		sorted, err := distancesPanel(result.Distances)
		if err != nil {
			return err
		}
		panels = append(panels, sorted)
	}
	eigenvalues, err := eigenvaluesPanel(result.Measurement.Spectrum, result.Spectrum.Outliers)
	if err != nil {
		return err
	}
	return writePanels(path, append(panels, eigenvalues))
}

const panelSide = 12 * vg.Centimeter

// writePanels writes plots side by side.
func writePanels(path string, panels []*plot.Plot) error {
	canvas := vgimg.New(panelSide*vg.Length(len(panels)), panelSide)
	const pad = 4 * vg.Millimeter
	tiles := draw.Tiles{Rows: 1, Cols: len(panels), PadX: pad, PadTop: pad, PadBottom: pad, PadLeft: pad, PadRight: pad}
	for i, c := range plot.Align([][]*plot.Plot{panels}, tiles, draw.New(canvas))[0] {
		panels[i].Draw(c)
	}
	return writePNG(path, canvas)
}

func writePNG(path string, canvas *vgimg.Canvas) error {
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&b); err != nil {
		return err
	}
	return durable.WriteFile(path, b.Bytes())
}

// regionsPanel shows the predicted class of every point of the plane, the samples
// (misclassified ones as crosses), and the margin.
func regionsPanel(ctx context.Context, model models.Model, split *datasets.Split, m *analysis.Margin) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = "decision regions", "x0", "x1"
	field, err := models.NewField(model, models.ObjectiveSettings{})
	if err != nil {
		return nil, err
	}
	x, labels := split.Values(), split.Labels
	box := around(x)
	box.show(p)
	regions, err := paintRegions(ctx, field, box)
	if err != nil {
		return nil, err
	}
	p.Add(plotter.NewImage(regions, box.xMin, box.yMin, box.xMax, box.yMax))
	predicted, err := field.Predict(ctx, x)
	if err != nil {
		return nil, err
	}
	points := make(plotter.XYs, len(labels))
	for n := range points {
		points[n] = plotter.XY{X: x[2*n], Y: x[2*n+1]}
	}
	samples, err := plotter.NewScatter(points)
	if err != nil {
		return nil, err
	}
	samples.GlyphStyleFunc = func(n int) draw.GlyphStyle {
		if predicted[n] != labels[n] {
			return draw.GlyphStyle{Color: classColor(labels[n]), Radius: 3, Shape: draw.CrossGlyph{}}
		}
		return draw.GlyphStyle{Color: classColor(labels[n]), Radius: 2, Shape: draw.CircleGlyph{}}
	}
	p.Add(samples)
	if m == nil || m.Min == nil {
		return p, nil
	}
	p.Title.Text = fmt.Sprintf("decision regions, margin %.4g", *m.Min)
	return p, addMargin(p, points[m.Sample], plotter.XY{X: m.Point[0], Y: m.Point[1]})
}

// box is a rectangle in the plane.
type box struct{ xMin, xMax, yMin, yMax float64 }

// around returns a square that contains all points, with a border.
func around(x []float64) box {
	b := box{x[0], x[0], x[1], x[1]}
	for i := 0; i < len(x); i += 2 {
		b.xMin, b.xMax = min(b.xMin, x[i]), max(b.xMax, x[i])
		b.yMin, b.yMax = min(b.yMin, x[i+1]), max(b.yMax, x[i+1])
	}
	const room = 1.1
	half := max(b.xMax-b.xMin, b.yMax-b.yMin, 1e-9) / 2 * room
	xMid, yMid := (b.xMin+b.xMax)/2, (b.yMin+b.yMax)/2
	return box{xMid - half, xMid + half, yMid - half, yMid + half}
}

// show makes p show the rectangle b. It first widens b so that both directions have
// the same scale.
func (b *box) show(p *plot.Plot) {
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = b.xMin, b.xMax, b.yMin, b.yMax
	area := p.DataCanvas(draw.New(vgimg.New(panelSide, panelSide))).Rectangle.Size()
	if wider := float64(area.X / area.Y); wider > 1 {
		b.xMin, b.xMax = stretch(b.xMin, b.xMax, wider)
	} else {
		b.yMin, b.yMax = stretch(b.yMin, b.yMax, 1/wider)
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = b.xMin, b.xMax, b.yMin, b.yMax
}

func stretch(low, high, by float64) (float64, float64) {
	middle, half := (low+high)/2, (high-low)/2*by
	return middle - half, middle + half
}

// paintRegions returns an image of b in which each point has the colour of its
// predicted class.
func paintRegions(ctx context.Context, field *models.Field, b box) (image.Image, error) {
	const side = 400
	var x []float64
	for row := range side {
		for column := range side {
			x = append(x, b.xMin+(b.xMax-b.xMin)*(float64(column)+0.5)/side, b.yMax-(b.yMax-b.yMin)*(float64(row)+0.5)/side)
		}
	}
	classes, err := field.Predict(ctx, x)
	if err != nil {
		return nil, err
	}
	regions := image.NewNRGBA(image.Rect(0, 0, side, side))
	for i, class := range classes {
		regions.SetNRGBA(i%side, i/side, pale(classColor(class)))
	}
	return regions, nil
}

// addMargin draws the line from a sample to the nearest point of the boundary, and
// the circle around the sample that touches the boundary there.
func addMargin(p *plot.Plot, sample, point plotter.XY) error {
	radius := math.Hypot(point.X-sample.X, point.Y-sample.Y)
	circle := make(plotter.XYs, 100)
	for i := range circle {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(len(circle)-1))
		circle[i] = plotter.XY{X: sample.X + radius*cos, Y: sample.Y + radius*sin}
	}
	for _, points := range []plotter.XYs{circle, {sample, point}} {
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		line.Width = vg.Points(1.2)
		p.Add(line)
	}
	return nil
}

// distancesPanel shows the distances of the correctly classified samples, in
// ascending order.
func distancesPanel(m *margin.Distances) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = "distances to the boundary", "rightly classified samples, nearest first", "distance"
	var distances []float64
	for n, d := range m.Values {
		if m.Predicted[n] == m.Labels[n] && m.Rivals[n] >= 0 {
			distances = append(distances, d)
		}
	}
	if len(distances) == 0 {
		return p, nil
	}
	slices.Sort(distances)
	points := make(plotter.XYs, len(distances))
	for i, d := range distances {
		points[i] = plotter.XY{X: float64(i + 1), Y: d}
	}
	line, err := plotter.NewLine(points)
	if err != nil {
		return nil, err
	}
	line.Color, line.Width = classColor(0), vg.Points(1.5)
	p.Add(plotter.NewGrid(), line)
	p.Y.Min = 0
	return p, nil
}

// eigenvaluesPanel shows the magnitudes of all known eigenvalues, on a logarithmic
// scale, and the threshold of the outliers.
func eigenvaluesPanel(spectrum *curvature.Spectrum, outliers *boundary.Outliers) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = "eigenvalues of the Hessian", "largest magnitude first", "|λ|"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{Prec: -1}, plot.LogTicks{Prec: 1}
	values := spectrum.Resolved.Values
	if len(values) == 0 {
		values = spectrum.Top.Values
	}
	values = slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return v == 0 })
	if len(values) == 0 {
		return nil, errors.New("--picture: there are no eigenvalues to show")
	}
	slices.SortFunc(values, func(a, b float64) int { return cmp.Compare(math.Abs(b), math.Abs(a)) })
	var above, below, negative plotter.XYs
	for i, v := range values {
		point := plotter.XY{X: float64(i + 1), Y: math.Abs(v)}
		switch {
		case v < 0:
			negative = append(negative, point)
		case outliers != nil && v > outliers.Ratio.Threshold:
			above = append(above, point)
		default:
			below = append(below, point)
		}
	}
	p.Add(plotter.NewGrid())
	for i, kind := range []struct {
		name   string
		points plotter.XYs
		radius vg.Length
	}{{"positive", below, 1.5}, {"negative", negative, 1.5}, {"outliers, above λ1/10", above, 3}} {
		if len(kind.points) == 0 {
			continue
		}
		dots, err := plotter.NewScatter(kind.points)
		if err != nil {
			return nil, err
		}
		dots.GlyphStyle = draw.GlyphStyle{Color: []color.Color{classColor(0), classColor(1), classColor(5)}[i], Radius: kind.radius, Shape: draw.CircleGlyph{}}
		p.Add(dots)
		p.Legend.Add(kind.name, dots)
	}
	p.X.Max = max(p.X.Max, 10) // a logarithmic axis needs a range
	if p.Y.Min == p.Y.Max {
		p.Y.Min, p.Y.Max = p.Y.Min/10, p.Y.Max*10
	}
	p.Legend.Left, p.Legend.Padding, p.Legend.XOffs, p.Legend.YOffs = true, vg.Millimeter, 2*vg.Millimeter, 2*vg.Millimeter
	return p, nil
}
