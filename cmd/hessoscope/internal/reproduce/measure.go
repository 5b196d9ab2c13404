package reproduce

import (
	"context"
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/callbacks/plot"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// network is a trained network and what was measured of it.
type network struct {
	model   models.Model
	split   *datasets.Split // the training split
	classes []string
	result  *analysis.Result
	// alignments has A₁ … A_k of the training samples, N × k.
	alignments *mat.Dense
	predicted  []int // of the training samples
	// plane has the predictions and the alignments in the plane; nil unless the inputs
	// have two dimensions.
	plane *plot.Plane
	// published is the complexity at the ε of the paper's code for its fourth figure;
	// nil if it is not known exactly.
	published    *boundary.Tally
	testAccuracy float64 // NaN if there is no test split
	tested       int     // samples of it
}

const (
	mapped  = 7  // alignment maps
	aligned = 25 // eigenvectors whose alignments with the samples are drawn
	// publishedEpsilon is the threshold in the code of the paper's fourth figure.
	publishedEpsilon = 0.04727759086412113
)

// measure measures the last checkpoint of a recipe's run.
func (s *Settings) measure(ctx context.Context, r *recipe) (*network, error) {
	c, err := experiment.ReadRun(s.dir(r))
	if err != nil {
		return nil, err
	}
	run, err := record.ReadRun(record.Folder(s.dir(r)).Run())
	if err != nil {
		return nil, err
	}
	data, split, err := trainSplit(ctx, c)
	if err != nil {
		return nil, err
	}
	n := &network{split: split, classes: data.Classes, testAccuracy: math.NaN()}
	if test, ok := run.Final[trainer.AccuracyOf(datasets.Test)]; ok {
		n.testAccuracy, n.tested = test.Value, run.Data.Samples[datasets.Test]
	}
	if n.model, err = c.LoadModel(record.Folder(s.dir(r)).LastCheckpoint(), data); err != nil {
		return nil, err
	}
	settings := analysis.Settings{
		Loss:      c.Training.Loss.Loss(),
		Spectrum:  curvature.Settings{Top: aligned, Bottom: -1, Seed: c.Seed},
		Alignment: &analysis.AlignmentSettings{Vectors: mapped, Seed: c.Seed},
	}
	if c.Model.Hidden == nil { // a convolutional network, whose resolvable pairs are too many
		settings.Spectrum.Method, settings.Spectrum.Tolerance = curvature.Lanczos, 1e-4
		settings.Alignment = nil
	} else {
		settings.Margin = &margin.Settings{Seed: c.Seed}
	}
	if data.Width() == 2 {
		n.plane = s.newPlane(split.Values())
		settings.Alignment.Points = boundary.Cells(n.plane.Box, n.plane.Side)
	}
	if n.result, err = analysis.Analyze(ctx, n.model, split, settings); err != nil {
		return nil, err
	}
	if n.result.Complexity == nil || n.result.Spectrum.Outliers == nil {
		return nil, errors.New("no eigenvalue of its Hessian is positive; delete its run and train with other settings")
	}
	if n.plane != nil {
		n.show(n.result.Alignment.At)
	}
	return n, n.align(ctx)
}

// align computes the alignments of the training samples with the largest eigenvectors.
func (n *network) align(ctx context.Context) error {
	reinforcing, err := n.result.Measurement.Reinforcing(ctx)
	if err != nil {
		return err
	}
	top := n.result.Measurement.Spectrum.Top
	if n.alignments, err = reinforcing.Alignments(ctx, top.Vectors); err != nil {
		return err
	}
	n.predicted = reinforcing.Predicted
	pairs, err := n.result.Measurement.Aligned(ctx)
	if err != nil || pairs == nil {
		return err
	}
	complexity, err := pairs.Complexity(boundary.ComplexitySettings{Epsilon: publishedEpsilon})
	if err != nil {
		return err
	}
	if complexity.Value != nil {
		n.published = &complexity.Tally
	}
	return nil
}
