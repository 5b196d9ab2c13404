package datasets

import (
	"fmt"
	"math/rand/v2"
)

// maxNoise keeps generated values far from overflow.
const maxNoise = 1e6

// generate draws opt.Samples points and splits them 50/30/20 at random, as the paper does.
func (e *entry) generate(opt Options) *Dataset {
	n := opt.Samples
	rng := rand.New(rand.NewPCG(opt.Seed, streamPoints))
	x, labels := e.draw(rng, n, opt.Noise)
	if e.randomLabels {
		rng.Shuffle(n, func(i, j int) { labels[i], labels[j] = labels[j], labels[i] })
	}
	train, validation := n*50/100, n*30/100
	order := rng.Perm(n)
	all := Split{X: x, Labels: labels, Index: rowNumbers(n)}
	d := &Dataset{
		Name:        e.name,
		Description: e.description,
		Source:      fmt.Sprintf("drawn from the distribution of %s, %d samples, seed %d", e.origin, n, opt.Seed),
		Shape:       e.shape,
		Features:    e.features,
		Classes:     e.classes,
	}
	for _, part := range []struct {
		name string
		rows []int
	}{
		{Train, order[:train]},
		{Validation, order[train : train+validation]},
		{Test, order[train+validation:]},
	} {
		s := all.take(part.rows, e.shape[0])
		s.Name = part.name
		d.Splits = append(d.Splits, *s)
	}
	return d
}

// renewTest replaces the test split by opt.TestSamples fresh points. Their row numbers follow those of the source.
func (e *entry) renewTest(d *Dataset, opt Options) {
	rng := rand.New(rand.NewPCG(opt.Seed, streamTest))
	x, labels := e.draw(rng, opt.TestSamples, opt.Noise)
	if e.randomLabels {
		rng.Shuffle(len(labels), func(i, j int) { labels[i], labels[j] = labels[j], labels[i] })
	}
	rows := 0
	for i := range d.Splits {
		rows += d.Splits[i].Len()
	}
	index := rowNumbers(opt.TestSamples)
	for i := range index {
		index[i] += rows
	}
	for i := range d.Splits {
		if d.Splits[i].Name == Test {
			d.Splits[i] = Split{Name: Test, X: x, Labels: labels, Index: index}
		}
	}
	d.Source += fmt.Sprintf("; its test split: %d fresh points, seed %d", opt.TestSamples, opt.Seed)
}

func (e *entry) draw(rng *rand.Rand, n int, noise float64) (x []float64, labels []int) {
	scale := 1.0
	if noise != 0 {
		scale = noise / e.model(0, n).std[0]
	}
	x, labels = make([]float64, 0, n*e.shape[0]), make([]int, n)
	for i := range n {
		c := e.model(i, n)
		labels[i] = c.class
		for col := range e.shape[0] {
			x = append(x, c.mean[col]+scale*c.std[col]*rng.NormFloat64())
		}
	}
	return x, labels
}
