package callbacks

import (
	"fmt"
	"math"
	"slices"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/curvature"
	"github.com/hessoscope/hessoscope/trainer"
)

// What measuring costs, in gradients of one sample as training computes them, in
// batches. A vector of P numbers costs as much as so many gradients for any P,
// since gradients are computed from matrices, at many times the speed. These were
// measured on networks of 500 to 240,000 parameters.
const (
	productWork = 1.5    // Hessian-vector product, or slopes along a vector, for each sample
	passWork    = 1. / 3 // what products at the same parameters share, for each sample
	stepWork    = 75     // what else a solver does for each product
	vectorWork  = 18     // making a vector orthogonal to another, and its part in solutions
	sampleWork  = 40     // gradient of a sample by itself
	dimWork     = 5      // full decomposition, times P²
)

// krylovWork is the cost of so many products over so many samples, in a basis of at
// most so many vectors.
func krylovWork(products, samples, basis int) float64 {
	vectors := float64(min(products, basis)) / 2 // on average
	return passWork*float64(samples) + float64(products)*(productWork*float64(samples)+stepWork+vectorWork*vectors)
}

// quickWork is the cost of a quick measurement.
func quickWork(products, samples int) float64 { return krylovWork(products, samples, products) }

// SpectrumWork is about what the first measurement of all pairs of a Spectrum with the
// default Settings costs by Lanczos, in the units of trainer.State.PlannedWork: so many
// pairs of a matrix over so many samples.
func SpectrumWork(pairs, samples int) float64 {
	return krylovWork(3*pairs+4, samples, 2*pairs+20)
}

// work is the cost of a measurement of all pairs by so many products of a method,
// with what a Complexity adds.
func (s *Spectrum) work(method curvature.Method, products, samples, pairs int) float64 {
	p := float64(s.run.analyzer.Loss().Dim())
	var cost float64
	switch method {
	case curvature.Dense:
		pairs = int(p)
		cost = p*productWork*float64(samples) + dimWork*p*p
	case curvature.Reduced:
		cost = krylovWork(products, samples, products)
	default:
		cost = krylovWork(products, samples, 2*pairs+20)
	}
	if s.run.plan.complexity {
		cost += float64(samples) * (sampleWork + productWork*float64(pairs))
		if n := float64(samples); samples <= 4*RankSamples { // for the inner products of the gradients, and with the pairs
			cost += n * n * (4/math.Sqrt(p) + 1.5*float64(pairs)/(1000+p))
			cost += n * sampleWork * float64(boundary.GramPasses(s.run.analyzer.Model, samples)-1)
		}
	}
	return cost
}

// spectrumPlan is how a Spectrum divides its budget. It does not change during a
// run.
type spectrumPlan struct {
	full, quick       trainer.Schedule // of the measurements of all pairs, and of λ₁ alone
	quickly           bool             // whether there are quick measurements
	complexity        bool             // whether a Complexity uses the pairs
	method            curvature.Method
	pairs             int     // of a first measurement of all pairs
	expected          float64 // its cost
	samples, products int     // of a quick measurement, before the last epoch
	alone             bool    // whether the budget does not pay for all pairs
	poor              bool    // whether it pays for no measurement
}

// Of the budget, quick measurements before the last epoch get what is left by one
// measurement of all pairs, but no more than quickShare, or what quickTimes of them
// cost. Where it does not pay for all pairs, even once, at least quickLast of it are
// for a good quick measurement at the last epoch.
const (
	quickShare = 0.2
	quickTimes = 12
	quickLast  = 0.28
)

