package reproduce

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/plot"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// A picture is a file of a figure.
type picture struct {
	suffix string // of the file's name
	figure *plot.Figure
}

// drawIntro draws the network of one input: what it computes and what its parameters
// are sensitive to along the line, its spectrum, and the loss around it.
func drawIntro(ctx context.Context, networks map[string]*network) ([]picture, error) {
	n := networks["intro1D"]
	x := n.split.Values()
	low, high := floats.Min(x), floats.Max(x)
	room := 0.15 * (high - low)
	line := span(low-room, high+room, 400)

	logits, err := n.logitsPanel(ctx, line)
	if err != nil {
		return nil, err
	}
	gradients, alignments, err := n.gradientPanels(ctx, line)
	if err != nil {
		return nil, err
	}
	surface, slices, err := n.lossPanels(ctx)
	if err != nil {
		return nil, err
	}
	return []picture{{"", &plot.Figure{Rows: [][]*plot.Panel{
		{logits, gradients, alignments},
		{n.ranked(), slices, surface},
	}}}}, nil
}

func (n *network) logitsPanel(ctx context.Context, line []float64) (*plot.Panel, error) {
	field, err := models.NewField(n.model, models.ObjectiveSettings{})
	if err != nil {
		return nil, err
	}
	classes := field.Classes()
	z := make([]float64, len(line)*classes)
	if err := field.Logits(ctx, z, line); err != nil {
		return nil, err
	}
	p := plot.NewPanel("logits, and the samples", "input x", "logit")
	for class := range classes {
		points := make(plotter.XYs, len(line))
		for i, x := range line {
			points[i] = plotter.XY{X: x, Y: z[i*classes+class]}
		}
		p.Line(fmt.Sprintf("class %d", class), points, plot.Line{Color: plot.Class(class)})
	}
	bottom := floats.Min(z) - 0.1*(floats.Max(z)-floats.Min(z))
	for class := range classes {
		var points plotter.XYs
		for i, x := range n.split.Values() {
			if n.split.Labels[i] == class {
				points = append(points, plotter.XY{X: x, Y: bottom})
			}
		}
		p.Points("", points, dot(plot.Class(class), 4))
	}
	for i := 1; i < len(line); i++ {
		if leading(z, classes, i) != leading(z, classes, i-1) {
			p.Line("", plotter.XYs{{X: line[i], Y: bottom}, {X: line[i], Y: floats.Max(z)}}, plot.Line{Color: plot.Gray, Dashed: true, Thin: true})
		}
	}
	return p, nil
}

func leading(z []float64, classes, i int) int { return floats.MaxIdx(z[i*classes : (i+1)*classes]) }

// gradientPanels draws the unit reinforcing gradients along the line, a row a
// parameter, and their alignments with v₁ and v₂.
func (n *network) gradientPanels(ctx context.Context, line []float64) (*plot.Panel, *plot.Panel, error) {
	points := &datasets.Split{Name: "line", X: line, Labels: make([]int, len(line))}
	r, err := boundary.NewReinforcing(ctx, n.model, points, models.ObjectiveSettings{})
	if err != nil {
		return nil, nil, err
	}
	directions, err := r.Directions(ctx)
	if err != nil {
		return nil, nil, err
	}
	_, parameters := directions.Dims()
	largest := mat.Max(directions)
	largest = math.Max(largest, -mat.Min(directions))
	img := image.NewNRGBA(image.Rect(0, 0, len(line), parameters))
	for i := range line {
		for j := range parameters {
			img.SetNRGBA(i, j, signed(directions.At(i, j)/largest))
		}
	}
	first, last := line[0], line[len(line)-1]
	gradients := plot.NewPanel("direction of the gradient at x", "input x", "parameter")
	gradients.Add(plotter.NewImage(img, first, 0, last, float64(parameters)))
	for _, v := range []float64{-1, 0, 1} {
		gradients.Swatch(fmt.Sprintf("%.2g", v*largest), signed(v))
	}

	top := n.result.Measurement.Spectrum.Top.Vectors
	values, err := r.Alignments(ctx, mat.DenseCopyOf(top.Slice(0, 2, 0, parameters)))
	if err != nil {
		return nil, nil, err
	}
	alignments := plot.NewPanel("alignment of the gradient with v₁ and v₂", "input x", "alignment")
	for k, c := range []color.NRGBA{plot.Blue, plot.Purple} {
		curve := make(plotter.XYs, len(line))
		for i, x := range line {
			curve[i] = plotter.XY{X: x, Y: values.At(i, k)}
		}
		alignments.Line([]string{"v₁", "v₂"}[k], curve, plot.Line{Color: c})
	}
	return gradients, alignments, nil
}

