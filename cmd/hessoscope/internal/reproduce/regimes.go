package reproduce

import (
	"context"
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/hessoscope/hessoscope/callbacks/plot"
)

// label is what a regime is called on figures.
var label = map[string]string{
	"gauss": "normal", "gauss_large_norm": "large norm", "gauss_adversarial": "adversarial start",
	"checkerboard_linear": "normal", "checkerboard_linear_wide_margin": "wide-margin start",
	"mnist-017": "normal", "mnist-017-adversarial": "adversarial start",
}

// drawBoundary draws the regions of a network, and the alignments with v₁ to v₅.
func drawBoundary(_ context.Context, networks map[string]*network) ([]picture, error) {
	panels := networks["gauss"].maps("boundary", 5)
	return []picture{{"", mapFigure([][]*plot.Panel{panels[:3], panels[3:]})}}, nil
}

// drawRegimes draws the same of three regimes, with v₁ to v₇ in two rows, and their
// spectra.
func drawRegimes(_ context.Context, networks map[string]*network) ([]picture, error) {
	var rows [][]*plot.Panel
	var spectra []*plot.Panel
	for _, name := range regimeNames {
		n := networks[name]
		panels := n.maps(label[name], mapped)
		rows = append(rows, panels[:4], panels[4:])
		spectra = append(spectra, n.histogram(label[name]))
	}
	return []picture{
		{"", mapFigure(rows)},
		{"-spectra", &plot.Figure{Rows: [][]*plot.Panel{spectra}}},
	}, nil
}

func mapFigure(rows [][]*plot.Panel) *plot.Figure {
	return &plot.Figure{Rows: rows, Width: 300, Height: 320}
}

// maps returns the regions, under a title, and the alignments with v₁ to v_k.
func (n *network) maps(title string, k int) []*plot.Panel {
	if m := n.result.Margin; m != nil && m.Min != nil {
		title += fmt.Sprintf(", margin %.2g", *m.Min)
	}
	regions := plot.Regions(title, n.plane, n.samples())
	n.drawMargin(regions)
	panels := []*plot.Panel{regions}
	for i := range k {
		panels = append(panels, plot.Alignment(fmt.Sprintf("v%s, λ%[1]s = %.2g", subscript(i+1), n.result.Spectrum.Top[i]), n.plane, i))
	}
	return panels
}

// drawMargin draws the margin: the nearest sample, and its nearest boundary point.
func (n *network) drawMargin(p *plot.Panel) {
	if m := n.result.Margin; m != nil && m.Min != nil {
		p.Distance(n.sample(m.Sample), plotter.XY{X: m.Point[0], Y: m.Point[1]})
	}
}

func (n *network) sample(row int) plotter.XY {
	x := n.split.Values()
	return plotter.XY{X: x[2*row], Y: x[2*row+1]}
}

func subscript(n int) string {
	var digits []rune
	for _, digit := range fmt.Sprint(n) {
		digits = append(digits, digit-'0'+'₀')
	}
	return string(digits)
}

// histogram draws how many eigenvalues there are of each size, on a logarithmic scale,
// and the outliers.
func (n *network) histogram(title string) *plot.Panel {
	r := n.result
	g := "not known"
	if r.Complexity.Value != nil {
		g = fmt.Sprintf("%.2g", *r.Complexity.Value)
	}
	p := plot.NewPanel(fmt.Sprintf("%s: G = %s, tr H = %.2g, λ₁ = %.2g", title, g, r.Spectrum.Trace.Value, r.Spectrum.Top[0]), "eigenvalue λ", "count")
	p.LogY()
	values := n.result.Measurement.Spectrum.Resolved.Values
	low, high := slices.Min(values), slices.Max(values)
	const bins = 100
	width := (high - min(low, 0)) / bins
	low = min(low, 0)
	counts := make([]int, bins+1)
	for _, v := range values {
		counts[int((v-low)/width)]++
	}
	counts[int(-low/width)] += r.Model.Parameters - len(values) // those that cannot be told from 0
	for i, count := range counts {
		if count == 0 {
			continue
		}
		x := low + (float64(i)+0.5)*width
		p.Line("", plotter.XYs{{X: x, Y: 0.7}, {X: x, Y: float64(count)}}, plot.Line{Color: plot.Gray})
	}
	p.Swatch("eigenvalues", plot.Gray)
	var outliers plotter.XYs
	for _, v := range r.Spectrum.Top[:min(r.Spectrum.Outliers.Ratio.Count, len(r.Spectrum.Top))] {
		outliers = append(outliers, plotter.XY{X: v, Y: 2})
	}
	p.Points(fmt.Sprintf("%d outliers, above λ₁/10", len(outliers)), outliers, dot(plot.Vermillion, 3.5))
	return p
}

