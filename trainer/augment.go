package trainer

import (
	"math/rand/v2"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// augmenter changes the images of mini-batches. Each step has a random stream of
// its own, so that it can be repeated without the steps before it.
type augmenter struct {
	images *datasets.Augmenter
	seed   uint64
	pcg    *rand.PCG
	rng    *rand.Rand
	sample []float64
}

func newAugmenter(a datasets.Augmentation, data *datasets.Dataset, seed uint64) (*augmenter, error) {
	if a == (datasets.Augmentation{}) {
		return nil, nil
	}
	images, err := a.For(data)
	if err != nil {
		return nil, err
	}
	pcg := new(rand.PCG)
	return &augmenter{images: images, seed: seed, pcg: pcg, rng: rand.New(pcg), sample: make([]float64, data.Width())}, nil
}

// apply changes the first n samples of input, for a step of training.
func (a *augmenter) apply(input *tensor.Dense, n, step int) {
	a.pcg.Seed(a.seed, stream("augmentation", step))
	if input.Dtype() == tensor.Float32 {
		augment(a, input.Float32s(), n)
		return
	}
	augment(a, input.Float64s(), n)
}

func augment[T op.Float](a *augmenter, x []T, n int) {
	width := len(a.sample)
	for i := range n {
		image := x[i*width : (i+1)*width]
		for j, v := range image {
			a.sample[j] = float64(v)
		}
		a.images.Apply(a.rng, a.sample)
		for j, v := range a.sample {
			image[j] = T(v)
		}
	}
}
