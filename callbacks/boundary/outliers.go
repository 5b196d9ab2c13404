package boundary

import (
	"fmt"
	"math"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/quantile"
)

// Outliers are the eigenvalues far above the bulk of the spectrum, counted by
// three rules that need not agree. The paper counts by eye.
type Outliers struct {
	// Ratio counts the eigenvalues above λ₁/10.
	Ratio Outlier `json:"ratio"`

	// Gap counts those before the largest ratio λᵢ/λᵢ₊₁; its threshold is the
	// geometric mean of the two. Of complete pairs it is searched among the
	// first half of the positive resolvable eigenvalues, for between the last
	// ones ratios are arbitrarily large. Otherwise it is searched among the
	// known largest, and one that lies deeper is not seen.
	Gap Outlier `json:"gap"`

	// Edge counts those above the edge of the bulk, median + 6·MAD with MAD the
	// median absolute deviation from the median.
	Edge Outlier `json:"edge"`

	Known    int  `json:"known"`    // largest eigenvalues that the counts rest on
	Complete bool `json:"complete"` // whether these are all resolvable ones

	// Pairs says of each outlier which boundary it is about; Outliers leaves it
	// empty, for it takes predictions. See [Eigenpairs.ClassPairs].
	Pairs []ClassPair `json:"pairs,omitempty"`
}

// Outlier is a number of outliers by one rule.
type Outlier struct {
	Count     int     `json:"count"`
	Threshold float64 `json:"threshold"` // outliers are above it

	// Resolved is false if the count could be another: an eigenvalue's error bar
	// reaches the threshold, all known eigenvalues are above it and more may be,
	// or the rule finds no threshold.
	Resolved bool `json:"resolved"`

	// Excess is Count − (C − 1): a network with C classes and a boundary as
	// simple as can be is expected to have C − 1 outliers.
	Excess int `json:"excess"`
}

// Outliers counts the outliers of a network with the given number of classes.
// With a nil bulk, its median and MAD are those of the known positive
// resolvable eigenvalues; Edge is then not resolved unless they are complete.
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

// above counts the eigenvalues above a threshold with the given error.
func (o *ordered) above(threshold, bar float64) Outlier {
	found := Outlier{Threshold: threshold, Resolved: o.complete || o.values[o.top-1] <= threshold}
	for i, v := range o.values {
		if v > threshold {
			found.Count++
		}
		if math.Abs(v-threshold) <= o.residuals[i]+bar {
			found.Resolved = false
		}
	}
	return found
}

// positive is the number of largest eigenvalues that are positive and
// resolvable for certain.
func (o *ordered) positive() int {
	for i := range o.known() {
		if sure, _ := o.resolvability(i); !sure || o.values[i] < 0 {
			return i
		}
	}
	return o.known()
}

func (o *ordered) gap() Outlier {
	positive := o.positive()
	last := positive - 1 // candidates for the count
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
	least, _ := o.ratio(count)
	for i := 1; i <= last; i++ {
		if _, most := o.ratio(i); i != count && most >= least {
			found.Resolved = false
		}
	}
	return found
}

// ratio returns the least and the largest λᵢ/λᵢ₊₁ within the error bars.
func (o *ordered) ratio(i int) (least, most float64) {
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
	// The median moves by no more than the values do, and the MAD by no more
	// than twice that.
	bar := (1 + 2*edgeWidth) * slices.Max(o.residuals[:n])
	b := Bulk{Median: quantile.Median(o.values[:n])}
	deviations := make([]float64, n)
	for i, v := range o.values[:n] {
		deviations[i] = math.Abs(v - b.Median)
	}
	b.MAD = quantile.Median(deviations)
	found := o.above(b.edge(), bar)
	found.Resolved = found.Resolved && o.complete
	return found
}
