package datasets

import (
	"fmt"
	"math"
	"slices"
)

// Standardize returns a copy in which every column has zero mean and unit population variance over the train split, or,
// where samples are images, every channel; the other splits are transformed by the same map. What is constant over the
// train split is only centred. Scaling records the map from the source's values, also if the set was standardized before.
// Values of type Packed are not copied: they are scaled when they are read.
func (d *Dataset) Standardize() (*Dataset, error) {
	train, err := d.Split(Train)
	if err != nil {
		return nil, err
	}
	if train.Len() == 0 || d.Width() == 0 {
		return nil, fmt.Errorf("datasets: cannot standardize %s: its train split is empty", d.Name)
	}
	for i := range d.Splits {
		if err := d.Splits[i].fits(d.Width()); err != nil {
			return nil, err
		}
	}
	parts, what := d.Width(), "column"
	if len(d.Shape) == 3 {
		parts, what = d.Shape[0], "channel"
	}
	if d.Scaling != nil && (len(d.Scaling.Mean) != parts || len(d.Scaling.Scale) != parts) {
		return nil, fmt.Errorf("datasets: cannot standardize %s: its Scaling is not of %d %ss", d.Name, parts, what)
	}
	fit := train.moments(d.Width(), parts)
	for k, mean := range fit.Mean {
		if notFinite(mean) || notFinite(fit.Scale[k]) {
			return nil, fmt.Errorf("datasets: cannot standardize %s: %s has values that are too large or not finite", d.Name, d.inputName(k*d.Width()/parts))
		}
	}
	out := d.clone()
	for i := range out.Splits {
		if s := &out.Splits[i]; s.Packed != nil {
			s.Packed = s.Packed.scaled(fit)
		} else {
			fit.Apply(s.X, d.Width())
		}
	}
	out.Scaling = fit.after(d.Scaling)
	return out, nil
}

func (s *Split) fits(width int) error {
	have, err := s.Width()
	if err != nil {
		return err
	}
	if s.Len() > 0 && have != width {
		return fmt.Errorf("datasets: split %q has %d values a sample, its shape says %d", s.Name, have, width)
	}
	return nil
}

// moments returns the mean and population standard deviation of each of the equal parts of a row, over all rows. The
// deviation is 1 where all values are the same. Deviations from the mean are divided by the largest before they are
// squared, so that small values do not underflow.
func (s *Split) moments(width, parts int) *Scaling {
	m := &Scaling{Mean: make([]float64, parts), Scale: make([]float64, parts)}
	low, high := slices.Repeat([]float64{math.Inf(1)}, parts), slices.Repeat([]float64{math.Inf(-1)}, parts)
	drift := make([]float64, parts)
	run := width / parts
	n := float64(s.Len() * run) // values of a part
	buf := make([]float64, width)
	each := func(do func(k int, values []float64)) {
		for r := range s.Len() {
			row := s.row(buf, r)
			for k := range parts {
				do(k, row[k*run:(k+1)*run])
			}
		}
	}
	each(func(k int, values []float64) {
		sum, least, most := m.Mean[k], low[k], high[k]
		for _, v := range values {
			sum += v
			least, most = min(least, v), max(most, v)
		}
		m.Mean[k], low[k], high[k] = sum, least, most
	})
	for k := range parts {
		m.Mean[k] /= n
	}
	each(func(k int, values []float64) {
		sum, mean := drift[k], m.Mean[k]
		for _, v := range values {
			sum += v - mean
		}
		drift[k] = sum
	})
	for k := range parts {
		m.Mean[k] += drift[k] / n // the rounding error of the first sum
	}
	each(func(k int, values []float64) {
		sum, mean := m.Scale[k], m.Mean[k]
		largest := max(high[k]-mean, mean-low[k])
		for _, v := range values {
			r := (v - mean) / largest
			sum += r * r
		}
		m.Scale[k] = sum
	})
	for k := range parts {
		m.Scale[k] = max(high[k]-m.Mean[k], m.Mean[k]-low[k]) * math.Sqrt(m.Scale[k]/n)
		if low[k] == high[k] {
			m.Mean[k], m.Scale[k] = low[k], 1
		}
	}
	return m
}

// row returns the values of one row, in buf unless they are at hand.
func (s *Split) row(buf []float64, r int) []float64 {
	if s.Packed == nil {
		return s.X[r*len(buf) : (r+1)*len(buf)]
	}
	CopyRow(buf, s, r)
	return buf
}

// Apply maps the values x of samples of the given width.
func (s *Scaling) Apply(x []float64, width int) {
	run := width / len(s.Mean)
	for i := range x {
		k := i % width / run
		x[i] = (x[i] - s.Mean[k]) / s.Scale[k]
	}
}

// Undo maps values of samples of the given width back to those of the source: it is the inverse of Apply.
func (s *Scaling) Undo(x []float64, width int) {
	run := width / len(s.Mean)
	for i := range x {
		k := i % width / run
		x[i] = s.Mean[k] + s.Scale[k]*x[i]
	}
}

// after returns the map that applies first and then s: x = m₁ + s₁·(m₂ + s₂·z).
func (s *Scaling) after(first *Scaling) *Scaling {
	if first == nil {
		return s
	}
	both := &Scaling{Mean: make([]float64, len(s.Mean)), Scale: make([]float64, len(s.Scale))}
	for i := range both.Mean {
		both.Mean[i] = first.Mean[i] + first.Scale[i]*s.Mean[i]
		both.Scale[i] = first.Scale[i] * s.Scale[i]
	}
	return both
}

func (d *Dataset) clone() *Dataset {
	out := *d
	out.Shape = slices.Clone(d.Shape)
	out.Features = slices.Clone(d.Features)
	out.Classes = slices.Clone(d.Classes)
	out.Notes = slices.Clone(d.Notes)
	out.Splits = make([]Split, len(d.Splits))
	for i := range d.Splits {
		out.Splits[i] = d.Splits[i].clone()
	}
	return &out
}
