package plot

import (
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

const noSpectrum = "no spectrum was stored; spectrum.schedule says when it is measured"

// Loss draws the loss and the accuracy of the splits over the epochs.
func Loss(runs []*Run) (*Figure, error) {
	loss := NewPanel("loss", "epoch", "mean loss")
	if !slices.ContainsFunc(runs, func(r *Run) bool { return r.Record.Loss != models.CrossEntropy.Name() }) {
		loss.Y.Label.Text += ", nats"
	}
	loss.LogY()
	const missing = "neither loss nor accuracy was recorded"
	figure, err := curves(loss, runs, Black, missing, func(p *Panel, run *Run, c color.NRGBA, prefix string) bool {
		return p.splits(run, c, prefix, trainer.LossOf)
	})
	accuracy := NewPanel("accuracy", "epoch", "share classified rightly")
	both, err2 := curves(accuracy, runs, Sky, missing, func(p *Panel, run *Run, c color.NRGBA, prefix string) bool {
		return p.splits(run, c, prefix, trainer.AccuracyOf)
	})
	switch {
	case err != nil:
		return both, err2
	case err2 == nil:
		figure.Rows[0] = append(figure.Rows[0], accuracy)
	}
	return figure, nil
}

// splits draws a metric of the training split, and dashed that of the others.
func (p *Panel) splits(run *Run, c color.NRGBA, prefix string, metric func(split string) string) bool {
	drawn := false
	for _, split := range []string{datasets.Train, datasets.Validation, datasets.Test} {
		if prefix != "" && split == datasets.Validation {
			continue // two lines of each run are enough
		}
		line := Line{Color: c, Dashed: split != datasets.Train}
		if split == datasets.Validation {
			line.Color, line.Thin = Mix(c, Gray, 0.6), true
		}
		points := xys(record.Series(run.History, metric(split)))
		p.Line(prefix+split, points, line)
		drawn = drawn || len(points) > 0
	}
	return drawn
}

// mostLines is the number of eigenvalues that are drawn as lines.
const mostLines = 12

// Eigenvalues draws the largest eigenvalues over the epochs; of several runs λ₁.
func Eigenvalues(runs []*Run) (*Figure, error) {
	p := NewPanel("largest eigenvalues of the Hessian", "epoch", "λ")
	p.LogY()
	return curves(p, runs, Blue, noSpectrum, func(p *Panel, run *Run, c color.NRGBA, prefix string) bool {
		if len(runs) == 1 {
			p.ranks(run)
		}
		return p.estimate(run, record.LambdaMax, prefix+"λ₁", Line{Color: c, Dots: true})
	})
}

// ranks draws λ₂, λ₃, … as thin lines, with dots where they are outliers.
func (p *Panel) ranks(run *Run) {
	var outliers plotter.XYs
	name := "λ₂, λ₃, …"
	for rank := 1; rank < mostLines; rank++ {
		var points plotter.XYs
		for _, s := range run.Spectra {
			if rank >= len(s.Values) || s.Values[rank] <= 0 {
				continue
			}
			point := plotter.XY{X: float64(s.Epoch), Y: s.Values[rank]}
			points = append(points, point)
			if rank < len(s.Outliers()) {
				outliers = append(outliers, point)
			}
		}
		p.Line(name, points, Line{Color: Mix(Gray, white, 0.3), Thin: true, Dots: true})
		if len(points) > 0 {
			name = ""
		}
	}
	p.Points("outliers, above λ₁/10", outliers, dot(Vermillion, 2.5))
}

func dot(c color.NRGBA, radius vg.Length) draw.GlyphStyle {
	return draw.GlyphStyle{Color: c, Radius: vg.Points(float64(radius)), Shape: draw.CircleGlyph{}}
}

func ring(c color.NRGBA, radius vg.Length) draw.GlyphStyle {
	return draw.GlyphStyle{Color: c, Radius: vg.Points(float64(radius)), Shape: draw.RingGlyph{}}
}

// Outliers draws the number of eigenvalues above λ₁/10 over the epochs. Circles are
// hollow where the number could be another one.
func Outliers(runs []*Run) (*Figure, error) {
	p := NewPanel("outliers of the spectrum", "epoch", "eigenvalues above λ₁/10")
	figure, err := curves(p, runs, Vermillion, noSpectrum, func(p *Panel, run *Run, c color.NRGBA, prefix string) bool {
		var certain, open plotter.XYs
		for _, e := range run.History {
			count, fresh := e.Fresh(record.Outliers)
			if !fresh {
				continue
			}
			point := plotter.XY{X: float64(e.Epoch), Y: count}
			if e.Metrics[record.Resolved(record.Outliers)] == 1 {
				certain = append(certain, point)
			} else {
				open = append(open, point)
			}
		}
		p.Line(prefix+"outliers", xys(record.Series(run.History, record.Outliers)), Line{Color: c, Thin: true})
		p.Points("", certain, dot(c, 3))
		uncertain := ""
		if prefix == "" {
			uncertain = "could be another number"
		}
		p.Points(uncertain, open, ring(c, 3))
		return len(certain)+len(open) > 0
	})
	if err != nil {
		return nil, err
	}
	var classes []int
	for _, run := range runs {
		if c := run.Record.Model.Classes; c > 1 && !slices.Contains(classes, c) {
			classes = append(classes, c)
			p.Level(fmt.Sprintf("C − 1 = %d: as simple as can be", c-1), float64(c-1), Black)
		}
	}
	p.Y.Min = 0
	return figure, nil
}

// Complexity draws G over the epochs.
func Complexity(runs []*Run) (*Figure, error) {
	p := NewPanel("complexity of the boundary", "epoch", "G, share of eigenvectors")
	p.LogY()
	return curves(p, runs, Purple, "no complexity was recorded; it needs a spectrum and complexity.off: false", func(p *Panel, run *Run, c color.NRGBA, prefix string) bool {
		return p.estimate(run, record.Complexity, prefix+"G", Line{Color: c, Dots: true})
	})
}

// Directions draws the number of directions that share the gradients' energy, over the
// epochs; of one run also their participation and effective rank.
func Directions(runs []*Run) (*Figure, error) {
	p := NewPanel("directions of the gradients", "epoch", "number of directions")
	p.LogY()
	return curves(p, runs, Purple, "no number of directions was recorded; it needs the complexity", func(p *Panel, run *Run, c color.NRGBA, prefix string) bool {
		drawn := false
		if prefix == "" {
			drawn = p.estimate(run, record.EffectiveRank, "effective rank", Line{Color: Gray, Thin: true})
			drawn = p.estimate(run, record.Participation, "participation", Line{Color: Mix(c, Black, 0.35), Dashed: true, Dots: true}) || drawn
		}
		return p.estimate(run, record.Directions, prefix+"directions", Line{Color: c, Dots: true}) || drawn
	})
}

// Stability draws η·λ₁/2 over the epochs.
func Stability(runs []*Run) (*Figure, error) {
	p := NewPanel("edge of stability", "epoch", "η·λ₁/2")
	p.LogY()
	figure, err := curves(p, runs, Blue, "neither λ₁ nor the learning rate was recorded", func(p *Panel, run *Run, c color.NRGBA, prefix string) bool {
		const metric = "η·λ₁/2"
		scaled := &Run{}
		for _, e := range run.History {
			rate, fresh := e.Fresh(record.LearningRate)
			if !fresh {
				continue
			}
			values := make(map[string]float64)
			for from, to := range map[string]string{
				record.LambdaMax: metric, record.Low(record.LambdaMax): record.Low(metric), record.High(record.LambdaMax): record.High(metric),
			} {
				if v, fresh := e.Fresh(from); fresh {
					values[to] = rate * v / 2
				}
			}
			scaled.History = append(scaled.History, record.Entry{Epoch: e.Epoch, Metrics: values})
		}
		return p.estimate(scaled, metric, prefix+metric, Line{Color: c, Dots: true})
	})
	if err == nil {
		p.Level("edge: gradient descent is unstable above", 1, Vermillion)
	}
	return figure, err
}

// Critical draws the critical sharpness over the epochs, with λ₁ if there is one run.
func Critical(runs []*Run) (*Figure, error) {
	p := NewPanel("critical sharpness", "epoch", "2 over the critical step")
	p.LogY()
	return curves(p, runs, Mix(Blue, Black, 0.4), "no critical sharpness was recorded; critical_sharpness.schedule says when it is measured", func(p *Panel, run *Run, c color.NRGBA, prefix string) bool {
		drawn := p.estimate(run, record.CriticalSharpness, prefix+"critical sharpness", Line{Color: c, Dots: true, Thin: true})
		if !drawn {
			return false
		}
		var limits plotter.XYs
		for _, r := range record.Series(run.History, record.LearningRate) {
			if r.Value > 0 {
				limits = append(limits, plotter.XY{X: float64(r.Epoch), Y: 2 / r.Value})
			}
		}
		if prefix == "" {
			p.Line("λ₁", xys(record.Series(run.History, record.LambdaMax)), Line{Color: Blue, Dots: true, Thin: true})
			p.Line("2/η: a step raises the loss above", limits, Line{Color: Vermillion, Dashed: true})
		}
		return true
	})
}

// Cost draws the share of the run's time that measuring has taken so far.
func Cost(runs []*Run) (*Figure, error) {
	p := NewPanel("cost of measuring", "epoch", "share of the run's time so far, %")
	figure, err := curves(p, runs, Blue, "no time of a measurement was recorded", func(p *Panel, run *Run, c color.NRGBA, prefix string) bool {
		drawn := false
		for _, kind := range []struct {
			name, metric string
			line         Line
		}{
			{"spectrum", record.SpectrumSeconds, Line{Color: c, Steps: true}},
			{"distances to the boundary", record.MarginSeconds, Line{Color: Green, Steps: true}},
		} {
			if prefix != "" {
				kind.line.Color, kind.line.Dashed = c, kind.metric == record.MarginSeconds
			}
			points := shares(run.History, kind.metric)
			p.Line(prefix+kind.name, points, kind.line)
			drawn = drawn || len(points) > 0
		}
		return drawn
	})
	if err == nil {
		p.Y.Min = 0
	}
	return figure, err
}

// shares returns the sum of the seconds up to each epoch as percentages of the time of
// the run.
func shares(history []record.Entry, seconds string) plotter.XYs {
	var points plotter.XYs
	sum := 0.0
	for _, e := range history {
		value, fresh := e.Fresh(seconds)
		sum += value
		if (fresh || points != nil) && e.Seconds > 0 {
			points = append(points, plotter.XY{X: float64(e.Epoch), Y: 100 * sum / e.Seconds})
		}
	}
	return points
}
