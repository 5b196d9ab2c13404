package datasets

import (
	"fmt"
	"math"
	"slices"
)

// Standardize returns a copy in which every column has zero mean and unit population variance over the train split;
// the other splits are transformed by the same map. A column that is constant over the train split is only centred.
// Scaling records the map from the source's values, also if the set was standardized before.
func (d *Dataset) Standardize() (*Dataset, error) {
	train, err := d.Split(Train)
	if err != nil {
		return nil, err
	}
	if train.Len() == 0 {
		return nil, fmt.Errorf("datasets: cannot standardize %s: its train split is empty", d.Name)
	}
	for i := range d.Splits {
		if err := d.Splits[i].fits(d.Width()); err != nil {
			return nil, err
		}
	}
	if d.Scaling != nil && (len(d.Scaling.Mean) != d.Width() || len(d.Scaling.Scale) != d.Width()) {
		return nil, fmt.Errorf("datasets: cannot standardize %s: its Scaling is not of %d columns", d.Name, d.Width())
	}
	fit, err := fitScaling(train.X, d.Width())
	if err != nil {
		return nil, fmt.Errorf("datasets: cannot standardize %s: %w", d.Name, err)
	}
	out := d.clone()
	for i := range out.Splits {
		fit.apply(out.Splits[i].X)
	}
	out.Scaling = fit.after(d.Scaling)
	return out, nil
}

func (s *Split) fits(width int) error {
	have, err := s.width()
	if err != nil {
		return err
	}
	if s.Len() > 0 && have != width {
		return fmt.Errorf("datasets: split %q has %d values a sample, its shape says %d", s.Name, have, width)
	}
	return nil
}

func fitScaling(x []float64, width int) (*Scaling, error) {
	fit := &Scaling{Mean: make([]float64, width), Scale: make([]float64, width)}
	for col := range width {
		mean, std := moments(x, col, width)
		if math.IsNaN(mean) || math.IsInf(mean, 0) || math.IsNaN(std) || math.IsInf(std, 0) {
			return nil, fmt.Errorf("column %d has values that are too large or not finite", col)
		}
		fit.Mean[col], fit.Scale[col] = mean, std
	}
	return fit, nil
}

// moments returns the mean and population standard deviation of one column, 1 in place of the latter if the column is
// constant. Deviations are divided by the largest before they are squared, so that small values do not underflow.
func moments(x []float64, col, width int) (mean, std float64) {
	n := float64(len(x) / width)
	constant := true
	for i := col; i < len(x); i += width {
		mean += x[i]
		constant = constant && x[i] == x[col]
	}
	if constant {
		return x[col], 1
	}
	mean /= n
	var drift, largest float64
	for i := col; i < len(x); i += width {
		drift += x[i] - mean
	}
	mean += drift / n // the rounding error of the first sum
	for i := col; i < len(x); i += width {
		largest = math.Max(largest, math.Abs(x[i]-mean))
	}
	var sum float64
	for i := col; i < len(x); i += width {
		r := (x[i] - mean) / largest
		sum += r * r
	}
	return mean, largest * math.Sqrt(sum/n)
}

func (s *Scaling) apply(x []float64) {
	width := len(s.Mean)
	for i := range x {
		col := i % width
		x[i] = (x[i] - s.Mean[col]) / s.Scale[col]
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
	out.Splits = make([]Split, len(d.Splits))
	for i, s := range d.Splits {
		s.X, s.Labels, s.Index, s.Targets = slices.Clone(s.X), slices.Clone(s.Labels), slices.Clone(s.Index), slices.Clone(s.Targets)
		out.Splits[i] = s
	}
	return &out
}
