package callbacks

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// Plane stores, for a model with two inputs, the decision regions in the plane and
// the alignment of each point's reinforcing gradient with the first eigenvectors,
// with every measurement of a Spectrum that is not quick. It records no metrics. The
// arrays, of side × side cells, are those that pictures are drawn from:
//
//	plane_box         (4)              left, right, lower and upper edge of a square around the training samples
//	plane_predicted   (side, side)     predicted class at the centre of each cell; the first row is the uppermost
//	plane_gap         (side, side)     largest logit minus the second: 0 on the boundary
//	plane_alignments  (k, side, side)  alignment with v₁…v_k, k at most 5, from −1 to 1; 0 without a gradient
type Plane struct {
	// Spectrum is the hook whose eigenpairs are used. It must be a hook of the same
	// run and have a Dir.
	Spectrum *Spectrum
	// Side is the number of cells along a side, from 2 to PlaneLimit. If zero, it is such
	// that a Plane adds about an eighth to the time of a measurement, from 24 to 64.
	Side int

	run planeRun
}

// planeRun is the state of a Plane during one run.
type planeRun struct {
	box       [4]float64
	side      int
	gradients *boundary.Reinforcing // at the centres of the cells; nil before the first measurement
}

var (
	_ trainer.TrainBeginner = (*Plane)(nil)
	_ trainer.Resetter      = (*Plane)(nil)
	_ SpectrumConsumer      = (*Plane)(nil)
)

// PlaneLimit is the largest number of cells along a side of a Plane.
const PlaneLimit = 512

const (
	planeVectors = 5
	planeShare   = 0.25 // of the cost of a measurement, as Spectrum counts it; it takes half as much time
	planeLeast   = 24   // cells along a side, by default
	planeMost    = 64
)

// Name implements trainer.Hook.
func (*Plane) Name() string { return "plane" }

// TrainBegin implements trainer.TrainBeginner.
func (p *Plane) TrainBegin(_ context.Context, state *trainer.State) error {
	if p.Side != 0 && (p.Side < 2 || p.Side > PlaneLimit) {
		return &trainer.FieldError{Field: "Side", Problem: fmt.Sprintf("is %d; want 0, for the default, or 2 to %d cells", p.Side, PlaneLimit)}
	}
	if width := tensor.Shape(state.Model.InputShape()).TotalSize(); width != 2 {
		return fmt.Errorf("the inputs have %d values; a Plane wants a model with 2", width)
	}
	split := &state.Data.Splits[0]
	if err := classified(split); err != nil {
		return err
	}
	p.run.box = boundary.Square(split.Values())
	return p.Spectrum.Subscribe(state, p)
}

// Consume implements SpectrumConsumer.
func (p *Plane) Consume(ctx context.Context, m *analysis.Measurement, state *trainer.State) ([]weights.Array, error) {
	known := len(m.Spectrum.Top.Values)
	if known == 0 || p.Spectrum.Dir == "" {
		return nil, nil
	}
	if err := p.refresh(ctx, state); err != nil {
		return nil, err
	}
	k, side := min(known, planeVectors), p.run.side
	vectors := m.Spectrum.Top.Vectors.Slice(0, k, 0, m.Spectrum.Dim).(*mat.Dense)
	at, err := p.run.gradients.AtSamples(ctx, vectors, 0)
	if err != nil {
		return nil, err
	}
	predicted := make([]float64, side*side)
	for i, class := range at.Predicted {
		predicted[i] = float64(class)
	}
	var alignments []float64
	for i := range k {
		alignments = append(alignments, mat.Col(nil, i, at.Values)...)
	}
	return []weights.Array{
		{Name: "plane_box", Shape: []int{4}, Data: slices.Clone(p.run.box[:])},
		{Name: "plane_predicted", Shape: []int{side, side}, Data: predicted},
		{Name: "plane_gap", Shape: []int{side, side}, Data: at.Gaps},
		{Name: "plane_alignments", Shape: []int{k, side, side}, Data: alignments},
	}, nil
}

// refresh takes over the parameters of the model.
func (p *Plane) refresh(ctx context.Context, state *trainer.State) error {
	r := &p.run
	if r.gradients != nil {
		return r.gradients.Refresh(ctx)
	}
	r.side = p.Side
	if r.side == 0 {
		const pointWork = 2 + productWork*planeVectors // a pass, the norm and a slope for each vector
		r.side = int(max(planeLeast, min(math.Sqrt(planeShare*p.Spectrum.run.plan.expected/pointWork), planeMost)))
	}
	x := boundary.Cells(r.box, r.side)
	cells := &datasets.Split{Name: "plane", X: x, Labels: make([]int, r.side*r.side)}
	var err error
	r.gradients, err = boundary.NewReinforcing(ctx, state.Model, cells, models.ObjectiveSettings{
		Precision: tensor.Float64, Workers: p.Spectrum.Workers, Only: p.Spectrum.Only,
	})
	return err
}

// Reset implements trainer.Resetter.
func (p *Plane) Reset() { p.run = planeRun{} }