// drawAllGradients draws the alignments of every training gradient with the largest
// eigenvectors, and their means over the classes.
func drawAllGradients(_ context.Context, networks map[string]*network) ([]picture, error) {
	var row []*plot.Panel
	for _, name := range regimeNames {
		n := networks[name]
		p := plot.NewPanel(label[name], "rank of the eigenvector", "alignment of a training gradient")
		samples, k := n.alignments.Dims()
		curve := func(of func(i int) float64) plotter.XYs {
			points := make(plotter.XYs, k)
			for i := range points {
				points[i] = plotter.XY{X: float64(i + 1), Y: of(i)}
			}
			return points
		}
		for s := range samples {
			c := plot.Class(n.split.Labels[s])
			c.A = 40
			p.Line("", curve(func(i int) float64 { return n.alignments.At(s, i) }), plot.Line{Color: c, Thin: true})
		}
		for class := range n.result.Data.Classes {
			p.Line(fmt.Sprintf("mean of class %d", class), curve(func(i int) float64 {
				var of []float64
				for s := range samples {
					if n.split.Labels[s] == class {
						of = append(of, n.alignments.At(s, i))
					}
				}
				return stat.Mean(of, nil)
			}), plot.Line{Color: plot.Class(class)})
		}
		p.Y.Min, p.Y.Max = -1, 1
		row = append(row, p)
	}
	return []picture{{"", &plot.Figure{Rows: [][]*plot.Panel{row}}}}, nil
}

// drawMargins draws, of two networks of the checkerboard, the margin, what the paper
// estimates it by, and the alignments with v₁ to v₃.
func drawMargins(_ context.Context, networks map[string]*network) ([]picture, error) {
	var rows [][]*plot.Panel
	for _, name := range []string{"checkerboard_linear", "checkerboard_linear_wide_margin"} {
		n := networks[name]
		row := n.maps(label[name], 3)
		estimate := plot.Regions("the paper's estimate", n.plane, n.samples())
		if e := n.result.Margin.Paper; e != nil {
			estimate.Title.Text += fmt.Sprintf(": %.2g", e.Value)
			ends := plotter.XYs{n.sample(e.Sample), {X: e.Point[0], Y: e.Point[1]}}
			estimate.Line("from x_b to the sample", ends, plot.Line{Color: plot.Black})
			estimate.Points("", ends[1:], draw.GlyphStyle{Color: plot.Black, Radius: vg.Points(5), Shape: draw.CrossGlyph{}})
		}
		rows = append(rows, slices.Insert(row, 1, estimate))
	}
	return []picture{{"", mapFigure(rows)}}, nil
}

// drawDigits draws the training digits in the plane of their first two principal
// components, by class and by their alignments with v₁ to v₃.
func drawDigits(_ context.Context, networks map[string]*network) ([]picture, error) {
	var rows [][]*plot.Panel
	for _, name := range []string{"mnist-017", "mnist-017-adversarial"} {
		n := networks[name]
		points, err := principal(n.split.Values(), n.split.Len())
		if err != nil {
			return nil, err
		}
		classes := plot.NewPanel(fmt.Sprintf("%s: %d outliers", label[name], n.result.Spectrum.Outliers.Ratio.Count), "component 1", "component 2")
		row := []*plot.Panel{classes}
		scatter(classes, points, func(s int) color.NRGBA { return plot.Class(n.split.Labels[s]) })
		for class, digit := range n.classes {
			classes.Swatch(digit, plot.Class(class))
		}
		for i := range 3 {
			p := plot.NewPanel(fmt.Sprintf("v%s, λ%[1]s = %.2g", subscript(i+1), n.result.Spectrum.Top[i]), "component 1", "component 2")
			scatter(p, points, func(s int) color.NRGBA { return signed(n.alignments.At(s, i)) })
			for _, v := range []float64{-1, -0.5, 0, 0.5, 1} {
				p.Swatch(fmt.Sprint(v), signed(v))
			}
			row = append(row, p)
		}
		rows = append(rows, row)
	}
	return []picture{{"", &plot.Figure{Rows: rows, Width: 300, Height: 300}}}, nil
}

// scatter adds points with a colour each.
func scatter(p *plot.Panel, points plotter.XYs, of func(i int) color.NRGBA) {
	for i := range points {
		p.Points("", points[i:i+1], draw.GlyphStyle{Color: plot.Gray, Radius: vg.Points(2.7), Shape: draw.CircleGlyph{}})
		p.Points("", points[i:i+1], dot(of(i), 2.2))
	}
}

// finite returns v, or NaN where there is none.
func finite(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}
