package plot

import (
	"errors"
	"image/color"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

// Kind is a figure that can be drawn of every run that recorded what it shows.
type Kind struct {
	Name  string // of its file
	Shows string // what it shows, in a few words
	// Draw draws one run, or several into one figure. If none of them has recorded
	// what it shows, the error is a Missing.
	Draw func(runs []*Run) (*Figure, error)
}

// Missing is the error of a figure for which nothing was recorded. It says what would
// record it.
type Missing string

func (m Missing) Error() string { return string(m) }

// Kinds returns all figures, in the order in which a reader looks at them.
func Kinds() []Kind {
	return []Kind{
		{"loss", "loss and accuracy of the splits", Loss},
		{"eigenvalues", "the largest eigenvalues, λ₁ and the outliers", Eigenvalues},
		{"heatmap", "how many eigenvalues of each size, over the epochs", HeatMap},
		{"density", "eigenvalues at the last measurement by size, outliers marked", Density},
		{"outliers", "eigenvalues above λ₁/10, and C − 1", Outliers},
		{"pairs", "the two classes whose boundary each outlier is about", Pairs},
		{"complexity", "G, with the interval that it lies in", Complexity},
		{"directions", "number of directions that share the gradients' energy", Directions},
		{"margin", "distances to the boundary: quantiles over the epochs, and all at the last one", Margins},
		{"stability", "η·λ₁/2, with the edge of stability at 1", Stability},
		{"critical", "critical sharpness, λ₁ and 2/η", Critical},
		{"cost", "share of the time that measuring took", Cost},
		{"boundary", "decision regions, samples and margin", Boundary},
		{"alignment", "alignment of the gradient at each point with v₁, v₂, …", Alignments},
	}
}

// curves returns a figure of one panel of curves over epochs. draw is called for each
// run with its colour, which is own if there is one run, and the prefix of its names;
// it reports whether it drew anything.
func curves(p *Panel, runs []*Run, own color.NRGBA, missing string, draw func(p *Panel, run *Run, c color.NRGBA, prefix string) bool) (*Figure, error) {
	p.EpochAxis()
	drawn := false
	for i, run := range runs {
		if n := len(run.History); n > 0 {
			p.X.Min, p.X.Max = 0, max(p.X.Max, float64(run.History[n-1].Epoch))
		}
		c, prefix := own, ""
		if len(runs) > 1 {
			c, prefix = Class(i), run.Name+" "
		}
		drawn = draw(p, run, c, prefix) || drawn
	}
	if !drawn {
		return nil, Missing(missing)
	}
	return &Figure{Rows: [][]*Panel{{p}}}, nil
}

// estimate draws a metric: where it is certain as a line, where it is an interval as a
// band, and where there is only a lower bound as triangles that point up.
func (p *Panel) estimate(run *Run, metric, name string, line Line) bool {
	certain := xys(record.Series(run.History, metric))
	var intervals []Interval
	var bounds plotter.XYs
	for _, e := range run.History {
		low, hasLow := e.Fresh(record.Low(metric))
		high, hasHigh := e.Fresh(record.High(metric))
		_, known := e.Fresh(metric)
		switch x := float64(e.Epoch); {
		case hasLow && hasHigh:
			intervals = append(intervals, Interval{x, low, high})
		case hasLow && !known:
			bounds = append(bounds, plotter.XY{X: x, Y: low})
		}
	}
	p.Band(intervals, line.Color)
	p.Line(name, certain, line)
	if len(certain) == 0 && len(intervals) > 0 {
		p.Swatch(name+" lies in", translucent(line.Color))
	}
	p.Points(name+" ≥", bounds, draw.GlyphStyle{Color: line.Color, Radius: vg.Points(3), Shape: draw.TriangleGlyph{}})
	return len(certain)+len(intervals)+len(bounds) > 0
}

func xys(series []record.Point) plotter.XYs {
	points := make(plotter.XYs, len(series))
	for i, s := range series {
		points[i] = plotter.XY{X: float64(s.Epoch), Y: s.Value}
	}
	return points
}

// maps returns a figure with a row of panels for each run that has what they show.
func maps(runs []*Run, missing string, row func(run *Run, prefix string) []*Panel) (*Figure, error) {
	var rows [][]*Panel
	for _, run := range runs {
		prefix := ""
		if len(runs) > 1 {
			prefix = run.Name + ", "
		}
		if panels := row(run, prefix); len(panels) > 0 {
			rows = append(rows, panels)
		}
	}
	if rows == nil {
		return nil, Missing(missing)
	}
	return &Figure{Rows: rows}, nil
}

// IsMissing reports whether the error of a figure is that nothing was recorded.
func IsMissing(err error) bool {
	_, is := errors.AsType[Missing](err)
	return is
}
