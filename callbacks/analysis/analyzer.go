package analysis

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/weights"
)

// Subject is what an Analyzer measures. Model and Split are required.
type Subject struct {
	Model models.Model
	Split *datasets.Split
	Loss  models.Loss // if nil, that of models.LossOf: CrossEntropy, or the cost of a graph
	// Matrix is the matrix that is measured; the Hessian if empty.
	Matrix Matrix
	// Settings apply to all computations on the model. The default precision is
	// Float64.
	Settings models.ObjectiveSettings
	// Products is the precision of the products that eigenpairs are searched with, that
	// of Settings if zero. Where it is another, the pairs found are made the best of
	// their space in that of Settings, and their residuals are measured in it: see
	// curvature.Settings.Exact.
	Products tensor.Dtype
	// Objective creates the loss; models.NewObjective if nil.
	Objective NewObjective
}

// Analyzer measures the curvature of a model's loss on a split, and properties of
// the boundary that follow from it. It can measure again whenever the model has
// changed. It is not safe for concurrent use.
type Analyzer struct {
	Subject
	objective Objective
	operator  curvature.Operator
	products  Objective             // that eigenpairs are searched with in another precision; nil if that is the same
	searched  curvature.Operator    // that of products, or else operator
	gradients *boundary.Reinforcing // nil until they are needed
	gram      *mat.Dense            // of the gradients; nil before it is needed
	current   bool                  // whether gradients belong to the current parameters
}

// New returns an Analyzer of the model with its current parameters.
func New(s Subject) (*Analyzer, error) {
	s.Matrix = cmp.Or(s.Matrix, Hessian)
	if err := s.Matrix.Validate(); err != nil {
		return nil, fmt.Errorf("matrix %w", err)
	}
	if s.Objective == nil {
		s.Objective = own
	}
	if s.Loss == nil {
		s.Loss = models.LossOf(s.Model)
	}
	a := &Analyzer{Subject: s}
	var err error
	settings := s.Settings
	settings.Precision = s.Products
	exact := cmp.Or(s.Settings.Precision, tensor.Float64)
	apart := cmp.Or(s.Products, exact) != exact
	if apart {
		a.Settings.Memory = 1 // all pairs are measured by one call, so that keeping passes would pay for nothing
	}
	if a.objective, err = s.Objective(s.Model, s.Loss, s.Split, a.Settings); err != nil {
		return nil, err
	}
	if a.operator, err = s.Matrix.operator(a.objective); err != nil {
		return nil, err
	}
	if a.searched = a.operator; !apart {
		return a, nil
	}
	if a.products, err = s.Objective(s.Model, s.Loss, s.Split, settings); err != nil {
		return nil, err
	}
	a.searched, err = s.Matrix.operator(a.products)
	return a, err
}

// Solver returns s as Measure hands it to the solver: with Exact, if eigenpairs are
// searched in another precision.
func (a *Analyzer) Solver(s curvature.Settings) curvature.Settings {
	if a.products != nil {
		s.Exact = a.operator
	}
	return s
}

// ProductPrecision returns the precision of the products that eigenpairs are searched
// with.
func (a *Analyzer) ProductPrecision() tensor.Dtype {
	if a.products != nil {
		return precision(a.products)
	}
	return precision(a.objective)
}

// Loss returns the loss that is measured.
func (a *Analyzer) Loss() Objective { return a.objective }

// Refresh reads the current parameters of the model. Call it whenever they have
// changed.
func (a *Analyzer) Refresh() error {
	a.current, a.gram = false, nil
	if a.products != nil {
		if err := a.products.Refresh(); err != nil {
			return err
		}
	}
	return a.objective.Refresh()
}

// noBoundary is the error about a split without classes.
func noBoundary(split *datasets.Split) error {
	return fmt.Errorf("analysis: split %q has no labels, as in a regression: there is no boundary between classes to measure; set NoComplexity, and neither Margin nor Alignment", split.Name)
}

// Reinforcing returns the reinforcing gradients of the samples. It computes them
// once for the same parameters.
func (a *Analyzer) Reinforcing(ctx context.Context) (*boundary.Reinforcing, error) {
	var err error
	switch {
	case a.Split.Labels == nil:
		return nil, noBoundary(a.Split)
	case a.gradients == nil:
		a.gradients, err = boundary.NewReinforcing(ctx, a.Model, a.Split, a.Settings)
	case !a.current:
		err = a.gradients.Refresh(ctx)
	}
	a.current = err == nil
	return a.gradients, err
}

// maxGram is the largest number of samples whose gradients' inner products are
// computed: they take 8·N² bytes.
const maxGram = 4000

// ComplexityMemory returns about how many bytes the complexity takes besides a spectrum
// of so many pairs: that of so many parameters of m on so many samples.
func ComplexityMemory(m models.Model, samples, pairs, parameters int) float64 {
	bytes := boundary.AlignMemory(samples, pairs, parameters)
	if samples <= maxGram {
		bytes = math.Max(bytes, boundary.GramMemory(m, samples))
	}
	return bytes + boundary.ReinforcingMemory(samples, parameters)
}

