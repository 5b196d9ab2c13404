package report

import (
	"fmt"
	"strconv"
	"time"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

// Data is what a page shows: one run, or the comparison of several.
type Data struct {
	Title   string            `json:"title"`
	Compare bool              `json:"compare"` // whether it is a comparison, even of one run
	Runs    []*Run            `json:"runs"`
	Notes   []string          `json:"notes,omitempty"` // about the comparison
	Words   map[string]string `json:"words"`           // words of the glossary that a page explains, with their meaning
}

// Run is one run.
type Run struct {
	Name        string        `json:"name"` // of the folder
	Folder      string        `json:"folder"`
	Link        string        `json:"link,omitempty"` // relative address of the page of this run, if there is one
	Description string        `json:"description,omitempty"`
	Status      record.Status `json:"status"`
	Started     time.Time     `json:"started"`
	Updated     time.Time     `json:"updated"`
	Seconds     float64       `json:"seconds"`     // time the run has taken
	Epoch       int           `json:"epoch"`       // epochs completed
	Epochs      int           `json:"epochs"`      // epochs planned; 0 if not known
	Seed        uint64        `json:"seed,string"` // not all are exact as numbers in a browser
	Loss        string        `json:"loss"`        // name of the loss

	Model record.RunModel `json:"model"`
	Data  record.RunData  `json:"data"`

	// Confusion is that of record.Run; a comparison has none. Kept is the epoch of the
	// network that it is of.
	Confusion map[string]*record.Confusion `json:"confusion,omitempty"`
	Kept      int                          `json:"kept"`

	Summary []Sentence `json:"summary"`
	Notes   []string   `json:"notes"` // what is measured otherwise than trained, and what the page leaves out

	// Metrics are those that were recorded at least once, or of which an end of their
	// interval was, in the order of their declaration.
	Metrics []trainer.Metric           `json:"metrics"`
	Final   map[string]trainer.Reading `json:"final"` // last readings of those recorded
	// Grids are the epochs of the series. Metrics recorded at the same epochs
	// share one.
	Grids  [][]int           `json:"grids"`
	Series map[string]Series `json:"series"` // by the name of the metric

	Frames []*Frame `json:"frames"` // by epoch; of a comparison there are none
	Points *Points  `json:"points,omitempty"`
}

// Series is a metric over the epochs.
type Series struct {
	Grid   int    `json:"grid"` // index of its epochs
	Values Floats `json:"values"`
}

// Frame is what was measured at one epoch beside the metrics.
type Frame struct {
	Epoch int `json:"epoch"`
	// Eigenvalues are known ones, in descending order, and Ranks their places from 1.
	// Of many, those of low rank are all kept, and the others thinned out.
	Eigenvalues Floats `json:"eigenvalues"`
	Ranks       []int  `json:"ranks"`
	Known       int    `json:"known"`     // number of known eigenvalues
	Threshold   Float  `json:"threshold"` // that of an outlier, λ₁/10

	Plane      *Plane   `json:"plane,omitempty"`
	Alignments *Heatmap `json:"alignments,omitempty"`
	Margins    *Margins `json:"margins,omitempty"`
}

// Plane is what a model with two inputs predicts in a rectangle around the data.
// The maps have Side rows of Side cells, from the largest y to the smallest.
type Plane struct {
	Box        Floats   `json:"box"` // least x, largest x, least y, largest y
	Side       int      `json:"side"`
	Predicted  []byte   `json:"predicted"`  // class of each cell
	Gaps       []byte   `json:"gaps"`       // largest logit minus the second, as 255·√(gap/largest gap); empty if not stored
	Alignments [][]byte `json:"alignments"` // of each eigenvector: the gradient's alignment with it, −1 to 1 as 0 to 254
}

// Heatmap has the alignments of samples with the eigenvectors of the largest
// eigenvalues.
type Heatmap struct {
	Rows      int    `json:"rows"`      // samples, ordered by the predicted class and then by the first alignment
	Columns   int    `json:"columns"`   // eigenvectors
	Samples   int    `json:"samples"`   // of which Rows are shown
	Predicted []byte `json:"predicted"` // class of each row
	Values    []byte `json:"values"`    // by rows, −1 to 1 as 0 to 254
}

// Margins are the segments from samples in the plane to the nearest points of the
// boundary, the shortest first.
type Margins struct {
	From Floats `json:"from"` // coordinates, two for each segment; empty until SetPoints
	To   Floats `json:"to"`   // likewise

	rows []int // samples, by their row of the split
}

// Points are samples in the plane.
type Points struct {
	XY     Floats `json:"xy"`     // coordinates, two for each point
	Labels []byte `json:"labels"` // classes
	Of     int    `json:"of"`     // samples of the split, of which these are some
}

// InPlane reports whether the inputs of the model are points in a plane.
func (run *Run) InPlane() bool {
	return len(run.Model.InputShape) == 1 && run.Model.InputShape[0] == 2
}

// SetPoints adds the samples of the split that was measured, if they are in the
// plane: their coordinates as the model takes them, two for each sample, and their
// classes.
func (run *Run) SetPoints(xy []float64, labels []int) error {
	if len(xy) != 2*len(labels) {
		return fmt.Errorf("report: %d coordinates for %d samples; want two for each", len(xy), len(labels))
	}
	rows := make([]int, len(labels))
	for i := range rows {
		rows[i] = i
	}
	p := &Points{Of: len(labels)}
	for _, row := range thin(rows, maxPoints) {
		p.XY, p.Labels = append(p.XY, xy[2*row:2*row+2]...), append(p.Labels, byte(labels[row]))
	}
	run.Points = p
	for _, f := range run.Frames {
		if f.Margins == nil {
			continue
		}
		f.Margins.From = Floats{}
		for _, row := range f.Margins.rows {
			if row < 0 || row >= len(labels) {
				return fmt.Errorf("report: the margins of epoch %d are of sample %d, and there are %d; give the split that was measured", f.Epoch, row, len(labels))
			}
			f.Margins.From = append(f.Margins.From, xy[2*row:2*row+2]...)
		}
	}
	return nil
}

// digits is the number of significant digits of a number in a page.
const digits = 5

// Float is a number that JSON gets with few digits.
type Float float64

// MarshalJSON implements json.Marshaler. The number must be finite.
func (f Float) MarshalJSON() ([]byte, error) { return f.append(nil), nil }

func (f Float) append(b []byte) []byte { return strconv.AppendFloat(b, float64(f), 'g', digits, 64) }

// Floats are numbers that JSON gets with few digits.
type Floats []float64

// MarshalJSON implements json.Marshaler. The numbers must be finite.
func (f Floats) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 8*len(f)+2), '[')
	for i, v := range f {
		if i > 0 {
			b = append(b, ',')
		}
		b = Float(v).append(b)
	}
	return append(b, ']'), nil
}
