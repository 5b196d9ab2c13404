package command

import "github.com/hessoscope/hessoscope/datasets"

// readPoints reads the named columns of a CSV file, which needs no labels: n × d
// values, of at most maxGB GB. Other columns are ignored.
func readPoints(path string, names []string, maxGB float64) ([]float64, error) {
	p := datasets.Preprocessing{Label: "label", Delimiter: ",", Missing: datasets.MissingError}
	for _, name := range names {
		p.Columns = append(p.Columns, datasets.Column{Name: name})
	}
	rows, err := p.ReadRows(path, maxGB)
	if err != nil {
		return nil, err
	}
	return rows.X, nil
}
