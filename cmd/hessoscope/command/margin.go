package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"sync"

	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/datasets/durable"
	"github.com/hessoscope/hessoscope/models"
)

// marginAnalysis is the part of an analysis that --margin adds.
type marginAnalysis struct {
	margin.Summary
	Logit       margin.Quantiles    `json:"logit"`       // of the label's logit minus the largest other
	Input       margin.Quantiles    `json:"input"`       // of |f_a − f_b|/‖∇(f_a − f_b)‖
	Eigenvector *margin.Eigenvector `json:"eigenvector"` // null without outliers, or without a boundary
	Paper       *margin.Eigenvector `json:"paper"`       // likewise
}

// measureMargin measures the samples' distances to the boundary, and what the outliers'
// eigenvectors say of them.
func (a analyzeCmd) measureMargin(ctx context.Context, subject *subject, spectrum *curvature.Spectrum, gradients *boundary.Reinforcing, outliers *boundary.Outliers, progress io.Writer) (*marginAnalysis, *margin.Distances, error) {
	settings := models.ObjectiveSettings{Workers: a.Workers}
	told, err := outlierVectors(ctx, spectrum, gradients, outliers)
	if err != nil {
		return nil, nil, err
	}
	var paper *margin.Eigenvector
	var paperErr error
	var wait sync.WaitGroup
	defer wait.Wait()
	if told != nil {
		wait.Go(func() { // thousands of small steps, one after the other
			paper, paperErr = margin.Published(ctx, subject.model, subject.split, told.vectors, told.alignments, a.Seed, settings)
		})
	}
	field, err := models.NewField(subject.model, settings)
	if err != nil {
		return nil, nil, err
	}
	cheap, err := margin.MeasureCompanions(ctx, field, subject.split)
	if err != nil {
		return nil, nil, err
	}
	bar := newBar(progress, "margins")
	margins, err := margin.Measure(ctx, field, subject.split, margin.Settings{
		Samples: cmp.Or(a.Samples, callbacks.MarginSamples), Seed: a.Seed, Progress: bar.show,
	})
	bar.clear()
	if err != nil {
		return nil, nil, err
	}
	m := &marginAnalysis{Summary: margins.Summary(), Logit: cheap.LogitQuantiles(), Input: cheap.InputQuantiles()}
	if told != nil {
		if m.Eigenvector, err = margin.Repaired(ctx, subject.model, subject.split, told.vectors, told.alignments, margins, settings); err != nil {
			return nil, nil, err
		}
		wait.Wait()
		if m.Paper = paper; paperErr != nil {
			return nil, nil, paperErr
		}
		m.Eigenvector.Compare(m.Summary)
		m.Paper.Compare(m.Summary)
	}
	if a.Margins == "" {
		return m, margins, nil
	}
	return m, margins, writeMargins(a.Margins, margins)
}

// aligned are eigenvectors, k × P, and the samples' alignments with them,
// N × k.
type aligned struct{ vectors, alignments *mat.Dense }

// outlierVectors are the eigenvectors of the outliers, as far as they are
// known; nil if none is.
func outlierVectors(ctx context.Context, spectrum *curvature.Spectrum, gradients *boundary.Reinforcing, outliers *boundary.Outliers) (*aligned, error) {
	if outliers == nil || spectrum.Top.Vectors == nil {
		return nil, nil
	}
	known, p := spectrum.Top.Vectors.Dims()
	vectors := spectrum.Top.Vectors.Slice(0, min(outliers.Ratio.Count, known), 0, p).(*mat.Dense)
	alignments, err := gradients.Alignments(ctx, vectors)
	return &aligned{vectors, alignments}, err
}

// writeMargins writes a row for every sample that was measured.
func writeMargins(path string, m *margin.Distances) error {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	rows := [][]string{{"sample", "label", "predicted", "rival", "distance", "converged"}}
	for i, row := range m.Rows {
		rivals, distance := "", "" // where no boundary was found
		if m.Rivals[i] >= 0 {
			rivals, distance = strconv.Itoa(m.Rivals[i]), formatFloat(m.Values[i])
		}
		rows = append(rows, []string{
			strconv.Itoa(row), strconv.Itoa(m.Labels[i]), strconv.Itoa(m.Predicted[i]), rivals, distance, strconv.FormatBool(m.Converged[i]),
		})
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	return durable.WriteFile(path, text.Bytes())
}

// rows writes the margin for people.
func (m *marginAnalysis) rows(t io.Writer) {
	if m == nil {
		return
	}
	if m.Min == nil {
		fmt.Fprintf(t, "margin\tnone: no rightly classified sample of %d has a boundary within reach\n", m.Samples)
		return
	}
	fmt.Fprintf(t, "margin\t%.6g: sample %d is so far from class %d (5%% of the samples within %.4g, half within %.4g)\n", *m.Min, m.Sample, m.Rival, *m.Q05, *m.Median)
	fmt.Fprintf(t, "measured\t%d samples, %d misclassified and not counted, %d not converged to %.0e\n", m.Samples, m.Misclassified, m.Unconverged, m.Tolerance)
	if m.Logit.Median != nil && m.Input.Median != nil {
		fmt.Fprintf(t, "logit margin\t%.4g at least, half within %.4g; first-order distances %.4g and %.4g\n", *m.Logit.Min, *m.Logit.Median, *m.Input.Min, *m.Input.Median)
	}
	for _, e := range []struct {
		name  string
		found *margin.Eigenvector
	}{{"by eigenvectors", m.Eigenvector}, {"as published", m.Paper}} {
		if e.found != nil && e.found.Excess != nil {
			fmt.Fprintf(t, "%s\t%.6g by v%d from %d starts: %+.1f%% off the margin\n", e.name, e.found.Value, e.found.Vector, e.found.Starts, 100**e.found.Excess)
		}
	}
}
