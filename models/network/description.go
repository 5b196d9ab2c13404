package network

import (
	"fmt"
	"math"
	"strings"

	"github.com/hessoscope/hessoscope/models"
)

// Description describes a network. Zero values of the layers' fields mean the
// defaults of PyTorch.
type Description struct {
	// Input is the shape of one sample: channels, height and width, or a number of
	// features.
	Input  []int  `yaml:"input,flow,omitempty"`
	Layers Layers `yaml:"layers"`
}

// Layers are applied one after the other.
type Layers []Layer

// A Layer is one of Conv2D, MaxPool, AvgPool, GlobalAvgPool, BatchNorm, LayerNorm,
// Dropout, Residual, Flatten, Dense and Activation.
type Layer interface {
	// add plans the layer for inputs of the shape in: channels, height and width,
	// or features alone.
	add(p *plan, at place, in []int) (out []int, f forward, err error)
}

// Conv2D is a cross-correlation with Out filters: (C, H, W) → (Out, H′, W′). The
// weight has the shape (Out, C/Groups, Kernel...).
type Conv2D struct {
	Name     string  `yaml:"name,omitempty"`
	Out      int     `yaml:"out"`
	Kernel   Pair    `yaml:"kernel"`
	Stride   Pair    `yaml:"stride,omitzero"`   // 1 if zero
	Padding  Padding `yaml:"padding,omitzero"`  // with zeros
	Dilation Pair    `yaml:"dilation,omitzero"` // 1 if zero
	Groups   int     `yaml:"groups,omitempty"`  // 1 if zero
	NoBias   Off     `yaml:"bias,omitempty"`
}

// MaxPool takes the maximum in each window.
type MaxPool struct {
	Kernel  Pair    `yaml:"kernel"`
	Stride  Pair    `yaml:"stride,omitzero"` // Kernel if zero
	Padding Padding `yaml:"padding,omitzero"`
}

// AvgPool takes the mean in each window.
type AvgPool struct {
	Kernel  Pair    `yaml:"kernel"`
	Stride  Pair    `yaml:"stride,omitzero"` // Kernel if zero
	Padding Padding `yaml:"padding,omitzero"`
	// NoPadding divides by the number of values in the window without the padding.
	NoPadding Off `yaml:"count_include_pad,omitempty"`
}

// GlobalAvgPool takes the mean of each channel: (C, H, W) → (C).
type GlobalAvgPool struct{}

// BatchNorm normalises each channel, or each feature, to mean 0 and variance 1 and
// then scales and shifts it (Ioffe and Szegedy 2015). Training takes the statistics
// of the mini-batch, and keeps running ones with a momentum of 0.1.
type BatchNorm struct {
	Name string `yaml:"name,omitempty"`
}

// LayerNorm normalises the values of each sample to mean 0 and variance 1 and then
// scales and shifts each (Ba et al. 2016). Its parameters have the shape of a sample.
type LayerNorm struct {
	Name string `yaml:"name,omitempty"`
}

// Dropout sets values to 0 with the probability P in training, and divides the
// others by 1 − P (Srivastava et al. 2014).
type Dropout struct {
	P float64 `yaml:"p"`
}

// Residual is the sum of two branches. Without a Shortcut, the second is the input
// itself.
type Residual struct {
	Name     string `yaml:"name,omitempty"` // prefix of the names within that are left out
	Layers   Layers `yaml:"layers"`
	Shortcut Layers `yaml:"shortcut,omitempty"`
}

// Flatten makes features of channels, height and width: (C, H, W) → (C·H·W).
type Flatten struct{}

// Dense is an affine map of features: x ↦ W·x + b, with W of the shape (Out, in).
type Dense struct {
	Name   string `yaml:"name,omitempty"`
	Out    int    `yaml:"out"`
	NoBias Off    `yaml:"bias,omitempty"`
}

// Activation is one of the activations of package models.
type Activation models.Activation

// Pair is a number for the height and one for the width.
type Pair [2]int

// Square is the Pair of n and n.
func Square(n int) Pair { return Pair{n, n} }

// IsZero reports whether p is left out.
func (p Pair) IsZero() bool { return p == Pair{} }

// or returns p, or other if p is left out.
func (p Pair) or(other Pair) Pair {
	if p.IsZero() {
		return other
	}
	return p
}

func (p Pair) String() string { return fmt.Sprintf("%d × %d", p[0], p[1]) }

// Padding is the number of rows and columns that are added at the top, the bottom,
// the left and the right.
type Padding [4]int

// Around is the Padding by n at all sides.
func Around(n int) Padding { return Padding{n, n, n, n} }

// IsZero reports whether there is no padding.
func (p Padding) IsZero() bool { return p == Padding{} }

// Same is the Padding with which a convolution of stride 1 keeps the height and the
// width. Where it is odd, the bottom and the right get more.
var Same = Around(math.MinInt32)

// Off is a switch that is on unless it is set; in YAML it is true or false.
type Off bool

// Error is a mistake in a Description.
type Error struct {
	Path    string // of a layer or a key: layers[2].conv2d.kernel
	Problem string // continues the sentence that Path begins
}

func (e *Error) Error() string { return "network: " + e.Path + " " + e.Problem }

// kindOf returns the name of a type of layer in YAML.
func kindOf(l Layer) string {
	switch l := l.(type) {
	case Conv2D:
		return "conv2d"
	case MaxPool:
		return "max_pool"
	case AvgPool:
		return "avg_pool"
	case GlobalAvgPool:
		return "global_avg_pool"
	case BatchNorm:
		return "batch_norm"
	case LayerNorm:
		return "layer_norm"
	case Dropout:
		return "dropout"
	case Residual:
		return "residual"
	case Flatten:
		return "flatten"
	case Dense:
		return "dense"
	case Activation:
		return string(l)
	}
	return fmt.Sprintf("%T", l)
}

// shapeText formats the shape of a sample: 16 × 13 × 13.
func shapeText(shape []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(shape), "[]"), " ", " × ")
}