// ranked draws the largest eigenvalues by rank.
func (n *network) ranked() *plot.Panel {
	p := plot.NewPanel("spectrum of the Hessian", "rank of the eigenvalue", "λ")
	p.LogY()
	values := n.result.Measurement.Spectrum.Top.Values
	threshold := n.result.Spectrum.Outliers.Ratio.Threshold
	var above, below plotter.XYs
	for i, v := range values {
		point := plotter.XY{X: float64(i + 1), Y: v}
		switch {
		case v > threshold:
			above = append(above, point)
		case v > values[0]*1e-10:
			below = append(below, point)
		}
	}
	p.Points("outliers, above λ₁/10", above, dot(plot.Vermillion, 4))
	p.Points("other positive eigenvalues", below, dot(plot.Gray, 3))
	return p
}

// lossPanels draws the loss around the network in the plane of v₁ and v₂, and along
// each of them.
func (n *network) lossPanels(ctx context.Context) (surface, along *plot.Panel, err error) {
	const side, reach = 61, 1.0
	loss, err := n.newLoss()
	if err != nil {
		return nil, nil, err
	}
	steps := span(-reach, reach, side)
	values := make([]float64, side*side)
	for row, b := range steps {
		for column, a := range steps {
			if values[row*side+column], err = loss.at(ctx, a, b); err != nil {
				return nil, nil, err
			}
		}
	}
	low, high := math.Log(floats.Min(values)), math.Log(floats.Max(values))
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	for row := range side {
		for column := range side {
			share := (math.Log(values[row*side+column]) - low) / (high - low)
			share = math.Floor(share*16) / 16 // bands show the shape as contour lines do
			img.SetNRGBA(column, side-1-row, plot.Mix(color.NRGBA{255, 255, 255, 255}, plot.Black, share*0.85))
		}
	}
	surface = plot.NewPanel("loss around the minimum (dark: high)", "step along v₁", "step along v₂")
	surface.Add(plotter.NewImage(img, -reach, -reach, reach, reach))
	surface.Points("the network", plotter.XYs{{}}, dot(plot.Vermillion, 4))
	surface.Swatch(fmt.Sprintf("%.2g", math.Exp(low)), color.NRGBA{255, 255, 255, 255})
	surface.Swatch(fmt.Sprintf("%.2g", math.Exp(high)), plot.Mix(color.NRGBA{255, 255, 255, 255}, plot.Black, 0.85))

	along = plot.NewPanel("loss along v₁ and v₂", "step", "loss")
	middle := side / 2
	var first, second plotter.XYs
	for i, step := range steps {
		first = append(first, plotter.XY{X: step, Y: values[middle*side+i]})
		second = append(second, plotter.XY{X: step, Y: values[i*side+middle]})
	}
	top := n.result.Measurement.Spectrum.Top.Values
	along.LogY()
	along.Line(fmt.Sprintf("along v₁, λ₁ = %.3g", top[0]), first, plot.Line{Color: plot.Blue})
	along.Line(fmt.Sprintf("along v₂, λ₂ = %.2g", top[1]), second, plot.Line{Color: plot.Purple})
	return surface, along, nil
}

// plainLoss is the loss as a function of steps along v₁ and v₂.
type plainLoss struct {
	model     models.Model
	objective *models.Objective
	start     [][]float64
	vectors   *mat.Dense
}

func (n *network) newLoss() (*plainLoss, error) {
	objective, err := models.NewObjective(n.model, models.CrossEntropy, n.split, models.ObjectiveSettings{})
	if err != nil {
		return nil, err
	}
	l := &plainLoss{model: n.model, objective: objective, vectors: n.result.Measurement.Spectrum.Top.Vectors}
	for _, p := range n.model.Parameters() {
		l.start = append(l.start, models.Values(p.Value))
	}
	return l, nil
}

// at returns the loss at steps a along v₁ and b along v₂, and puts the parameters back.
func (l *plainLoss) at(ctx context.Context, a, b float64) (float64, error) {
	set := func(a, b float64) error {
		offset := 0
		for i, p := range l.model.Parameters() {
			moved := make([]float64, len(l.start[i]))
			for j, v := range l.start[i] {
				moved[j] = v + a*l.vectors.At(0, offset+j) + b*l.vectors.At(1, offset+j)
			}
			models.SetValues(p.Value, moved)
			offset += len(moved)
		}
		return l.objective.Refresh()
	}
	if err := set(a, b); err != nil {
		return 0, err
	}
	e, err := l.objective.Evaluate(ctx)
	if err != nil {
		return 0, err
	}
	return e.Loss, set(0, 0)
}

// signed returns the colour of a value from −1, blue, over 0, white, to 1, vermillion.
func signed(v float64) color.NRGBA {
	white := color.NRGBA{255, 255, 255, 255}
	if v < 0 {
		return plot.Mix(white, plot.Blue, min(-v, 1))
	}
	return plot.Mix(white, plot.Vermillion, min(v, 1))
}

func dot(c color.NRGBA, radius float64) draw.GlyphStyle {
	return draw.GlyphStyle{Color: c, Radius: vg.Points(radius), Shape: draw.CircleGlyph{}}
}
