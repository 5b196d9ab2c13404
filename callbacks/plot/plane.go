package plot

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

// Plane holds the decision regions, and alignments, at the centres of the cells of a
// grid in the plane, as a callbacks.Plane stores them. The first row is the uppermost.
type Plane struct {
	Box        [4]float64  // left, right, lower and upper edge
	Side       int         // cells along a side
	Predicted  []int       // class of each cell, row by row
	Gaps       []float64   // largest logit minus the second, of each cell
	Alignments [][]float64 // of each eigenvector and cell, from −1 to 1
}

func readPlane(arrays record.Arrays) (*Plane, error) {
	if _, ok := arrays["plane_box"]; !ok {
		return nil, nil
	}
	box, gaps, alignments := arrays["plane_box"].Data, arrays["plane_gap"], arrays["plane_alignments"]
	predicted, err := indices(arrays, "plane_predicted")
	if err != nil {
		return nil, err
	}
	p := &Plane{Predicted: predicted, Gaps: gaps.Data}
	if len(gaps.Shape) == 2 {
		p.Side = gaps.Shape[0]
	}
	cells := p.Side * p.Side
	if len(box) != 4 || cells == 0 || len(gaps.Data) != cells || len(p.Predicted) != cells || len(alignments.Data)%cells != 0 {
		return nil, fmt.Errorf("plane_box has %d values, plane_gap the shape %v and plane_alignments the shape %v, with %d plane_predicted; want 4, (side, side) and (k, side, side)", len(box), gaps.Shape, alignments.Shape, len(p.Predicted))
	}
	copy(p.Box[:], box)
	for i := 0; i < len(alignments.Data); i += cells {
		p.Alignments = append(p.Alignments, alignments.Data[i:i+cells])
	}
	return p, nil
}

// corners are the cells around a point, with their weights in a bilinear interpolation.
type corners struct {
	cells   [4]int
	weights [4]float64
}

// around returns the corners of a point, given in cells from the upper left corner.
func (p *Plane) around(column, row float64) corners {
	split := func(v float64) (low, high int, share float64) {
		v = max(0, min(v-0.5, float64(p.Side-1)))
		low = int(v)
		return low, min(low+1, p.Side-1), v - float64(low)
	}
	left, right, across := split(column)
	up, low, down := split(row)
	return corners{
		[4]int{up*p.Side + left, up*p.Side + right, low*p.Side + left, low*p.Side + right},
		[4]float64{(1 - across) * (1 - down), across * (1 - down), (1 - across) * down, across * down},
	}
}

// class returns the class at the corners' point: that whose lead over the others,
// interpolated, is largest. So the boundary is where the interpolated gap is 0.
func (p *Plane) class(c corners) int {
	best, lead := -1, math.Inf(-1)
	for _, candidate := range c.cells {
		class, own := p.Predicted[candidate], 0.0
		if class == best {
			continue
		}
		for i, cell := range c.cells {
			if p.Predicted[cell] == class {
				own += c.weights[i] * p.Gaps[cell]
			} else {
				own -= c.weights[i] * p.Gaps[cell]
			}
		}
		if own > lead {
			best, lead = class, own
		}
	}
	return best
}

// alignment returns the alignment at the corners' point, interpolated between those
// that have its class: beyond the boundary the gradient points the other way.
func (p *Plane) alignment(vector int, c corners, class int) float64 {
	sum, total := 0.0, 0.0
	for i, cell := range c.cells {
		if p.Predicted[cell] == class {
			sum += c.weights[i] * p.Alignments[vector][cell]
			total += c.weights[i]
		}
	}
	if total == 0 {
		return 0
	}
	return sum / total
}

// At returns the predicted class at a point of the plane.
func (p *Plane) At(x, y float64) int {
	side := float64(p.Side)
	return p.class(p.around((x-p.Box[0])/(p.Box[1]-p.Box[0])*side, (p.Box[3]-y)/(p.Box[3]-p.Box[2])*side))
}

// pixels is the number of pixels along a side of a map.
const pixels = 320

