package analysis_test

import (
	"context"
	"fmt"
	"log"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/trainer"
)

// sum is the mean loss over samples that are divided among several objectives, as if
// each of them were on a machine of its own.
type sum []*models.Objective

// inParts returns a NewObjective that divides a split into parts of at most a number
// of samples.
func inParts(size int) analysis.NewObjective {
	return func(m models.Model, loss models.Loss, split *datasets.Split, s models.ObjectiveSettings) (analysis.Objective, error) {
		var all sum
		for first := 0; first < split.Len(); first += size {
			var rows []int
			for row := first; row < min(first+size, split.Len()); row++ {
				rows = append(rows, row)
			}
			part, err := split.Subset(rows)
			if err != nil {
				return nil, err
			}
			o, err := models.NewObjective(m, loss, part, s)
			if err != nil {
				return nil, err
			}
			all = append(all, o)
		}
		return all, nil
	}
}

func (s sum) Dim() int { return s[0].Dim() }

func (s sum) Samples() int {
	n := 0
	for _, o := range s {
		n += o.Samples()
	}
	return n
}

// share returns the weight of a part.
func (s sum) share(o *models.Objective) float64 { return float64(o.Samples()) / float64(s.Samples()) }

func (s sum) Refresh() error {
	for _, o := range s {
		if err := o.Refresh(); err != nil {
			return err
		}
	}
	return nil
}

func (s sum) Evaluate(ctx context.Context) (models.Evaluation, error) {
	var total models.Evaluation
	for _, o := range s {
		e, err := o.Evaluate(ctx)
		if err != nil {
			return total, err
		}
		total.Loss += s.share(o) * e.Loss
		total.Accuracy += s.share(o) * e.Accuracy
	}
	return total, nil
}

func (s sum) Gradient(ctx context.Context, dst []float64) (float64, error) {
	loss, part := 0.0, make([]float64, len(dst))
	clear(dst)
	for _, o := range s {
		l, err := o.Gradient(ctx, part)
		if err != nil {
			return 0, err
		}
		loss += s.share(o) * l
		floats.AddScaled(dst, s.share(o), part)
	}
	return loss, nil
}

func (s sum) HessianProducts(ctx context.Context, dst, src *mat.Dense) error {
	return s.products(dst, func(o *models.Objective, part *mat.Dense) error { return o.HessianProducts(ctx, part, src) })
}

func (s sum) GaussNewtonProducts(ctx context.Context, dst, src *mat.Dense) error {
	return s.products(dst, func(o *models.Objective, part *mat.Dense) error { return o.GaussNewtonProducts(ctx, part, src) })
}

func (s sum) products(dst *mat.Dense, product func(o *models.Objective, part *mat.Dense) error) error {
	part := mat.DenseCopyOf(dst)
	dst.Zero()
	for _, o := range s {
		if err := product(o, part); err != nil {
			return err
		}
		part.Scale(s.share(o), part)
		dst.Add(dst, part)
	}
	return nil
}

// A user-defined objective: the loss over three parts of the data has the spectrum of
// the loss over all of it, for a finished model and during training.
func ExampleNewObjective() {
	ctx := context.Background()
	data, err := datasets.Load(ctx, "gauss", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, objective := range []analysis.NewObjective{nil, inParts(60)} {
		model, err := models.NewMLP(models.MLPConfig{Input: 2, Hidden: []int{8}, Classes: 3}, trainer.Stream(1, "init", 0))
		if err != nil {
			log.Fatal(err)
		}
		t, err := trainer.New(trainer.Config{Epochs: 20, BatchSize: 25, Rate: trainer.Rate{Base: 0.1}}, model, data,
			&callbacks.Spectrum{Objective: objective})
		if err != nil {
			log.Fatal(err)
		}
		if _, err := t.Run(ctx); err != nil {
			log.Fatal(err)
		}
		watched, _ := t.State().Fresh("spectrum/lambda_max")
		result, err := analysis.Analyze(ctx, model, &data.Splits[0], analysis.Settings{Objective: objective})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("λ₁ = %.8f, by the hook %.8f; loss %.8f, G = %.4f\n", result.Spectrum.Top[0], watched, result.Loss, *result.Complexity.Value)
	}
	// Output:
	// λ₁ = 0.64330088, by the hook 0.64330088; loss 0.03537778, G = 0.0784
	// λ₁ = 0.64330088, by the hook 0.64330088; loss 0.03537778, G = 0.0784
}
