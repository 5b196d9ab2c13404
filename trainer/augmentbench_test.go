package trainer

import (
	"testing"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets"
)

// BenchmarkAugment is the augmentation of 64 images of CIFAR-10's size.
func BenchmarkAugment(b *testing.B) {
	data := &datasets.Dataset{Shape: []int{3, 32, 32}}
	a, err := newAugmenter(datasets.Augmentation{Crop: 4, Shift: 4, Flip: true}, data, 1)
	if err != nil {
		b.Fatal(err)
	}
	x := tensor.New(tensor.WithShape(64, 3, 32, 32), tensor.Of(tensor.Float32))
	step := 0
	if n := testing.AllocsPerRun(10, func() { a.apply(x, 64, step) }); n != 0 {
		b.Errorf("a step allocates %v times", n)
	}
	for b.Loop() {
		step++
		a.apply(x, 64, step)
	}
}
