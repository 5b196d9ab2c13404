package callbacks

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/trainer"
)

const (
	quickMost    = 8    // products of a quick measurement at the last epoch, at most
	quickTrusted = 4    // products from which on a small residual is trusted: see lambdaMax
	quickFirst   = 7    // products from which on it is trusted in the first measurements together
	quickEnough  = 1e-2 // relative residual at which it stops before
	quickSamples = 512  // fewest samples that are drawn of more
	quickGroups  = 8    // groups of drawn samples that the error by drawing is estimated from
)

// quick measures λ₁ alone, by a few products: a Rayleigh-Ritz procedure on the
// Krylov space of one vector, which in the course of a run comes to be close to the
// first eigenvector. It uses all samples of a split, or some that are drawn once, in
// groups whose differences tell the error by drawing.
type quick struct {
	groups []analysis.Objective
	matrix analysis.Matrix
	drawn  float64 // share of the samples that is drawn

	basis, images [][]float64
	image         *mat.Dense      // of one group, 1 × P
	projections   []*mat.SymDense // of the matrix of each group on the basis
}

// newQuick draws m of the samples of a.
func newQuick(a *analysis.Analyzer, m int, seed uint64) (*quick, error) {
	q := &quick{groups: []analysis.Objective{a.Loss()}, matrix: a.Matrix, drawn: 1}
	if m >= a.Split.Len() {
		return q, nil
	}
	rows, err := a.Split.DrawRows(m, seed)
	if err != nil {
		return nil, err
	}
	trainer.Stream(seed, "quick", 0).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	q.groups, q.drawn = nil, float64(m)/float64(a.Split.Len())
	for group := range slices.Chunk(rows, m/quickGroups) {
		split, err := a.Split.Subset(group)
		if err != nil {
			return nil, err
		}
		o, err := a.Objective(a.Model, a.Subject.Loss, split, a.Settings)
		if err != nil {
			return nil, err
		}
		q.groups = append(q.groups, o)
	}
	return q, nil
}

// samples returns the number of samples that are used.
func (q *quick) samples() (n int) {
	for _, o := range q.groups {
		n += o.Samples()
	}
	return n
}

// refresh reads the current parameters of the model.
func (q *quick) refresh() error {
	for _, o := range q.groups {
		if err := o.Refresh(); err != nil {
			return err
		}
	}
	return nil
}

// lambdaMax is what a quick measurement finds.
type lambdaMax struct {
	value    float64 // vᵀHv of a unit vector v, with H over the samples that are used
	residual float64 // ‖Hv − value·v‖
	products int
	// low and high enclose λ₁ over all samples; high is +Inf if it is not known.
	// Over all samples low is value, which λ₁ is never below. The residual bounds
	// the distance of value from an eigenvalue. That this is λ₁ cannot be proven by
	// few products. Of 2,364 measurements by four products with a residual of at most
	// 5 %, while 142 networks were trained, 7 were more than 5 % below λ₁: after
	// the second eigenvalue had become the first.
	low, high float64
	next      []float64 // Hv/‖Hv‖: a start vector of the next measurement
}

// measure takes at most so many products, from a start vector, and fewer if after
// the number trusted the residual is small.
func (q *quick) measure(ctx context.Context, start []float64, trusted, most int, seed uint64) (lambdaMax, error) {
	x, err := q.start(ctx, start, seed)
	if err != nil {
		return lambdaMax{}, err
	}
	q.projections = make([]*mat.SymDense, len(q.groups))
	for k := 0; ; {
		if err := q.extend(ctx, k, x); err != nil {
			return lambdaMax{}, err
		}
		k++
		rest := q.orthogonalise(x, k)
		theta, s := top(mean(q.projections))
		residual := rest * math.Abs(s[k-1])
		if k < most && rest > 1e-12*math.Abs(theta) && (k < trusted || residual > quickEnough*math.Abs(theta)) {
			floats.Scale(1/rest, x)
			continue
		}
		found := lambdaMax{value: theta, residual: residual, products: k, low: theta, high: math.Inf(1)}
		if k >= min(trusted, len(x)) || rest <= 1e-12*math.Abs(theta) {
			if residual <= certain*theta {
				found.high = theta + residual
			}
		}
		if len(q.groups) > 1 {
			bias, err := q.drawing(theta)
			found.low -= bias + err
			found.high -= bias - err
		}
		found.next = make([]float64, len(x))
		for i, c := range s {
			floats.AddScaled(found.next, c, q.images[i])
		}
		if norm := floats.Norm(found.next, 2); norm > 0 {
			floats.Scale(1/norm, found.next)
		}
		return found, nil
	}
}

