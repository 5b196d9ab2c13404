package network

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/models"
)

// readymade are the networks that are known by name, for a number of classes.
var readymade = map[string]func(classes int) Description{
	"cnn":      CNN,
	"lenet5":   LeNet5,
	"resnet18": ResNet18,
}

// Named returns the ready-made network of a name, for the Input that it was made for.
// The error completes a sentence whose subject is the name.
func Named(name string, classes int) (Description, error) {
	make, ok := readymade[name]
	if !ok {
		return Description{}, fmt.Errorf("is %.60q%s", name, suggest.Nearest(name, Names()))
	}
	return make(classes), nil
}

// Names returns the names of the ready-made networks, sorted.
func Names() []string { return slices.Sorted(maps.Keys(readymade)) }

const relu = Activation(models.ReLU)

// CNN is the convolutional network of arXiv:2306.07104, for images of one channel
// and 28 × 28 pixels: 7,203 parameters for 3 classes.
func CNN(classes int) Description {
	return Description{Input: []int{1, 28, 28}, Layers: Layers{
		Conv2D{Name: "conv1", Out: 16, Kernel: Square(3)},
		relu,
		MaxPool{Kernel: Square(2)},
		Conv2D{Name: "conv2", Out: 32, Kernel: Square(3)},
		relu,
		MaxPool{Kernel: Square(2)},
		Flatten{},
		Dense{Name: "out", Out: classes},
	}}
}

// LeNet5 is LeCun's network of 1998 in its present form, with ReLU and maximum
// pooling: 62,006 parameters for 10 classes of images of 3 × 32 × 32.
func LeNet5(classes int) Description {
	return Description{Input: []int{3, 32, 32}, Layers: Layers{
		Conv2D{Name: "conv1", Out: 6, Kernel: Square(5)},
		relu,
		MaxPool{Kernel: Square(2)},
		Conv2D{Name: "conv2", Out: 16, Kernel: Square(5)},
		relu,
		MaxPool{Kernel: Square(2)},
		Flatten{},
		Dense{Name: "fc1", Out: 120},
		relu,
		Dense{Name: "fc2", Out: 84},
		relu,
		Dense{Name: "fc3", Out: classes},
	}}
}

// ResNet18 is the residual network of He et al. 2016 with 18 layers in the form for
// images of 32 × 32 pixels, which begins with a 3 × 3 convolution and does not pool
// before the end: 11,173,962 parameters for 10 classes and 3 channels. The names are
// those of the PyTorch networks for CIFAR-10.
func ResNet18(classes int) Description {
	layers := Layers{Conv2D{Name: "conv1", Out: 64, Kernel: Square(3), Padding: Around(1), NoBias: true}, BatchNorm{Name: "bn1"}, relu}
	in := 64
	for stage, out := range []int{64, 128, 256, 512} {
		for block := range 2 {
			stride := 1
			if block == 0 && stage > 0 {
				stride = 2
			}
			layers = append(layers, basicBlock(fmt.Sprintf("layer%d.%d", stage+1, block), in, out, stride), relu)
			in = out
		}
	}
	return Description{Input: []int{3, 32, 32}, Layers: append(layers, GlobalAvgPool{}, Dense{Name: "linear", Out: classes})}
}

// basicBlock is two 3 × 3 convolutions and what they are added to: the input, or its
// projection where the shapes differ.
func basicBlock(name string, in, out, stride int) Residual {
	r := Residual{Name: name, Layers: Layers{
		Conv2D{Name: name + ".conv1", Out: out, Kernel: Square(3), Stride: Square(stride), Padding: Around(1), NoBias: true},
		BatchNorm{Name: name + ".bn1"},
		relu,
		Conv2D{Name: name + ".conv2", Out: out, Kernel: Square(3), Padding: Around(1), NoBias: true},
		BatchNorm{Name: name + ".bn2"},
	}}
	if in != out || stride != 1 {
		r.Shortcut = Layers{Conv2D{Out: out, Kernel: Square(1), Stride: Square(stride), NoBias: true}, BatchNorm{}}
	}
	return r
}
