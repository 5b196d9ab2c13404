package command

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/callbacks/plot"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// drawPicture writes a PNG of the results: the decision regions, if the inputs have
// two dimensions, or the distances of the samples to the boundary, and beside them
// the eigenvalues.
func drawPicture(ctx context.Context, path string, model models.Model, split *datasets.Split, result *analysis.Result) error {
	var panels []*plot.Panel
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
		panels = append(panels, distancesPanel(result.Distances))
	}
	eigenvalues, err := eigenvaluesPanel(result.Measurement.Spectrum, result.Spectrum.Outliers)
	if err != nil {
		return err
	}
	const side = 12 * vg.Centimeter
	figure := &plot.Figure{Rows: [][]*plot.Panel{append(panels, eigenvalues)}, Width: side, Height: side}
	return figure.Write(path)
}

// regionsPanel shows the predicted class of every point of the plane, the samples
// (misclassified ones as crosses), and the margin.
func regionsPanel(ctx context.Context, model models.Model, split *datasets.Split, m *analysis.Margin) (*plot.Panel, error) {
	field, err := models.NewField(model, models.ObjectiveSettings{})
	if err != nil {
		return nil, err
	}
	x := split.Values()
	plane, err := planeAround(ctx, field, x)
	if err != nil {
		return nil, err
	}
	predicted, err := field.Predict(ctx, x)
	if err != nil {
		return nil, err
	}
	p := plot.Regions("decision regions", plane, &plot.Samples{X: x, Labels: split.Labels, Predicted: predicted})
	if m != nil && m.Min != nil {
		p.Title.Text = fmt.Sprintf("decision regions, margin %.4g", *m.Min)
		p.Distance(plotter.XY{X: x[2*m.Sample], Y: x[2*m.Sample+1]}, plotter.XY{X: m.Point[0], Y: m.Point[1]})
	}
	return p, nil
}

// planeAround computes the decision regions in a square around points.
func planeAround(ctx context.Context, field *models.Field, around []float64) (*plot.Plane, error) {
	const side = 200
	p := &plot.Plane{Box: boundary.Square(around), Side: side}
	classes := field.Classes()
	logits := make([]float64, side*side*classes)
	if err := field.Logits(ctx, logits, boundary.Cells(p.Box, side)); err != nil {
		return nil, err
	}
	for ; len(logits) > 0; logits = logits[classes:] {
		z := slices.Clone(logits[:classes])
		class := floats.MaxIdx(z)
		largest := z[class]
		z[class] = math.Inf(-1)
		p.Predicted, p.Gaps = append(p.Predicted, class), append(p.Gaps, largest-floats.Max(z))
	}
	return p, nil
}

// distancesPanel shows the distances of the correctly classified samples, in
// ascending order.
func distancesPanel(m *margin.Distances) *plot.Panel {
	p := plot.NewPanel("distances to the boundary", "rightly classified samples, nearest first", "distance")
	var distances []float64
	for n, d := range m.Values {
		if m.Predicted[n] == m.Labels[n] && m.Rivals[n] >= 0 {
			distances = append(distances, d)
		}
	}
	slices.Sort(distances)
	p.Sorted("", distances, plot.Line{Color: plot.Green})
	return p
}

// eigenvaluesPanel shows the magnitudes of all known eigenvalues, on a logarithmic
// scale, and which are outliers.
func eigenvaluesPanel(spectrum *curvature.Spectrum, outliers *boundary.Outliers) (*plot.Panel, error) {
	values := spectrum.Resolved.Values
	if len(values) == 0 {
		values = spectrum.Top.Values
	}
	threshold := math.Inf(1)
	if outliers != nil {
		threshold = outliers.Ratio.Threshold
	}
	p := plot.Ranked("eigenvalues of the Hessian", values, threshold)
	if p == nil {
		return nil, errors.New("--picture: there are no eigenvalues to show")
	}
	return p, nil
}
