package plot

import (
	"math"
	"strconv"

	gonum "gonum.org/v1/plot"
)

// epochScale is logarithmic in 1 + epoch: much happens early, and there is an epoch 0.
type epochScale struct{}

// Normalize implements gonum's Normalizer.
func (epochScale) Normalize(low, high, x float64) float64 {
	return (math.Log1p(x) - math.Log1p(low)) / (math.Log1p(high) - math.Log1p(low))
}

// epochTicks marks 0 and the powers of ten.
type epochTicks struct{}

// Ticks implements gonum's Ticker.
func (epochTicks) Ticks(low, high float64) []gonum.Tick {
	var ticks []gonum.Tick
	if low <= 0 {
		ticks = append(ticks, gonum.Tick{Value: 0, Label: "0"})
	}
	for decade := 1.0; decade <= high; decade *= 10 {
		for digit := 1.0; digit < 10; digit++ {
			v := digit * decade
			if v < low || v > high {
				continue
			}
			tick := gonum.Tick{Value: v}
			if digit == 1 || high < 10 || high/max(low, 1) < 20 && (digit == 2 || digit == 5) {
				tick.Label = strconv.FormatFloat(v, 'f', -1, 64)
			}
			ticks = append(ticks, tick)
		}
	}
	return ticks
}

// EpochAxis makes the horizontal axis one of epochs.
func (p *Panel) EpochAxis() {
	p.X.Label.Text = "epoch"
	p.X.Scale, p.X.Tick.Marker = epochScale{}, epochTicks{}
}

// logTicks marks the powers of ten, if there are few of them 2 and 5 times these, and
// in a narrow range what a linear axis would.
type logTicks struct{}

// Ticks implements gonum's Ticker.
func (logTicks) Ticks(low, high float64) []gonum.Tick {
	if high < 4*low {
		return linearTicks{}.Ticks(low, high)
	}
	first, last := int(math.Floor(math.Log10(low))), int(math.Ceil(math.Log10(high)))
	span := math.Log10(high / low)
	every := max(1, int(math.Ceil(span/7)))
	var ticks []gonum.Tick
	for e := first; e <= last; e++ {
		for digit := 1; digit < 10; digit++ {
			v, err := strconv.ParseFloat(strconv.Itoa(digit)+"e"+strconv.Itoa(e), 64)
			if err != nil || v < low*(1-1e-9) || v > high*(1+1e-9) {
				continue
			}
			tick := gonum.Tick{Value: v}
			switch {
			case digit == 1 && e%every == 0, span < 2 && (digit == 2 || digit == 5):
				tick.Label = short(v)
			case every > 1 && digit > 1:
				continue
			}
			ticks = append(ticks, tick)
		}
	}
	return ticks
}

// short formats a number with few characters: 0.01, 200, 1e-5.
func short(v float64) string {
	if a := math.Abs(v); a != 0 && (a < 1e-3 || a >= 1e5) {
		mantissa := strconv.FormatFloat(v, 'e', -1, 64)
		m, err := strconv.ParseFloat(mantissa, 64)
		if err == nil {
			exponent := int(math.Floor(math.Log10(math.Abs(m)) + 1e-9))
			return strconv.FormatFloat(v/math.Pow10(exponent), 'g', 3, 64) + "e" + strconv.Itoa(exponent)
		}
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// linearTicks marks multiples of 1, 2 or 5 times a power of ten, about five of them.
type linearTicks struct{}

// Ticks implements gonum's Ticker.
func (linearTicks) Ticks(low, high float64) []gonum.Tick {
	const most = 6
	if !(high > low) {
		return nil
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/most)))
	for i := 0; (high-low)/step > most; i++ {
		step *= [3]float64{2, 2.5, 2}[i%3] // 1, 2, 5, 10, …
	}
	var ticks []gonum.Tick
	// The sum makes −0 a 0, whose label has no sign.
	for n := math.Ceil(2*low/step) + 0; n <= 2*high/step; n++ {
		tick := gonum.Tick{Value: n * step / 2}
		if math.Mod(n, 2) == 0 {
			tick.Label = short(n / 2 * step)
		}
		ticks = append(ticks, tick)
	}
	return ticks
}

// LogY makes the vertical axis logarithmic. Values that are not positive are then left
// out of lines and points that are added later.
func (p *Panel) LogY() { p.Y.Scale, p.Y.Tick.Marker = gonum.LogScale{}, logTicks{} }

// LogX makes the horizontal axis logarithmic.
func (p *Panel) LogX() { p.X.Scale, p.X.Tick.Marker = gonum.LogScale{}, logTicks{} }

func isLog(a *gonum.Axis) bool {
	_, is := a.Scale.(gonum.LogScale)
	return is
}

// widen leaves room beside the data of an axis, and makes sure that there is a range.
func widen(a *gonum.Axis) {
	const room = 0.04
	switch {
	case math.IsInf(a.Min, 0) || math.IsInf(a.Max, 0): // no data
		a.Min, a.Max = 0.1, 1
	case isLog(a):
		by := math.Max(math.Pow(a.Max/a.Min, room), 1.1)
		a.Min, a.Max = a.Min/by, a.Max*by
	default:
		by := (a.Max - a.Min) * room
		if by == 0 {
			by = math.Max(math.Abs(a.Max)*room, 0.5)
		}
		if _, epochs := a.Scale.(epochScale); epochs || a.Min == 0 {
			a.Max += by
			if a.Min != 0 {
				a.Min = math.Max(0, a.Min-by)
			}
			return
		}
		a.Min, a.Max = a.Min-by, a.Max+by
	}
}