// innerProducts returns the inner products of the unit reinforcing gradients, N ×
// N, computed once for the same parameters; nil for more than maxGram samples.
func (a *Analyzer) innerProducts(ctx context.Context) (*mat.Dense, error) {
	if a.gram != nil || a.Split.Len() > maxGram {
		return a.gram, nil
	}
	gradients, err := a.Reinforcing(ctx)
	if err != nil {
		return nil, err
	}
	a.gram, err = gradients.Gram(ctx)
	return a.gram, err
}

// Measure finds eigenpairs at the current parameters. Methods that need seeds get
// the reinforcing gradients.
func (a *Analyzer) Measure(ctx context.Context, s curvature.Settings) (*Measurement, error) {
	s = a.Solver(s)
	if s.Seeds == nil && s.WantsSeeds(a.objective.Dim()) {
		gradients, err := a.Reinforcing(ctx)
		if err != nil {
			return nil, err
		}
		if s.Seeds, err = gradients.Seeds(ctx); err != nil {
			return nil, err
		}
	}
	found, err := curvature.Solve(ctx, a.searched, s)
	if err != nil {
		return nil, err
	}
	return &Measurement{Spectrum: found, analyzer: a}, nil
}

// Measurement is a spectrum that an Analyzer found. Its methods need the same
// parameters: call them before the model changes.
type Measurement struct {
	Spectrum *curvature.Spectrum
	analyzer *Analyzer
	pairs    *boundary.Eigenpairs // with alignments; nil until they are needed
	bounds   *boundary.Directions // nil until they are needed
}

// Matrix returns the matrix that was measured.
func (m *Measurement) Matrix() Matrix { return m.analyzer.Matrix }

// Reinforcing returns the reinforcing gradients of the samples.
func (m *Measurement) Reinforcing(ctx context.Context) (*boundary.Reinforcing, error) {
	return m.analyzer.Reinforcing(ctx)
}

// Outliers returns the outliers among the eigenvalues; nil if no curvature is
// positive.
func (m *Measurement) Outliers() (*boundary.Outliers, error) {
	pairs := boundary.NewEigenpairs(m.Spectrum)
	if !pairs.Measurable() {
		return nil, nil
	}
	var bulk *boundary.Bulk
	if d := m.Spectrum.Density; d != nil {
		bulk = boundary.NewBulk(d)
	}
	return pairs.Outliers(m.analyzer.Model.Classes(), bulk)
}

// Aligned returns the resolvable eigenpairs with the alignments of all samples,
// or nil if no curvature is positive. It computes them once.
func (m *Measurement) Aligned(ctx context.Context) (*boundary.Eigenpairs, error) {
	if m.pairs != nil {
		return m.pairs, nil
	}
	if !boundary.NewEigenpairs(m.Spectrum).Measurable() {
		return nil, nil
	}
	gradients, err := m.Reinforcing(ctx)
	if err != nil {
		return nil, err
	}
	m.pairs, err = gradients.Align(ctx, m.Spectrum)
	return m.pairs, err
}

// Directions bounds the number of eigenvectors that share the gradients' energy.
// It returns nil if no curvature is positive, and for more than 4000 samples, whose
// inner products would take too much memory. It computes the bounds once.
func (m *Measurement) Directions(ctx context.Context) (*boundary.Directions, error) {
	if m.bounds != nil {
		return m.bounds, nil
	}
	pairs, err := m.Aligned(ctx)
	if err != nil || pairs == nil {
		return nil, err
	}
	gram, err := m.analyzer.innerProducts(ctx)
	if err != nil || gram == nil {
		return nil, err
	}
	m.bounds, err = pairs.Directions(gram)
	return m.bounds, err
}

// SpectrumArrays returns the arrays of the spectrum for a .npz file, and product_bits (1)
// if eigenpairs were searched with products in float32.
func (m *Measurement) SpectrumArrays() []weights.Array {
	arrays := m.Spectrum.Arrays()
	if bits := m.analyzer.ProductPrecision().Size() * 8; bits != 64 {
		arrays = append(arrays, weights.Array{Name: "product_bits", Shape: []int{1}, Data: []float64{float64(bits)}})
	}
	return arrays
}

// Arrays returns the same. If Aligned was
// called, those of the alignments follow, as of boundary.Reinforcing.Arrays.
func (m *Measurement) Arrays() []weights.Array {
	arrays := m.SpectrumArrays()
	if m.pairs != nil {
		arrays = append(arrays, m.analyzer.gradients.Arrays(m.pairs)...)
	}
	return arrays
}

// outlierVectors returns the known eigenvectors of the outliers, k × P, and the
// samples' alignments with them, N × k. Both are nil if none is known.
func (m *Measurement) outlierVectors(ctx context.Context, outliers *boundary.Outliers) (vectors, alignments *mat.Dense, err error) {
	top := m.Spectrum.Top.Vectors
	if outliers == nil || top == nil {
		return nil, nil, nil
	}
	gradients, err := m.Reinforcing(ctx)
	if err != nil {
		return nil, nil, err
	}
	known, p := top.Dims()
	vectors = top.Slice(0, min(outliers.Ratio.Count, known), 0, p).(*mat.Dense)
	alignments, err = gradients.Alignments(ctx, vectors)
	return vectors, alignments, err
}
