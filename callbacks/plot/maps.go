package plot

import (
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"io"
	"slices"

	"gonum.org/v1/plot/plotter"
)

const noPlane = "no regions in the plane were stored: they are where inputs have two values, with every spectrum but quick ones, unless plane.off"

// Boundary draws the decision regions, the samples and the margin at the last epoch at
// which they were stored.
func Boundary(runs []*Run) (*Figure, error) {
	var panels []*Panel
	for _, run := range runs {
		prefix := ""
		if len(runs) > 1 {
			prefix = run.Name + ", "
		}
		if planes := run.planes(); len(planes) > 0 {
			panels = append(panels, run.regions(prefix, planes[len(planes)-1]))
		}
	}
	if panels == nil {
		return nil, Missing(noPlane)
	}
	figure := mapFigure(nil)
	for row := range slices.Chunk(panels, 4) {
		figure.Rows = append(figure.Rows, row)
	}
	return figure, nil
}

// Alignments draws, for the last epoch at which they were stored, the regions and the
// alignment with each eigenvector.
func Alignments(runs []*Run) (*Figure, error) {
	figure, err := maps(runs, noPlane, func(run *Run, prefix string) []*Panel {
		planes := run.planes()
		if len(planes) == 0 || len(planes[len(planes)-1].Plane.Alignments) == 0 {
			return nil
		}
		s := planes[len(planes)-1]
		row := []*Panel{run.regions(prefix, s)}
		for i := range s.Plane.Alignments {
			title := "alignment with v" + subscript(i+1)
			if i < len(s.Values) {
				title += fmt.Sprintf(", λ%s = %s", subscript(i+1), short(rounded(s.Values[i])))
			}
			row = append(row, Alignment(title, s.Plane, i))
		}
		return row
	})
	if err != nil {
		return nil, err
	}
	if rows := figure.Rows; len(rows) == 1 && len(rows[0]) > 3 { // of one run, in two rows
		half := (len(rows[0]) + 1) / 2
		figure.Rows = [][]*Panel{rows[0][:half], rows[0][half:]}
	}
	return mapFigure(figure.Rows), nil
}

func mapFigure(rows [][]*Panel) *Figure {
	return &Figure{Rows: rows, Width: 300, Height: 320}
}

// planes returns the spectra that have a plane.
func (r *Run) planes() []*Spectrum {
	var with []*Spectrum
	for i := range r.Spectra {
		if r.Spectra[i].Plane != nil {
			with = append(with, &r.Spectra[i])
		}
	}
	return with
}

func (r *Run) regions(prefix string, s *Spectrum) *Panel {
	var samples *Samples
	if r.Samples != nil {
		known := *r.Samples
		if s.Aligned != nil && len(s.Predicted) == len(known.Labels) {
			known.Predicted = s.Predicted
		}
		samples = &known
	}
	p := Regions(fmt.Sprintf("%sepoch %d", prefix, s.Epoch), s.Plane, samples)
	for i := range r.Margins {
		m := &r.Margins[i]
		if m.Epoch != s.Epoch || samples == nil || len(m.Points) != 2*len(m.Distances) {
			continue
		}
		distances, nearest := m.rightly(samples)
		if nearest < 0 {
			continue
		}
		row := m.Rows[nearest]
		p.Distance(plotter.XY{X: samples.X[2*row], Y: samples.X[2*row+1]}, plotter.XY{X: m.Points[2*nearest], Y: m.Points[2*nearest+1]})
		p.Title.Text = fmt.Sprintf("%sepoch %d, margin %s", prefix, s.Epoch, short(rounded(distances[0])))
	}
	return p
}

// rounded has three digits.
func rounded(v float64) float64 {
	var r float64
	fmt.Sscan(fmt.Sprintf("%.3g", v), &r)
	return r
}

// Animate writes the decision regions over the epochs as an animated GIF of two to
// maxFrames frames, evenly spaced among the measurements. If there are fewer, the
// error is a Missing.
func Animate(w io.Writer, run *Run) error {
	planes := run.planes()
	if len(planes) < 2 {
		return Missing("regions in the plane were stored at fewer than two epochs; spectrum.schedule: {log: 40} stores more")
	}
	frames := min(len(planes), maxFrames)
	var movie gif.GIF
	var palette color.Palette
	for i := range frames {
		s := planes[i*(len(planes)-1)/max(frames-1, 1)]
		frame, err := mapFigure([][]*Panel{{run.regions("", s)}}).Image(frameDPI)
		if err != nil {
			return err
		}
		if palette == nil {
			palette = framePalette()
		}
		movie.Image, movie.Delay = append(movie.Image, paletted(frame, palette)), append(movie.Delay, frameDelay)
	}
	movie.Delay[frames-1] = 20 * frameDelay // the end stays for a while
	return gif.EncodeAll(w, &movie)
}

const (
	maxFrames  = 60
	frameDPI   = 80
	frameDelay = 15 // hundredths of a second
)

// framePalette has the colours of regions and samples, and what lies between them
// where edges are smoothed.
func framePalette() color.Palette {
	var p color.Palette
	for level := range 16 {
		p = append(p, Mix(Black, white, float64(level)/15))
	}
	for class := range Classes {
		for level := range 6 {
			p = append(p, Mix(Pale(Class(class)), Class(class), float64(level)/5), Mix(Pale(Class(class)), Black, float64(level)/5), Mix(white, Class(class), float64(level)/5))
		}
	}
	return p
}

// paletted returns an image in the nearest colours of a palette.
func paletted(img image.Image, palette color.Palette) *image.Paletted {
	bounds := img.Bounds()
	out := image.NewPaletted(bounds, palette)
	nearest := make(map[color.Color]uint8)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := img.At(x, y)
			index, known := nearest[c]
			if !known {
				index = uint8(palette.Index(c))
				nearest[c] = index
			}
			out.SetColorIndex(x, y, index)
		}
	}
	return out
}
