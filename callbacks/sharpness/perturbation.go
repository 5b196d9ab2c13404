package sharpness

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models"
)

// Perturbation measures how much noise on the parameters a network stands: 1/σ² for
// the σ at which the accuracy on the samples, on average over u ∼ N(0, I), is
//
//	E_u accuracy(θ + σu) = accuracy(θ) − 0.1
//
// (Jiang et al. 2020, the flatness of their PAC-Bayes bounds). All parameters have the
// same noise. The u are the same in every measurement, so that the difference of two
// is less noisy than either.
type Perturbation struct {
	model     models.Model
	objective *models.Objective
	split     *datasets.Split
	draws     int
	seed      uint64
	classes   int
	direction []float64
	logits    []float64
}

// NewPerturbation prepares the measurement of m on split with a number of draws of u,
// two at least. It never writes to the parameters of m.
func NewPerturbation(m models.Model, split *datasets.Split, draws int, seed uint64, s models.ObjectiveSettings) (*Perturbation, error) {
	if draws < 2 {
		return nil, fmt.Errorf("sharpness: %d draws of a perturbation; want 2 or more, for a standard error", draws)
	}
	o, err := models.NewObjective(m, models.CrossEntropy, split, s)
	if err != nil {
		return nil, err
	}
	return &Perturbation{
		model: m, objective: o, split: split, draws: draws, seed: seed, classes: m.Classes(),
		direction: make([]float64, o.Dim()), logits: make([]float64, split.Len()*m.Classes()),
	}, nil
}

const (
	fall   = 0.1 // of the accuracy
	octave = 4   // levels of σ a factor of two
	// The σ that are tried, in levels above the root mean square of the parameters.
	// Beyond the largest, nothing is left of the parameters.
	least, first, most = -20 * octave, -3 * octave, 8 * octave
)

// A response is how well the samples are classified at one σ.
type response struct {
	accuracy float64
	draws    []float64 // accuracy of each draw
	samples  []float64 // share of the draws in which each sample is right
}

// Measure returns 1/σ² at the parameters θ, which are current ones of the model. σ is
// bracketed within a factor of 2^¼ and interpolated, in its logarithm. The error is
// that of the drawing of u, and of the samples from so many. The estimate is nil if
// the accuracy does not fall so much for any σ, as that of a network that has not
// learned anything. Passes counts the samples' forward passes, in units of all samples.
func (p *Perturbation) Measure(ctx context.Context, of int) (e *Estimate, passes int, err error) {
	if err := p.objective.Refresh(); err != nil {
		return nil, 0, err
	}
	base, err := p.respond(ctx, 0, 1)
	if err != nil {
		return nil, 0, err
	}
	passes = 1
	scale := models.Norm(p.model) / math.Sqrt(float64(p.objective.Dim()))
	if scale == 0 {
		scale = 1
	}
	tried := make(map[int]*response)
	falls := func(level int) bool {
		if err == nil && tried[level] == nil {
			tried[level], err = p.respond(ctx, scale*sigma(float64(level)), p.draws)
			passes += p.draws
		}
		return err == nil && tried[level].accuracy < base.accuracy-fall
	}
	low, high, ok := bracket(falls)
	if err != nil || !ok {
		return nil, passes, err
	}
	level, deviation := crossing(base, tried[low], tried[high], of)
	root := scale * sigma(float64(low)+level)
	value := 1 / root / root
	return &Estimate{value, value * 2 * math.Ln2 / octave * deviation}, passes, nil
}

// sigma is 2^(level/octave).
func sigma(level float64) float64 { return math.Exp2(level / octave) }

// bracket returns neighbouring levels of which only the upper one falls, if it is ok.
func bracket(falls func(level int) bool) (low, high int, ok bool) {
	low = first
	for falls(low) {
		if low -= octave; low < least {
			return low, high, false
		}
	}
	high = low + octave
	for !falls(high) {
		if low, high = high, high+octave; high > most {
			return low, high, false
		}
	}
	for high-low > 1 {
		if middle := (low + high) / 2; falls(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return low, high, true
}

// crossing returns the level above low at which the accuracy has fallen, and its
// standard error: that of the accuracy there over the slope.
func crossing(base, low, high *response, of int) (level, deviation float64) {
	slope := low.accuracy - high.accuracy
	level = (low.accuracy - base.accuracy + fall) / slope
	between := func(a, b []float64) []float64 {
		c := make([]float64, len(a))
		floats.AddScaledTo(c, a, level, b)
		floats.AddScaled(c, -level, a)
		return c
	}
	draws := stat.StdDev(between(low.draws, high.draws), nil) / math.Sqrt(float64(len(low.draws)))
	lost := between(low.samples, high.samples)
	floats.Sub(lost, base.samples)
	return level, math.Hypot(draws, sampling(lost, of)) / slope
}

// respond classifies the samples with the parameters θ + σu for draws of u.
func (p *Perturbation) respond(ctx context.Context, sigma float64, draws int) (*response, error) {
	r := &response{samples: make([]float64, p.split.Len())}
	for draw := range draws {
		rng := rand.New(rand.NewPCG(p.seed, uint64(draw)))
		for i := range p.direction {
			p.direction[i] = rng.NormFloat64()
		}
		err := p.objective.LogitsAt(ctx, p.logits, p.direction, sigma)
		if err != nil && (sigma == 0 || !errors.Is(err, models.ErrNotFinite)) {
			return nil, err
		}
		right := 0.0
		for n, label := range p.split.Labels {
			// Noise that makes a logit infinite gets no sample right.
			if err == nil && floats.MaxIdx(p.logits[n*p.classes:(n+1)*p.classes]) == label {
				right++
				r.samples[n] += 1 / float64(draws)
			}
		}
		r.draws = append(r.draws, right/float64(p.split.Len()))
	}
	r.accuracy = stat.Mean(r.draws, nil)
	return r, nil
}