// newPlan divides the budget of a run.
func (s *Spectrum) newPlan(state *trainer.State) {
	r := &s.run
	p := &r.plan
	p.full, p.quick = r.schedule, r.schedule
	p.complexity = slices.ContainsFunc(state.Hooks(), func(h trainer.Hook) bool {
		c, is := h.(*Complexity)
		return is && c.Spectrum == s
	})
	loss := r.analyzer.Loss()
	n := loss.Samples()
	p.method = r.settings.Chosen(loss.Dim())
	p.pairs = max(r.settings.Top, 0) + max(r.settings.Bottom, 0)
	if p.complexity && s.Settings.Top == 0 {
		p.pairs = max(p.pairs, minPairs)
	}
	products := 3*p.pairs + 4
	p.expected = s.work(p.method, products, n, p.pairs)
	set := s.Settings
	p.quickly = r.schedule.Budget > 0 && set.Solver == nil && (set.Method == "" || set.Method == curvature.Auto) && !set.Resolved &&
		set.Top == 0 && set.Bottom == 0 && set.Tolerance == 0 && set.MaxApplications == 0 && set.TraceSamples == 0
	p.samples, p.products = min(n, 2*quickSamples), quickTrusted
	if !p.quickly {
		return
	}
	floor := spectrumFloor * state.Second()
	if p.method == curvature.Dense && p.expected > max(r.schedule.Budget*state.PlannedWork(), floor) {
		p.method, r.settings.Method = curvature.Lanczos, curvature.Lanczos
		p.expected = s.work(p.method, products, n, p.pairs)
	}
	share := 0.5 // of a run of unknown length
	if planned := state.PlannedWork(); planned > 0 {
		budget := r.schedule.Budget * planned
		spare := budget - p.expected
		if p.expected <= floor { // which pays for all pairs at the end
			spare = (1 - quickLast) * budget
		}
		spare = math.Min(spare, math.Max(quickTimes*quickWork(quickTrusted, n), quickShare*budget))
		least := float64(quickTargets(state.Epochs)) * quickWork(1, min(n, quickSamples))
		if p.alone = spare < least; p.alone {
			spare = budget - math.Max(quickLast*budget, quickWork(quickTrusted, min(n, quickSamples)))
		}
		share = math.Max(spare, 0) / budget
		p.samples, p.products = affordable(spare, n, state.Epochs)
		p.poor = quickWork(quickFirst, min(n, quickSamples)) > budget
	}
	p.full.Budget, p.quick.Budget = r.schedule.Budget*(1-share), r.schedule.Budget*share
	p.quick.SkipFinal = true // that is paid from the other part
}

// quickTargets is the number of quick measurements before the last epoch that are
// planned for: ten in 200 epochs or more.
func quickTargets(epochs int) int { return min(max(epochs/20, 2), 10) }

// affordable returns over how many of n samples and by how many products λ₁ is
// measured, so that a budget pays for quickTargets measurements. All samples are used
// if there are few: there, a drawn part has quite another λ₁, while a bound by few
// products soon becomes close.
func affordable(budget float64, n, epochs int) (samples, products int) {
	price := budget / float64(quickTargets(epochs))
	least := min(n, quickSamples)
	for products = quickTrusted; products > 1 && quickWork(products, least) > price; products-- {
	}
	fixed, each := quickWork(products, 0), quickWork(products, 1)-quickWork(products, 0)
	samples = int(math.Min(float64(n), math.Max(float64(least), (price-fixed)/each)))
	if samples < n {
		samples -= samples % quickGroups
	}
	return samples, products
}

// tell notes what the budget of a run does not pay for, and what would do.
func (s *Spectrum) tell(state *trainer.State) {
	p := &s.run.plan
	budget, planned := s.run.schedule.Budget, state.PlannedWork()
	if budget == 0 || planned == 0 || p.expected <= spectrumFloor*state.Second() {
		return
	}
	cost, what := p.expected, "a measurement of the spectrum"
	if p.quickly {
		cost, what = quickWork(quickFirst, min(s.run.analyzer.Loss().Samples(), quickSamples)), "a measurement of λ₁"
	}
	switch {
	case cost > budget*planned:
		state.Note(fmt.Sprintf("the budget %g of the spectrum does not pay for %s: it is made at the last epoch alone, and costs more; %s", budget, what, wouldPay(state, budget, cost, "")))
	case p.alone:
		samples := ""
		one, two := s.work(p.method, 3*p.pairs+4, 1, p.pairs), s.work(p.method, 3*p.pairs+4, 2, p.pairs)
		if n := math.Floor((budget*planned-one)/(two-one)) + 1; n >= 1 && p.method == curvature.Lanczos {
			samples = fmt.Sprintf("%.0f Samples, ", n)
		}
		state.Note(fmt.Sprintf("the budget %g of the spectrum pays for λ₁ alone, not for the other eigenvalues and what is computed from them; %s", budget, wouldPay(state, budget, p.expected, samples)))
	}
}

// wouldPay says what would pay for work of some cost: so many epochs, samples as given in
// words, or another budget.
func wouldPay(state *trainer.State, budget, cost float64, samples string) string {
	planned := state.PlannedWork()
	return fmt.Sprintf("%.0f epochs, %sa Schedule with a Budget of %.2g, or one without a Budget would pay", math.Ceil(float64(state.Epochs)*cost/(budget*planned)), samples, cost/planned)
}
