package plot

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot/plotter"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

// Margins draws the distances of the samples to the boundary: quantiles over the
// epochs, and all of the last measurement in ascending order.
func Margins(runs []*Run) (*Figure, error) {
	const missing = "no margin was recorded; margin.schedule says when it is measured"
	over := NewPanel("distance to the boundary", "epoch", "distance in input space")
	over.LogY()
	figure, err := curves(over, runs, Green, missing, func(p *Panel, run *Run, c color.NRGBA, prefix string) bool {
		drawn := false
		for _, kind := range []struct {
			metric, name string
			line         Line
			always       bool // also if there are several runs
		}{
			{"boundary/input_margin_median", "median, first-order", Line{Color: Mix(c, white, 0.55), Dashed: true, Thin: true}, false},
			{"boundary/input_margin_min", "least, first-order", Line{Color: Mix(c, Black, 0.5), Dashed: true, Thin: true}, false},
			{record.MarginMedian, "median", Line{Color: Mix(c, white, 0.55), Dots: true}, false},
			{"boundary/margin_q25", "25 %", Line{Color: Mix(c, white, 0.3), Dots: true}, false},
			{"boundary/margin_q05", "5 %", Line{Color: c, Dots: true}, false},
			{record.Margin, "margin", Line{Color: Mix(c, Black, 0.5), Dots: true}, true},
		} {
			if prefix != "" && !kind.always {
				continue
			}
			if prefix != "" {
				kind.line.Color = c
			}
			drawn = p.estimate(run, kind.metric, prefix+kind.name, kind.line) || drawn
		}
		return drawn
	})
	sorted := NewPanel("all distances, last measurement", "samples classified rightly, nearest first", "distance in input space")
	drawn := false
	for i, run := range runs {
		c, name := Green, ""
		if len(runs) > 1 {
			c, name = Class(i), run.Name
		}
		if len(run.Margins) == 0 {
			continue
		}
		last := &run.Margins[len(run.Margins)-1]
		distances, _ := last.rightly(run.Samples)
		if name == "" {
			sorted.Title.Text = fmt.Sprintf("all distances, epoch %d", last.Epoch)
		}
		drawn = sorted.Sorted(name, distances, Line{Color: c}) || drawn
	}
	switch {
	case err != nil && drawn:
		return &Figure{Rows: [][]*Panel{{sorted}}}, nil
	case drawn:
		figure.Rows[0] = append(figure.Rows[0], sorted)
	}
	return figure, err
}

// Sorted adds values in ascending order as a line over their ranks, from 0 on.
func (p *Panel) Sorted(name string, values []float64, line Line) bool {
	points := make(plotter.XYs, len(values))
	for i, v := range values {
		points[i] = plotter.XY{X: float64(i + 1), Y: v}
	}
	p.Line(name, points, line)
	if len(points) > 0 {
		p.X.Min, p.Y.Min = 0, 0
	}
	return len(points) > 0
}
