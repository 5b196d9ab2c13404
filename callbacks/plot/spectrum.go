package plot

import (
	"cmp"
	"fmt"
	"image/color"
	stdmaps "maps"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
)

// Density draws the eigenvalues of the last measurement by their size.
func Density(runs []*Run) (*Figure, error) {
	return maps(runs, noSpectrum, func(run *Run, prefix string) []*Panel {
		if len(run.Spectra) == 0 {
			return nil
		}
		s := &run.Spectra[len(run.Spectra)-1]
		if len(s.Values) == 0 && len(s.Nodes) == 0 {
			return nil
		}
		return []*Panel{s.density(prefix, run.Record.Model.Parameters)}
	})
}

// perDecade is the number of bins of a histogram in a power of ten.
const perDecade = 5

// least is the smallest eigenvalue, relative to the largest, that is told from zero.
const least = 1e-10

func (s *Spectrum) density(prefix string, parameters int) *Panel {
	known := fmt.Sprintf("%d of %d eigenvalues", len(s.Values), parameters)
	values, weights := s.Values, []float64(nil)
	if s.Nodes != nil {
		known = fmt.Sprintf("all %d eigenvalues, estimated", parameters)
		values, weights = s.Nodes, slices.Clone(s.Weights)
		floats.Scale(float64(parameters), weights)
	}
	p := NewPanel(fmt.Sprintf("%s%s by size, epoch %d", prefix, known, s.Epoch), "|λ|", "eigenvalues in a bin")
	p.LogX()
	threshold := math.Inf(1)
	if len(s.Values) > 0 && s.Values[0] > 0 {
		threshold = s.Values[0] * outlierShare
	}
	scale := 0.0
	for _, v := range values {
		scale = max(scale, math.Abs(v))
	}
	type bins map[int]float64
	kinds := [3]bins{{}, {}, {}} // positive, negative, outliers
	highest := 0.0
	for i, v := range values {
		if math.Abs(v) <= least*scale {
			continue
		}
		kind, weight := 0, 1.0
		switch {
		case v < 0:
			kind = 1
		case v > threshold:
			kind = 2
		}
		if weights != nil {
			weight = weights[i]
		}
		bin := int(math.Floor(math.Log10(math.Abs(v)) * perDecade))
		kinds[kind][bin] += weight
		highest = max(highest, kinds[kind][bin])
	}
	base := 0.0
	if highest > 30 {
		p.LogY()
		base = 0.7
	}
	for kind, style := range []struct {
		name string
		c    color.NRGBA
	}{{"positive", Gray}, {"negative", orange}, {"outliers, above λ₁/10", Vermillion}} {
		if len(kinds[kind]) == 0 {
			continue
		}
		for _, bin := range slices.Sorted(stdmaps.Keys(kinds[kind])) {
			count := kinds[kind][bin]
			left, right := math.Pow(10, float64(bin)/perDecade), math.Pow(10, float64(bin+1)/perDecade)
			if kind == 1 { // beside those of the same size that are positive
				right = math.Sqrt(left * right)
			}
			p.rectangle(left, right, base, count, style.c)
		}
		p.Swatch(style.name, style.c)
	}
	if base == 0 {
		p.Y.Min = 0
	}
	return p
}

// Ranked returns a panel of the magnitudes of eigenvalues, largest first, with those
// above a threshold as outliers. It is nil if all are zero, or there are none.
func Ranked(title string, values []float64, threshold float64) *Panel {
	values = slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return v == 0 })
	if len(values) == 0 {
		return nil
	}
	slices.SortFunc(values, func(a, b float64) int { return cmp.Compare(math.Abs(b), math.Abs(a)) })
	p := NewPanel(title, "largest magnitude first", "|λ|")
	p.LogX()
	p.LogY()
	var above, below, negative plotter.XYs
	for i, v := range values {
		point := plotter.XY{X: float64(i + 1), Y: math.Abs(v)}
		switch {
		case v < 0:
			negative = append(negative, point)
		case v > threshold:
			above = append(above, point)
		default:
			below = append(below, point)
		}
	}
	p.Points("positive", below, dot(Gray, 2))
	p.Points("negative", negative, dot(orange, 2))
	p.Points("outliers, above λ₁/10", above, dot(Vermillion, 3))
	return p
}