// paint returns a map of the plane. The colour of a point follows from its corners and
// class. Boundaries are drawn as lines, if wanted.
func (p *Plane) paint(lines bool, of func(c corners, class int) color.NRGBA) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, pixels, pixels))
	classes := make([]int, pixels*pixels)
	scale := float64(p.Side) / pixels
	for row := range pixels {
		for column := range pixels {
			c := p.around((float64(column)+0.5)*scale, (float64(row)+0.5)*scale)
			i := row*pixels + column
			classes[i] = p.class(c)
			shade := of(c, classes[i])
			if lines && (column > 0 && classes[i] != classes[i-1] || row > 0 && classes[i] != classes[i-pixels]) {
				shade = Black
			}
			img.SetNRGBA(column, row, shade)
		}
	}
	return img
}

// Samples are points in the plane with their classes.
type Samples struct {
	X         []float64 // n × 2
	Labels    []int
	Predicted []int // nil if not known
}

// Regions returns a panel of the predicted classes and the samples, misclassified ones
// as crosses. Samples may be nil.
func Regions(title string, plane *Plane, samples *Samples) *Panel {
	p := newMap(title, plane)
	p.Add(plotter.NewImage(plane.paint(false, func(_ corners, class int) color.NRGBA { return Pale(Class(class)) }), plane.Box[0], plane.Box[2], plane.Box[1], plane.Box[3]))
	if samples == nil {
		return p
	}
	points := make(plotter.XYs, len(samples.Labels))
	wrong, classes := make([]bool, len(points)), 0
	for n, label := range samples.Labels {
		points[n] = plotter.XY{X: samples.X[2*n], Y: samples.X[2*n+1]}
		predicted := plane.At(points[n].X, points[n].Y)
		if samples.Predicted != nil {
			predicted = samples.Predicted[n]
		}
		wrong[n] = predicted != label
		classes = max(classes, label+1)
	}
	scatter, err := plotter.NewScatter(points)
	if err != nil {
		p.fail(err)
		return p
	}
	scatter.GlyphStyleFunc = func(n int) draw.GlyphStyle {
		if wrong[n] {
			return draw.GlyphStyle{Color: Mix(Class(samples.Labels[n]), Black, 0.35), Radius: vg.Points(3.5), Shape: draw.CrossGlyph{}}
		}
		return draw.GlyphStyle{Color: Class(samples.Labels[n]), Radius: vg.Points(2.3), Shape: draw.CircleGlyph{}}
	}
	p.Add(scatter)
	for class := range classes {
		p.Swatch(fmt.Sprint(class), Class(class))
	}
	return p
}

// Alignment returns a panel of the alignment of each point's reinforcing gradient with
// an eigenvector, counted from 0.
func Alignment(title string, plane *Plane, vector int) *Panel {
	p := newMap(title, plane)
	p.Add(plotter.NewImage(plane.paint(true, func(c corners, class int) color.NRGBA {
		return diverging(plane.alignment(vector, c, class))
	}), plane.Box[0], plane.Box[2], plane.Box[1], plane.Box[3]))
	for _, v := range []float64{-1, -0.5, 0, 0.5, 1} {
		p.Swatch(short(v), diverging(v))
	}
	return p
}

func newMap(title string, plane *Plane) *Panel {
	p := NewPanel(title, "x₀", "x₁")
	p.fixed, p.square = true, true
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = plane.Box[0], plane.Box[1], plane.Box[2], plane.Box[3]
	return p
}

// Distance draws the line from a sample to its nearest boundary point, and the circle
// around the sample that touches the boundary there.
func (p *Panel) Distance(sample, point plotter.XY) {
	radius := math.Hypot(point.X-sample.X, point.Y-sample.Y)
	circle := make(plotter.XYs, 100)
	for i := range circle {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(len(circle)-1))
		circle[i] = plotter.XY{X: sample.X + radius*cos, Y: sample.Y + radius*sin}
	}
	edges := [4]float64{p.X.Min, p.X.Max, p.Y.Min, p.Y.Max}
	for _, points := range []plotter.XYs{circle, {sample, point}} {
		p.Line("", points, Line{Color: Black, Thin: true})
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = edges[0], edges[1], edges[2], edges[3] // a circle may reach beyond
}
