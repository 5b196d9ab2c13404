package command

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
)

// alignmentPoints are the points that --alignment-at names.
type alignmentPoints struct {
	x     []float64 // n × d
	names []string  // of the d columns; nil where rows stand for points

	// The place of each point: its row in a split or a file, or its place t on a
	// line, 0 at one sample and 1 at the other. A grid has neither.
	placeName string
	places    []float64
}

// alignmentPoints returns the points at which alignments are computed.
func (a analyzeCmd) alignmentPoints(ctx context.Context, warnings io.Writer, model models.Model, data *datasets.Dataset, split *datasets.Split) (*alignmentPoints, error) {
	at, plane := a.AlignmentAt, data.Width() == 2
	rows, isLine, err := parseLine(at)
	switch {
	case err != nil:
		return nil, err
	case at == "grid" && !plane:
		return nil, fmt.Errorf("grid: the inputs have %d values; a grid wants 2, so take a line, a split or a .csv file", data.Width())
	case at == "grid" || at == "" && plane:
		return &alignmentPoints{x: grid(boundary.Square(split.Values()), a.AlignPoints), names: columnNames(data)}, nil
	case at == "":
		return samplePoints(split.Values(), split.Len()), nil
	case isLine:
		ends, err := lineEnds(ctx, model, split, rows, a.Seed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		return linePoints(ends[0], ends[1], a.AlignPoints, columnNames(data)), nil
	case filepath.Ext(at) == ".csv":
		rows, err := tableOf(data).ReadRows(at, a.MaxGB)
		if err != nil {
			return nil, err
		}
		for _, note := range rows.Notes {
			say(warnings, at+": "+note)
		}
		if data.Scaling != nil {
			data.Scaling.Apply(rows.X, data.Width())
		}
		return &alignmentPoints{x: rows.X, placeName: "row", places: numbers(rows.Index)}, nil
	}
	other, err := data.Split(at)
	if err != nil {
		return nil, fmt.Errorf("%s: want grid, line, line:I,J, the name of a split, or a .csv file: %w", at, err)
	}
	return samplePoints(other.Values(), other.Len()), nil
}

// columnNames returns the names of the features, or x0, x1, … where they have none.
func columnNames(data *datasets.Dataset) []string {
	if data.Features != nil {
		return data.Features
	}
	names := make([]string, data.Width())
	for i := range names {
		names[i] = "x" + strconv.Itoa(i)
	}
	return names
}

// tableOf returns how the columns of a table become inputs: as those of the data did.
func tableOf(data *datasets.Dataset) *datasets.Preprocessing {
	if data.Preprocessing != nil {
		return data.Preprocessing
	}
	p := &datasets.Preprocessing{Missing: datasets.MissingError}
	for _, name := range columnNames(data) {
		p.Columns = append(p.Columns, datasets.Column{Name: name})
	}
	return p
}

func samplePoints(x []float64, n int) *alignmentPoints {
	rows := make([]float64, n)
	for i := range rows {
		rows[i] = float64(i)
	}
	return &alignmentPoints{x: x, placeName: "row", places: rows}
}

// grid returns the points of a regular grid, row by row, the ends of the box
// included.
func grid(box [4]float64, side int) []float64 {
	columns, rows := make([]float64, side), make([]float64, side)
	floats.Span(columns, box[0], box[1])
	floats.Span(rows, box[2], box[3])
	x := make([]float64, 0, 2*side*side)
	for _, row := range rows {
		for _, column := range columns {
			x = append(x, column, row)
		}
	}
	return x
}

// linePoints returns n points on the line through a and b, half their distance
// beyond each of them.
func linePoints(a, b []float64, n int, names []string) *alignmentPoints {
	p := &alignmentPoints{names: names, placeName: "t", places: make([]float64, n)}
	floats.Span(p.places, -0.5, 1.5)
	for _, t := range p.places {
		for i := range a {
			p.x = append(p.x, a[i]+t*(b[i]-a[i]))
		}
	}
	return p
}

// write writes the alignments to a .csv or .npz file.
func (p *alignmentPoints) write(path string, at *boundary.PointAlignments) error {
	if filepath.Ext(path) == ".npz" {
		return weights.Write(path, p.arrays(at))
	}
	n, k := at.Values.Dims()
	header := slices.Clone(p.names)
	if p.placeName != "" {
		header = append([]string{p.placeName}, header...)
	}
	header = append(header, "predicted", "gap")
	for i := range k {
		header = append(header, "A"+strconv.Itoa(i+1))
	}
	table := [][]string{append(header, "outlier_energy")}
	for i := range n {
		var row []float64
		if p.placeName != "" {
			row = append(row, p.places[i])
		}
		row = append(row, p.x[i*len(p.names):(i+1)*len(p.names)]...)
		row = append(row, float64(at.Predicted[i]), at.Gaps[i])
		row = append(row, at.Values.RawRowView(i)...)
		row = append(row, at.OutlierEnergy[i])
		cells := make([]string, len(row))
		for j, v := range row {
			cells[j] = formatFloat(v)
		}
		table = append(table, cells)
	}
	var text bytes.Buffer
	if err := csv.NewWriter(&text).WriteAll(table); err != nil {
		return err
	}
	return durable.WriteFile(path, text.Bytes())
}

// arrays are points (n, d), row or t (n), predicted (n), gaps (n), alignments
// (n, k) and outlier_energy (n).
func (p *alignmentPoints) arrays(at *boundary.PointAlignments) []weights.Array {
	n, k := at.Values.Dims()
	predicted := make([]float64, n)
	for i, class := range at.Predicted {
		predicted[i] = float64(class)
	}
	arrays := []weights.Array{
		{Name: "points", Shape: []int{n, len(p.x) / n}, Data: p.x},
		{Name: "predicted", Shape: []int{n}, Data: predicted},
		{Name: "gaps", Shape: []int{n}, Data: at.Gaps},
		{Name: "alignments", Shape: []int{n, k}, Data: at.Values.RawMatrix().Data},
		{Name: "outlier_energy", Shape: []int{n}, Data: at.OutlierEnergy},
	}
	if p.placeName != "" {
		arrays = append(arrays, weights.Array{Name: p.placeName, Shape: []int{n}, Data: p.places})
	}
	return arrays
}