func (p *Panel) rectangle(left, right, low, high float64, c color.NRGBA) {
	area, err := plotter.NewPolygon(plotter.XYs{{X: left, Y: low}, {X: left, Y: high}, {X: right, Y: high}, {X: right, Y: low}})
	if err != nil {
		p.fail(err)
		return
	}
	area.Color, area.LineStyle.Width, area.LineStyle.Color = c, vg.Points(0.4), white
	p.Add(area)
}

// HeatMap draws how many of the known positive eigenvalues have each size, over the
// epochs.
func HeatMap(runs []*Run) (*Figure, error) {
	return maps(runs, "a spectrum was stored at fewer than two epochs: spectrum.schedule: {log: 20} measures all pairs at more", func(run *Run, prefix string) []*Panel {
		if len(run.Spectra) < 2 {
			return nil
		}
		return []*Panel{heatMap(prefix, run)}
	})
}

func heatMap(prefix string, run *Run) *Panel {
	p := NewPanel(prefix+"known positive eigenvalues", "epoch", "λ")
	p.EpochAxis()
	p.LogY()
	p.fixed = true
	type cell struct{ epoch, bin int }
	counts := make(map[cell]float64)
	most, low, high := 1.0, math.MaxInt, math.MinInt
	for i, s := range run.Spectra {
		values, weight := s.Values, func(int) float64 { return 1 }
		if s.Nodes != nil {
			values, weight = s.Nodes, func(j int) float64 { return s.Weights[j] * float64(run.Record.Model.Parameters) }
		}
		scale := 0.0
		for _, v := range values {
			scale = max(scale, math.Abs(v))
		}
		for j, v := range values {
			if v <= least*scale {
				continue
			}
			bin := int(math.Floor(math.Log10(v) * perDecade))
			at := cell{i, bin}
			counts[at] += weight(j)
			most, low, high = max(most, counts[at]), min(low, bin), max(high, bin)
		}
	}
	shade := func(count float64) color.NRGBA {
		share := 1.0
		if most > 1 {
			share = math.Log1p(count) / math.Log1p(most)
		}
		return Mix(color.NRGBA{215, 215, 215, 255}, color.NRGBA{30, 30, 30, 255}, share)
	}
	edges := make([]float64, len(run.Spectra)+1) // half-way between the epochs, as they are drawn
	for i := range edges {
		before, after := run.Spectra[max(i-1, 0)].Epoch, run.Spectra[min(i, len(run.Spectra)-1)].Epoch
		edges[i] = math.Expm1((math.Log1p(float64(before)) + math.Log1p(float64(after))) / 2)
	}
	inOrder := func(a, b cell) int { return cmp.Or(cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.bin, b.bin)) }
	for _, at := range slices.SortedFunc(stdmaps.Keys(counts), inOrder) {
		p.rectangle(edges[at.epoch], edges[at.epoch+1], math.Pow(10, float64(at.bin)/perDecade), math.Pow(10, float64(at.bin+1)/perDecade), shade(counts[at]))
	}
	if low > high {
		low, high = -1, 0
	}
	p.X.Min, p.X.Max = edges[0], edges[len(edges)-1]
	p.Y.Min, p.Y.Max = math.Pow(10, float64(low-1)/perDecade), math.Pow(10, float64(high+2)/perDecade)
	var lambda, limit plotter.XYs
	for _, s := range run.Spectra {
		if len(s.Values) > 0 {
			lambda = append(lambda, plotter.XY{X: float64(s.Epoch), Y: s.Values[0]})
			limit = append(limit, plotter.XY{X: float64(s.Epoch), Y: s.Values[0] * outlierShare})
		}
	}
	x := [2]float64{p.X.Min, p.X.Max}
	p.Line("λ₁", lambda, Line{Color: Blue})
	p.Line("λ₁/10", limit, Line{Color: Vermillion, Dashed: true})
	p.X.Min, p.X.Max = x[0], x[1]
	for _, count := range slices.Compact([]float64{1, math.Round(math.Sqrt(most)), math.Round(most)}) {
		p.Swatch(short(count), shade(count))
	}
	return p
}

// ClassPair tells which two classes the boundary is between that an outlier is about.
type ClassPair struct {
	Epoch int
	boundary.ClassPair
	Means []float64 // alignment of the samples of each predicted class, NaN if there are none
}

