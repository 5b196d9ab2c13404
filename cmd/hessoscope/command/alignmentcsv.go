package command

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// readPoints reads the named columns of a CSV file, which needs no labels: n × d
// values. Other columns are ignored.
func readPoints(path string, names []string) ([]float64, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := csv.NewReader(file)
	r.TrimLeadingSpace = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: the file is empty, want a line that names the columns", path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff") // the byte order mark that spreadsheets write
	for i, name := range header {
		header[i] = strings.TrimSpace(name)
	}
	columns := make([]int, len(names))
	for i, name := range names {
		if columns[i] = slices.Index(header, name); columns[i] < 0 {
			return nil, fmt.Errorf("%s: no column %q; the model's inputs are %s", path, name, abbreviated(names))
		}
	}
	var x []float64
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for i, column := range columns {
			v, err := strconv.ParseFloat(strings.TrimSpace(record[column]), 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				line, at := r.FieldPos(column)
				return nil, fmt.Errorf("%s:%d:%d: column %q: %q is not a finite number", path, line, at, names[i], record[column])
			}
			x = append(x, v)
		}
	}
	if x == nil {
		return nil, fmt.Errorf("%s: no rows after the line of column names", path)
	}
	return x, nil
}

// abbreviated lists names, the first ten of many.
func abbreviated(names []string) string {
	if len(names) > 10 {
		return strings.Join(names[:10], ", ") + fmt.Sprintf(", … (%d in all)", len(names))
	}
	return strings.Join(names, ", ")
}
