package command

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// parseLine reports whether a setting of --alignment-at is a line, and returns the
// two rows that it names; nil if it names none.
func parseLine(at string) (rows []int, isLine bool, err error) {
	if at == "line" {
		return nil, true, nil
	}
	named, isLine := strings.CutPrefix(at, "line:")
	if !isLine {
		return nil, false, nil
	}
	rows = make([]int, 2)
	var rest string
	if n, _ := fmt.Sscanf(named+" ", "%d,%d%s", &rows[0], &rows[1], &rest); n != 2 {
		return nil, true, fmt.Errorf("%s: want two rows of the split, as line:3,17", at)
	}
	return rows, true, nil
}

// lineSamples bounds the samples among which the nearest ones are searched, since
// all pairs are compared.
const lineSamples = 2000

// lineEnds returns the samples of the given rows, which must be predicted as
// different classes. Without rows, it returns the two nearest such samples.
func lineEnds(ctx context.Context, model models.Model, split *datasets.Split, rows []int, seed uint64) (ends [2][]float64, err error) {
	of := split
	if rows != nil {
		of, err = split.Subset(rows)
	} else {
		of, err = split.Draw(lineSamples, seed)
	}
	if err != nil {
		return ends, err
	}
	field, err := models.NewField(model, models.ObjectiveSettings{})
	if err != nil {
		return ends, err
	}
	x := of.Values()
	classes, err := field.Predict(ctx, x)
	if err != nil {
		return ends, err
	}
	width, nearest := field.Width(), math.Inf(1)
	for i := range classes {
		for j := range i {
			if classes[i] == classes[j] {
				continue
			}
			a, b := x[j*width:(j+1)*width], x[i*width:(i+1)*width]
			if d := floats.Distance(a, b, 2); d < nearest {
				ends, nearest = [2][]float64{a, b}, d
			}
		}
	}
	switch {
	case ends[0] != nil:
		return ends, nil
	case rows != nil:
		return ends, fmt.Errorf("both rows are predicted as class %d; want rows of two predicted classes", classes[0])
	default:
		return ends, errors.New("all samples are predicted as one class; want samples of two")
	}
}
