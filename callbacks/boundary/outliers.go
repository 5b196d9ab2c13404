package boundary

import (
	"fmt"
	"math"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/quantile"
)

// Outliers holds the number of outliers, the eigenvalues far above the bulk of
// the spectrum, by three rules that need not agree. The paper counts them by eye.
type Outliers struct {
	// Ratio counts the eigenvalues above λ₁/10.
	Ratio Outlier `json:"ratio"`

	// Gap counts the eigenvalues before the largest ratio λᵢ/λᵢ₊₁; its threshold
	// is the geometric mean of the two. If the pairs are complete, the ratio is
	// searched in the larger half of the positive resolvable eigenvalues, since the
	// ratios of the smallest ones can be arbitrarily large. Otherwise it is searched
	// among the known largest eigenvalues, and a larger ratio further down is not
	// found.
	Gap Outlier `json:"gap"`

	// Edge counts the eigenvalues above the edge of the bulk, median + 6·MAD, where
	// MAD is the median absolute deviation from the median.
	Edge Outlier `json:"edge"`

	Known    int  `json:"known"`    // number of largest eigenvalues that the counts rest on
	Complete bool `json:"complete"` // whether these are all resolvable eigenvalues

	// Pairs has the section of the boundary that each outlier distinguishes.
	// [Eigenpairs.Outliers] leaves it empty; [Eigenpairs.ClassPairs] returns it.
	Pairs []ClassPair `json:"pairs,omitempty"`
}

// Outlier is the number of outliers by one rule.
type Outlier struct {
	Count     int     `json:"count"`
	Threshold float64 `json:"threshold"` // outliers are above it

	// Resolved is false if the count is uncertain: an eigenvalue is within its
	// residual and the threshold's error of the threshold, unknown eigenvalues may
	// be above it, or the rule finds no threshold.
	Resolved bool `json:"resolved"`

	// Excess is Count − (C − 1): the simplest boundary between C classes is
	// expected to have C − 1 outliers.
	Excess int `json:"excess"`
}

// Outliers counts the outliers of a network with the given number of classes.
// If bulk is nil, median and MAD are those of the known positive resolvable
// eigenvalues; Edge is then not resolved unless these are complete.
func (e *Eigenpairs) Outliers(classes int, bulk *Bulk) (*Outliers, error) {
	if err := e.validate(); err != nil {
		return nil, err
	}
	if classes < 2 {
		return nil, fmt.Errorf("boundary: outliers of %d classes: want at least 2", classes)
	}
	if bulk != nil && !(bulk.MAD >= 0 && bulk.Error >= 0 && !math.IsInf(bulk.edge()+bulk.Error, 0)) {
		return nil, fmt.Errorf("boundary: bulk with median %v, MAD %v and error %v: want finite numbers, the last two not negative",
			bulk.Median, bulk.MAD, bulk.Error)
	}
	o := e.order()
	found := &Outliers{
		Ratio:    o.above(o.values[0]/10, o.residuals[0]/10),
		Gap:      o.gap(),
		Edge:     o.edge(bulk),
		Known:    o.known(),
		Complete: o.complete,
	}
	for _, rule := range []*Outlier{&found.Ratio, &found.Gap, &found.Edge} {
		rule.Excess = rule.Count - (classes - 1)
	}
	return found, nil
}

// above counts the eigenvalues above a threshold that has an error of at most
// margin.
func (o *ordered) above(threshold, margin float64) Outlier {
	found := Outlier{Threshold: threshold, Resolved: o.complete || o.values[o.top-1] <= threshold}
	for i, v := range o.values {
		if v > threshold {
			found.Count++
		}
		if math.Abs(v-threshold) <= o.residuals[i]+margin {
			found.Resolved = false
		}
	}
	return found
}

// positive returns the number of largest eigenvalues that are positive and
// certain to be resolvable.
func (o *ordered) positive() int {
	for i := range o.known() {
		if certain, _ := o.resolvability(i); !certain || o.values[i] < 0 {
			return i
		}
	}
	return o.known()
}

func (o *ordered) gap() Outlier {
	positive := o.positive()
	last := positive - 1 // the largest possible count
	if o.complete {
		last = min(last, (positive+1)/2)
	}
	if last < 1 {
		return Outlier{Count: positive, Threshold: o.floor()}
	}
	count, best := 1, 0.0
	for i := 1; i <= last; i++ {
		if ratio := o.values[i-1] / o.values[i]; ratio > best {
			count, best = i, ratio
		}
	}
	found := Outlier{Count: count, Threshold: math.Sqrt(o.values[count-1]) * math.Sqrt(o.values[count])}
	found.Resolved = o.complete || count < last
	lower, _ := o.ratioBounds(count)
	for i := 1; i <= last; i++ {
		if _, upper := o.ratioBounds(i); i != count && upper >= lower {
			found.Resolved = false
		}
	}
	return found
}

// ratioBounds returns bounds of the true ratio λᵢ/λᵢ₊₁, i from 1.
func (o *ordered) ratioBounds(i int) (lower, upper float64) {
	a, ra, b, rb := o.values[i-1], o.residuals[i-1], o.values[i], o.residuals[i]
	return (a - ra) / (b + rb), (a + ra) / (b - rb)
}

func (o *ordered) edge(bulk *Bulk) Outlier {
	if bulk != nil {
		return o.above(bulk.edge(), bulk.Error)
	}
	n := o.positive()
	if n == 0 {
		return Outlier{}
	}
	// If no value is off by more than r, the median is off by at most r, and the
	// MAD by at most 2r.
	margin := (1 + 2*edgeWidth) * slices.Max(o.residuals[:n])
	b := Bulk{Median: quantile.Median(o.values[:n])}
	deviations := make([]float64, n)
	for i, v := range o.values[:n] {
		deviations[i] = math.Abs(v - b.Median)
	}
	b.MAD = quantile.Median(deviations)
	found := o.above(b.edge(), margin)
	found.Resolved = found.Resolved && o.complete
	return found
}
