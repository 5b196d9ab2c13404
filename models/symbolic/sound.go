package symbolic

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	G "gorgonia.org/gorgonia"
)

// soundness tells how many derivatives of an operation can be trusted.
type soundness int

const (
	never soundness = iota // wrong, missing, or fatal to the process
	once                   // right once; the second is wrong or fails
	twice                  // right twice
)

// stock lists Gorgonia's own operations by their type name, as tested against
// central differences to first and second order. One that is not listed counts
// as never.
var stock = map[string]struct {
	sound   soundness
	instead string // what to use in its place
}{
	"elemBinOp":      {twice, ""},
	"elemUnaryOp":    {twice, ""},
	"linAlgBinOp":    {twice, ""},
	"sumOp":          {twice, ""},
	"maxOp":          {twice, ""},
	"reshapeOp":      {twice, ""},
	"transposeOp":    {twice, ""},
	"concatOp":       {twice, ""},
	"repeatOp":       {twice, ""},
	"sizeOp":         {twice, ""},
	"constantScalar": {twice, ""},
	"constantTensor": {twice, ""},

	"sliceOp":             {once, "op.Gather"},
	"atOp":                {never, "op.Gather"},
	"byIndicesOp":         {never, "op.Gather"},
	"softmaxOp":           {never, "op.Softmax, or op.SoftmaxCrossEntropy on the logits"},
	"sparsemaxOp":         {never, "op.Softmax"},
	"BatchNormOp":         {never, "a batch norm folded into its neighbours"},
	"GroupNormOp":         {never, "Mean, Sub, Sqrt and HadamardDiv"},
	"dropoutOp":           {never, "weight decay; a random network has no Hessian"},
	"randomOp":            {never, "an input node; a random network has no Hessian"},
	"im2colOp":            {never, features},
	"maxPoolOp":           {never, features},
	"avgPoolOp":           {never, "op.Scatter and op.Scale"},
	"globalAveragePoolOp": {never, "op.Scatter and op.Scale"},
	"upsampleOp":          {never, "op.Gather"},
	"tensordotOp":         {never, "op.MatMul or op.BatchedMatMul of reshaped operands"},
	"minBetween":          {never, "a − Rectify(a − b)"},
	"maxBetween":          {never, "a + Rectify(b − a)"},
}

// features is what can be measured of a convolutional network.
const features = "a dense layer (op.MatMul), or measure the part of the network behind it: its features as the input and as the data"

// soundnessOf looks an operation up. Those from outside Gorgonia are trusted;
// package difftest tests them.
func soundnessOf(o G.Op) soundness {
	name := StockName(o)
	if name == "" {
		return twice
	}
	return stock[name].sound
}

// StockName is the type name of an operation of Gorgonia, such as
// "softmaxOp". It is empty for one from outside, and for no operation.
func StockName(o G.Op) string {
	if o == nil {
		return ""
	}
	t := reflect.TypeOf(o)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.PkgPath() != "gorgonia.org/gorgonia" {
		return ""
	}
	return t.Name()
}

// refuse returns an error if the operation of n is one of Gorgonia's own and not
// sound for as many derivatives as wanted.
func refuse(n *G.Node, children G.Nodes, want soundness) error {
	name := StockName(n.Op())
	if name == "" {
		return nil
	}
	switch known := stock[name]; {
	case known.sound == never:
		return unsound(n, "has a wrong or missing derivative", known.instead)
	case known.sound < want:
		return unsound(n, "has a wrong second derivative", known.instead)
	}
	return refuseForm(n, children, name)
}

// Unsound is the error about a node whose operation cannot be differentiated
// twice, or not be built in another way.
func Unsound(n *G.Node) error {
	if err := refuse(n, Children(n), twice); err != nil {
		return err
	}
	return unsound(n, "cannot be differentiated twice", "")
}

// refuseForm refuses the forms of otherwise sound operations that are not.
func refuseForm(n *G.Node, children G.Nodes, name string) error {
	form := n.Op().String()
	switch name {
	case "elemUnaryOp":
		switch form {
		case "invSqrt":
			return unsound(n, "has a wrong derivative", "op.Power with the exponent −0.5")
		case "log2":
			return unsound(n, "has a wrong derivative", "Log, divided by the constant ln 2")
		}
	case "linAlgBinOp":
		switch {
		case children[0].Dims() == 2 && children[1].Dims() == 1:
			return unsound(n, "(matrix times vector) has no second derivative", "an (n, 1) matrix, or op.MatMul")
		case strings.Contains(form, "⊗"):
			return unsound(n, "(outer product) has no derivative", "a product of (n, 1) and (1, m) matrices, or op.MatMul")
		}
	case "sumOp":
		axes := axesOf(form)
		switch {
		case len(axes) > 1 && len(axes) < children[0].Dims():
			return unsound(n, "gives wrong sums over several but not all axes", "op.Scatter, or one Sum an axis")
		case !slices.IsSorted(axes):
			return unsound(n, "has no second derivative for axes out of order", "Sum without axes, for all")
		}
	case "maxOp":
		if len(axesOf(form)) > 1 {
			return unsound(n, "over several axes has no second derivative", "one Max an axis")
		}
	case "concatOp":
		if joined(n, children) > maxConcat {
			return unsound(n, fmt.Sprintf("has a wrong derivative past %d entries along its axis", maxConcat),
				"op.Scatter of every part, and op.Add")
		}
	}
	return nil
}

// axesOf reads the axes of a reduction, which is printed as Σ[0 1].
func axesOf(form string) []int {
	_, list, _ := strings.Cut(strings.TrimSuffix(form, "]"), "[")
	var axes []int
	for _, field := range strings.Fields(list) {
		axis, err := strconv.Atoi(field)
		if err == nil {
			axes = append(axes, axis)
		}
	}
	return axes
}

// maxConcat is the largest length of a concatenation that can be differentiated:
// Gorgonia identifies the slices in its derivative by the lowest byte of their
// start and end, and merges those that agree.
const maxConcat = 255

// joined is the length of the concatenation n along its axis, which is
// where it differs from its first operand.
func joined(n *G.Node, children G.Nodes) int {
	first := children[0].Shape()
	for axis, length := range n.Shape() {
		if length != first[axis] {
			return length
		}
	}
	return 0
}

func unsound(n *G.Node, problem, instead string) error {
	if instead == "" {
		instead = "operations of package op"
	}
	form := fmt.Sprint(n.Op())
	if StockName(n.Op()) == "im2colOp" {
		form = "Conv2d (" + form + ")" // what people call
	}
	return fmt.Errorf("symbolic: operation %s of node %q %s; use %s", form, n.Name(), problem, instead)
}