// ClassPairs returns the pairs of the outliers of the last measurement; none if the
// alignments were not stored.
func (r *Run) ClassPairs() ([]ClassPair, error) {
	if len(r.Spectra) == 0 {
		return nil, nil
	}
	s := &r.Spectra[len(r.Spectra)-1]
	if s.Aligned == nil {
		return nil, nil
	}
	found, err := s.Aligned.ClassPairs(s.Predicted, len(s.Outliers()))
	if err != nil {
		return nil, err
	}
	var pairs []ClassPair
	for _, f := range found {
		pair := ClassPair{Epoch: s.Epoch, ClassPair: f}
		column := slices.Index(s.Aligned.Values, f.Eigenvalue)
		for class := range max(r.Record.Model.Classes, slices.Max(s.Predicted)+1) {
			var members []float64
			for n, predicted := range s.Predicted {
				if predicted == class {
					members = append(members, s.Aligned.Alignments.At(n, column))
				}
			}
			pair.Means = append(pair.Means, stat.Mean(members, nil))
		}
		pairs = append(pairs, pair)
	}
	return pairs, nil
}

// Pairs draws, for each outlier, the mean alignment of the samples of each class: the
// pair is that of the largest and the smallest.
func Pairs(runs []*Run) (*Figure, error) {
	var failed error
	figure, err := maps(runs, "no alignments were stored, or all samples are predicted as one class; they need the complexity", func(run *Run, prefix string) []*Panel {
		pairs, err := run.ClassPairs()
		if err != nil {
			failed = fmt.Errorf("%s: %w", run.Name, err)
		}
		if len(pairs) == 0 {
			return nil
		}
		return []*Panel{pairPanel(prefix, pairs)}
	})
	if failed != nil {
		return nil, failed
	}
	return figure, err
}

func pairPanel(prefix string, pairs []ClassPair) *Panel {
	p := NewPanel(fmt.Sprintf("%smean alignment of each class, epoch %d", prefix, pairs[0].Epoch), "predicted class", "")
	p.fixed = true
	classes := len(pairs[0].Means)
	var columns, rows []string
	for class := range classes {
		columns = append(columns, fmt.Sprint(class))
	}
	for i, pair := range pairs {
		y := float64(len(pairs) - 1 - i)
		rows = append([]string{fmt.Sprintf("v%s: %d | %d", subscript(i+1), min(pair.Along, pair.Against), max(pair.Along, pair.Against))}, rows...)
		for class, mean := range pair.Means {
			if math.IsNaN(mean) {
				continue
			}
			x := float64(class)
			p.rectangle(x-0.48, x+0.48, y-0.46, y+0.46, Diverging(mean))
			if class == pair.Along || class == pair.Against {
				p.Line("", plotter.XYs{{X: x - 0.46, Y: y - 0.44}, {X: x - 0.46, Y: y + 0.44}, {X: x + 0.46, Y: y + 0.44}, {X: x + 0.46, Y: y - 0.44}, {X: x - 0.46, Y: y - 0.44}}, Line{Color: Black})
			}
			if classes <= 12 {
				p.label(x, y, fmt.Sprintf("%.2f", mean))
			}
		}
	}
	p.NominalX(columns...)
	p.NominalY(rows...)
	for _, axis := range []*struct{ min, max *float64 }{{&p.X.Min, &p.X.Max}, {&p.Y.Min, &p.Y.Max}} {
		*axis.min = -0.5
	}
	p.X.Max, p.Y.Max = float64(classes)-0.5, float64(len(pairs))-0.5
	for _, v := range []float64{-1, -0.5, 0, 0.5, 1} {
		p.Swatch(short(v), Diverging(v))
	}
	return p
}

func (p *Panel) label(x, y float64, text string) {
	labels, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: x, Y: y}}, Labels: []string{text}})
	if err != nil {
		p.fail(err)
		return
	}
	style := p.legendStyle()
	style.XAlign, style.YAlign = -0.5, -0.5
	labels.TextStyle[0] = style
	p.Add(labels)
}

// subscript writes a number in small digits.
func subscript(n int) string {
	return strings.Map(func(r rune) rune { return '₀' + r - '0' }, fmt.Sprint(n))
}
