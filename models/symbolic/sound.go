package symbolic

import (
	"fmt"
	"reflect"
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

	"sliceOp":             {once, "a product with a constant selection matrix (op.MatMul)"},
	"softmaxOp":           {never, "op.Softmax, or op.SoftmaxCrossEntropy on the logits"},
	"BatchNormOp":         {never, "a batch norm folded into its neighbours"},
	"dropoutOp":           {never, "weight decay; a random network has no Hessian"},
	"randomOp":            {never, "an input node; a random network has no Hessian"},
	"byIndicesOp":         {never, "a product with a one-hot matrix (op.MatMul)"},
	"im2colOp":            {never, "a dense layer (op.MatMul)"},
	"maxPoolOp":           {never, "a dense layer (op.MatMul)"},
	"avgPoolOp":           {never, "a product with a constant averaging matrix (op.MatMul)"},
	"globalAveragePoolOp": {never, "a product with a constant averaging matrix (op.MatMul)"},
	"upsampleOp":          {never, "a product with a constant matrix (op.MatMul)"},
}

// Check refuses a graph that cannot be differentiated twice: it returns an
// error that names the first operation between wrt and outs whose first or
// second derivative is known to be wrong or missing, and what to use instead.
// Operations from outside Gorgonia pass if they have a symbolic derivative.
func Check(outs, wrt G.Nodes) error {
	s := newSweep(wrt)
	for _, out := range outs {
		s.visit(out)
	}
	for _, n := range s.order {
		if !s.depends[n] || s.wrt[n] {
			continue
		}
		if err := refuse(n, s.children[n], twice); err != nil {
			return err
		}
		if _, ok := n.Op().(G.SDOp); !ok {
			return unsound(n, "has no symbolic derivative", "an operation of package op")
		}
	}
	return nil
}

// refuse is an error if the operation of n is one of Gorgonia's and not sound
// for as many derivatives as wanted.
func refuse(n *G.Node, children G.Nodes, want soundness) error {
	t := reflect.TypeOf(n.Op())
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.PkgPath() != "gorgonia.org/gorgonia" {
		return nil
	}
	known := stock[t.Name()]
	if known.sound < want {
		problem := "has a wrong second derivative"
		if known.sound == never {
			problem = "has a wrong or missing derivative"
		}
		return unsound(n, problem, known.instead)
	}
	return refuseForm(n, children, t.Name())
}

// refuseForm refuses the forms of otherwise sound operations that are not.
func refuseForm(n *G.Node, children G.Nodes, opType string) error {
	form := n.Op().String()
	axes := strings.Count(form, " ") + 1 // of reductions, printed as Σ[0 1]
	switch {
	case opType == "elemUnaryOp" && strings.Contains(strings.ToLower(form), "invsqrt"):
		return unsound(n, "has a wrong derivative", "Inverse of Sqrt")
	case opType == "linAlgBinOp" && len(children) == 2 && children[0].Dims() == 2 && children[1].Dims() == 1:
		return unsound(n, "(matrix times vector) has no second derivative", "an (n, 1) matrix, or op.MatMul")
	case opType == "linAlgBinOp" && strings.Contains(form, "⊗"):
		return unsound(n, "(outer product) has no derivative", "a product of (n, 1) and (1, m) matrices, or op.MatMul")
	case opType == "sumOp" && axes > 1 && axes < children[0].Dims():
		return unsound(n, "gives wrong sums over several but not all axes", "one Sum an axis")
	case opType == "maxOp" && axes > 1:
		return unsound(n, "over several axes has no second derivative", "one Max an axis")
	}
	return nil
}

func unsound(n *G.Node, problem, instead string) error {
	if instead == "" {
		instead = "operations of package op"
	}
	return fmt.Errorf("symbolic: operation %v of node %q %s; use %s", n.Op(), n.Name(), problem, instead)
}
