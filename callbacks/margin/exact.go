package margin

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/callbacks/margin/piecewise"
)

// keptStarts is the number of first boundary points of a sample, the nearest ones,
// that are starts of the search through linear regions.
const keptStarts = 24

// At most otherSamples samples are drawn for starts of that search too, and fewer
// where the inputs have few dimensions: there are fewer least distances to miss.
const (
	otherSamples = 80
	othersEach   = 4 // per dimension
)

// examine takes the network's layers, if the model is made of dense ones.
func (m *search) examine() {
	if layers, activation, ok := m.field.Dense(); ok {
		m.network = piecewise.New(layers, activation)
		m.rectified = m.network.Rectified()
	}
	if m.rectified {
		m.reduced = m.network.Coordinates(m.x)
	}
	m.kinked = !m.rectified && m.field.Kinked()
}

// explore searches a rectified network through its linear regions, from the rays.
// The boundary points that the model confirms take their place.
func (m *search) explore(ctx context.Context, rays sampleRays) error {
	n := len(rays)
	found := make([]piecewise.Nearest, n)
	var done atomic.Int64
	err := m.eachSample(ctx, func(e *piecewise.Explorer, i int) {
		if m.Values[i] > 0 && len(rays[i]) > 0 {
			rng := rand.New(rand.NewPCG(m.seed, uint64(m.Rows[i])))
			found[i] = e.Nearest(m.sample(i), m.Predicted[i], slices.Concat(m.offsets(rays[i]), m.others(i, rng)), rng)
		}
		m.report((n+int(done.Add(1)))/2, n)
	})
	if err != nil {
		return err
	}
	var exact []ray
	work := 0.0
	for i := range found {
		work += found[i].Work
		if found[i].Y == nil {
			continue
		}
		m.Lower[i] = found[i].Lower
		if r, ok := m.ray(i, m.network.Point(m.sample(i), found[i].Y), 0); ok {
			r.settled, r.done = found[i].Settled, found[i].Settled
			exact = append(exact, r)
		}
	}
	m.Evaluations += int(work / m.network.Work())
	return m.confirm(ctx, rays, exact)
}

// offsets returns those of the ends of rays, in the row space.
func (m *search) offsets(rays []ray) [][]float64 {
	var offsets [][]float64
	for _, r := range rays {
		y := m.network.Coordinates(r.direction)
		floats.Scale(r.hi, y)
		offsets = append(offsets, y)
	}
	return offsets
}

// others returns the offsets, in the row space, of random samples that are predicted
// otherwise than sample i.
func (m *search) others(i int, rng *rand.Rand) [][]float64 {
	k := len(m.reduced) / len(m.Values)
	var offsets [][]float64
	for range min(otherSamples, othersEach*m.width) {
		if p := rng.IntN(len(m.Values)); m.Predicted[p] != m.Predicted[i] {
			offset := slices.Clone(m.reduced[p*k : (p+1)*k])
			floats.Sub(offset, m.reduced[i*k:(i+1)*k])
			offsets = append(offsets, offset)
		}
	}
	return offsets
}

// confirm replaces rays by exact ones that are no longer, where the model predicts
// the point at the end, or one just beyond it, otherwise than the sample.
func (m *search) confirm(ctx context.Context, rays sampleRays, exact []ray) error {
	for range 3 {
		gaps, err := m.gaps(ctx, exact, nil)
		if err != nil {
			return err
		}
		var remaining []ray
		for k, r := range exact {
			if r.gapHi = gaps[k]; r.gapHi > 0 {
				r.hi *= 1 + 1e-8
				remaining = append(remaining, r)
			} else if r.hi <= rays.nearest(r.owner)*(1+1e-8) {
				rays[r.owner] = []ray{r}
			}
		}
		exact = remaining
	}
	return nil
}

// certify completes the lower bounds, and tells which distances are certified.
func (m *search) certify(ctx context.Context) error {
	if m.network != nil {
		err := m.eachSample(ctx, func(e *piecewise.Explorer, i int) {
			if m.Lower[i] == 0 {
				m.Lower[i] = e.Lower(m.sample(i), m.Predicted[i], min(m.Values[i], marchTo*m.scale))
			}
		})
		if err != nil {
			return err
		}
	}
	for i, distance := range m.Values {
		m.Lower[i] = min(m.Lower[i], distance)
		m.Certified[i] = m.Lower[i] >= distance*(1-piecewise.Certainty)
		m.Converged[i] = m.Converged[i] || m.Certified[i]
	}
	return nil
}

// eachSample calls do for every sample, with an explorer of the worker that does it.
func (m *search) eachSample(ctx context.Context, do func(e *piecewise.Explorer, i int)) error {
	n := len(m.Values)
	errs := make([]error, min(n, m.field.Workers()))
	var next atomic.Int64
	var wait sync.WaitGroup
	for w := range errs {
		wait.Go(func() {
			e := piecewise.NewExplorer(m.network)
			e.Brief = m.brief
			for i := int(next.Add(1)) - 1; i < n && errs[w] == nil; i = int(next.Add(1)) - 1 {
				if errs[w] = ctx.Err(); errs[w] == nil {
					do(e, i)
				}
			}
		})
	}
	wait.Wait()
	return cmp.Or(errs...)
}
