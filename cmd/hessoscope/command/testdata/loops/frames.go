// Package frames reads and changes tables: as much of the packages dataframe and
// series of github.com/go-gota/gota as Gorgonia's example iris calls.
package frames

import (
	"encoding/csv"
	"fmt"
	"io"
	"log"
	"slices"
	"strconv"
)

// Series is a column, of numbers as text or of names.
type Series struct {
	name   string
	values []string
}

// Float is the type of the values that New takes.
const Float = "float"

func New(values []float64, _, name string) Series {
	column := Floats(values)
	column.name = name
	return column
}

func Floats(values []float64) (column Series) {
	for _, v := range values {
		column.values = append(column.values, strconv.FormatFloat(v, 'g', -1, 64))
	}
	return column
}

func (s Series) Records() []string { return s.values }

type DataFrame struct{ columns []Series }

// ReadCSV reads a table whose first line names the columns.
func ReadCSV(r io.Reader) (table DataFrame) {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil || len(rows) == 0 {
		log.Fatalf("%d rows, error %v", len(rows), err)
	}
	for j, name := range rows[0] {
		column := Series{name: name}
		for _, row := range rows[1:] {
			column.values = append(column.values, row[j])
		}
		table.columns = append(table.columns, column)
	}
	return table
}

func (d DataFrame) Drop(name string) DataFrame {
	return DataFrame{slices.DeleteFunc(slices.Clone(d.columns), func(s Series) bool { return s.name == name })}
}

func (d DataFrame) Select(name string) DataFrame {
	return DataFrame{slices.DeleteFunc(slices.Clone(d.columns), func(s Series) bool { return s.name != name })}
}

// Capply is the table of what change makes of each column.
func (d DataFrame) Capply(change func(Series) Series) (changed DataFrame) {
	for _, column := range d.columns {
		changed.columns = append(changed.columns, change(column))
	}
	return changed
}

// Mutate adds a column.
func (d DataFrame) Mutate(column Series) DataFrame {
	return DataFrame{append(slices.Clone(d.columns), column)}
}

func (d DataFrame) Dims() (rows, columns int) {
	return len(d.columns[0].values), len(d.columns)
}

func (d DataFrame) Describe() string {
	rows, columns := d.Dims()
	return fmt.Sprintf("%d rows, %d columns", rows, columns)
}

func (d DataFrame) Elem(i, j int) Element { return Element(d.columns[j].values[i]) }

type Element string

func (e Element) Float() float64 {
	v, err := strconv.ParseFloat(string(e), 64)
	if err != nil {
		log.Fatal(err)
	}
	return v
}
