package sweep

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/trainer"
)

// maxPoints is the largest number of points of a grid that can be sampled.
const maxPoints = 1_000_000

// points returns the points of the grid, or a sample of them. A point has one value of
// each axis. A larger sample begins with the smaller one, so that a sweep can be
// extended.
func (p *Plan) points() ([][]assignment, error) {
	total := 1
	for _, a := range p.Grid {
		if total *= max(1, len(a.values)); total > maxPoints {
			return nil, p.at(a.at, "the grid has more than %d points", maxPoints)
		}
	}
	n := p.Sample.Points
	switch {
	case slices.ContainsFunc(p.Grid, func(a axis) bool { return a.values == nil }):
		return p.draw(n)
	case n > total:
		return nil, fmt.Errorf("%s: sample.points is %d, and the grid has %d", p.file, n, total)
	case n == 0 && total > maxRuns:
		return nil, fmt.Errorf("%s: the grid has %d points; want at most %d, or a sample of them", p.file, total, maxRuns)
	}
	chosen := make([]int, total)
	for i := range chosen {
		chosen[i] = i
	}
	if n > 0 {
		chosen = trainer.Stream(p.Sample.Seed, "sweep", 0).Perm(total)[:n]
	}
	var points [][]assignment
	for _, i := range chosen {
		points = append(points, p.gridPoint(i))
	}
	return points, nil
}

// gridPoint returns the ith point of a grid without ranges. The last axis varies
// fastest.
func (p *Plan) gridPoint(i int) []assignment {
	point := make([]assignment, len(p.Grid))
	for k, a := range slices.Backward(p.Grid) {
		point[k] = assignment{a.key, a.values[i%len(a.values)], a.at}
		i /= len(a.values)
	}
	return point
}

// draw returns n different random points of a grid with ranges.
func (p *Plan) draw(n int) ([][]assignment, error) {
	const tries = 100 // attempts to find a point that differs from the others
	var points [][]assignment
	seen := make(map[string]bool)
	for len(points) < n {
		rng := trainer.Stream(p.Sample.Seed, "sweep", len(points))
		for try := 0; ; try++ {
			if try == tries {
				return nil, fmt.Errorf("%s: sample.points is %d, and in the grid's ranges there are hardly more than %d different points", p.file, n, len(points))
			}
			point := make([]assignment, len(p.Grid))
			for k, a := range p.Grid {
				value, err := a.draw(rng.Float64())
				if err != nil {
					return nil, p.at(a.at, "%w", err)
				}
				point[k] = assignment{a.key, value, a.at}
			}
			if name := fmt.Sprint(pointName(point)); !seen[name] {
				seen[name] = true
				points = append(points, point)
				break
			}
		}
	}
	return points, nil
}

// draw returns the value of an axis at a fraction u in [0, 1) of its list or range. A
// value of a range has 4 digits, and is a whole number if the setting is.
func (a axis) draw(u float64) (any, error) {
	if a.values != nil {
		return a.values[int(u*float64(len(a.values)))], nil
	}
	setting, err := strictyaml.TypeOf[experiment.Config](a.key)
	if err != nil {
		return nil, err
	}
	low, high := a.low, a.high
	whole := setting.Kind() == reflect.Int || setting.Kind() == reflect.Uint64
	if whole {
		high++ // so that the last whole number is as likely as the others
	}
	v := low + u*(high-low)
	if a.logarithmic {
		v = low * math.Pow(high/low, u)
	}
	if whole {
		return int64(v), nil
	}
	return strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
}
