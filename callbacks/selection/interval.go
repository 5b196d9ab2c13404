package selection

// Interval is the value of a measure. If the value is exact, Low = High.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Exact reports whether the value is a single number.
func (i Interval) Exact() bool { return i.Low == i.High }

// middle returns the midpoint, for uses that need a single number.
func (i Interval) middle() float64 {
	if i.Exact() {
		return i.Low
	}
	return i.Low/2 + i.High/2
}

// compare returns −1 if i is certainly below j, 1 if it is certainly above, and 0
// if the two are equal or overlap.
func (i Interval) compare(j Interval) int {
	switch {
	case i.High < j.Low:
		return -1
	case i.Low > j.High:
		return 1
	default:
		return 0
	}
}