// start returns the first unit vector. Without a start vector it is that of the
// gradient, most of which is in the space of few eigenvectors, with a tenth of a random
// one, which has a part of each.
func (q *quick) start(ctx context.Context, start []float64, seed uint64) ([]float64, error) {
	n := q.groups[0].Dim()
	x := make([]float64, n)
	if start != nil && len(start) != n {
		return nil, fmt.Errorf("the start vector of the checkpoint is in ℝ^%d; the parameters that are measured are in ℝ^%d", len(start), n)
	}
	if start != nil && floats.Norm(start, 2) > 0 {
		floats.AddScaled(x, 1/floats.Norm(start, 2), start)
		return x, nil
	}
	g, sum := make([]float64, n), make([]float64, n)
	for _, o := range q.groups {
		if _, err := o.Gradient(ctx, g); err != nil {
			return nil, err
		}
		floats.Add(sum, g)
	}
	if norm := floats.Norm(sum, 2); norm > 0 {
		floats.AddScaled(x, 1/norm, sum)
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := range g {
		g[i] = rng.NormFloat64()
	}
	floats.AddScaled(x, 0.1/floats.Norm(g, 2), g)
	floats.Scale(1/floats.Norm(x, 2), x)
	return x, nil
}

// extend makes the unit vector x vector k of the basis, and sets x to its image.
func (q *quick) extend(ctx context.Context, k int, x []float64) error {
	n := len(x)
	if q.image == nil {
		q.image = mat.NewDense(1, n, nil)
	}
	if k == len(q.basis) {
		q.basis = append(q.basis, make([]float64, n))
		q.images = append(q.images, make([]float64, n))
	}
	copy(q.basis[k], x)
	vector := mat.NewDense(1, n, q.basis[k])
	clear(q.images[k])
	for g, o := range q.groups {
		product := o.HessianProducts
		if q.matrix == analysis.GaussNewton {
			product = o.GaussNewtonProducts
		}
		if err := product(ctx, q.image, vector); err != nil {
			return err
		}
		image := q.image.RawRowView(0)
		floats.AddScaled(q.images[k], 1/float64(len(q.groups)), image)
		larger := mat.NewSymDense(k+1, nil)
		for i := range k {
			for j := i; j < k; j++ {
				larger.SetSym(i, j, q.projections[g].At(i, j))
			}
		}
		for i := range k + 1 {
			larger.SetSym(i, k, floats.Dot(q.basis[i], image))
		}
		q.projections[g] = larger
	}
	copy(x, q.images[k])
	return nil
}

// orthogonalise subtracts from x its projection on the first k vectors, twice
// because of rounding, and returns the norm of the rest.
func (q *quick) orthogonalise(x []float64, k int) float64 {
	for range 2 {
		for _, v := range q.basis[:k] {
			floats.AddScaled(x, -floats.Dot(v, x), v)
		}
	}
	return floats.Norm(x, 2)
}

// drawing returns by how much the largest eigenvalue theta is likely too large
// because of the samples that were drawn, and half of the 95 % interval around what
// remains: by the jackknife over groups (Efron & Stein 1981), with the correction
// for a finite population. It is too large on average since the largest eigenvalue is
// a convex function of the matrix.
func (q *quick) drawing(theta float64) (bias, half float64) {
	n := float64(len(q.groups))
	without := make([]float64, len(q.groups))
	for g := range q.groups {
		others := make([]*mat.SymDense, 0, len(q.groups)-1)
		others = append(append(others, q.projections[:g]...), q.projections[g+1:]...)
		without[g], _ = top(mean(others))
	}
	center, deviation := stat.PopMeanStdDev(without, nil)
	left := 1 - q.drawn
	bias = math.Max(0, left*(n-1)*(center-theta))
	t := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(0.975)
	return bias, t * math.Sqrt(left*(n-1)) * deviation
}

// mean returns the mean of matrices.
func mean(of []*mat.SymDense) *mat.SymDense {
	sum := mat.NewSymDense(of[0].SymmetricDim(), nil)
	for _, m := range of {
		sum.AddSym(sum, m)
	}
	sum.ScaleSym(1/float64(len(of)), sum)
	return sum
}

// top returns the largest eigenvalue of a small matrix and its eigenvector.
func top(t *mat.SymDense) (value float64, vector []float64) {
	n := t.SymmetricDim()
	var e mat.EigenSym
	if !e.Factorize(t, true) {
		return math.NaN(), make([]float64, n) // recording it is an error
	}
	var vectors mat.Dense
	e.VectorsTo(&vectors)
	return e.Values(nil)[n-1], mat.Col(nil, n-1, &vectors)
}
