package models

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// A Loss is the loss of a sample, as a differentiable function of its logits
// and its target. Training minimises its mean, and it is its curvature that is
// measured.
//
// A Loss of your own is built from operations of symbolic/op, or from
// Gorgonia's own where symbolic.Check lets them pass. It must be finite, with
// finite derivatives, for every row of finite logits.
type Loss interface {
	// Name is what files and people know the loss by.
	Name() string
	// Losses returns the loss of each sample, of shape (n) and of the type of
	// the logits, as a node of their graph. logits is (n, C), target (n, C) with
	// one-hot rows, or with the Targets of a split that has no labels. Losses is called for several graphs, batch sizes n ≥ 1 and
	// both float types. Row i of the result depends on row i of both alone.
	Losses(logits, target *G.Node) (*G.Node, error)
}

// The losses to train by.
var (
	// CrossEntropy is −log softmax(f(x))_y.
	CrossEntropy Loss = &namedLoss{"cross_entropy", op.SoftmaxCrossEntropy}
	// SquaredError is (1/C)·‖f(x) − onehot(y)‖², as PyTorch's MSELoss.
	SquaredError Loss = &namedLoss{"squared_error", op.SquaredError}
)

// Losses that serve to compute derivatives; they are not for training.
var (
	linear      Loss = &namedLoss{"linear", op.RowDot}           // ⟨y, f(x)⟩
	reinforcing Loss = &namedLoss{"reinforcing", logOddsAgainst} // log Σ_{c≠y} exp f_c(x) − f_y(x)
)

// namedLoss is a loss of this package. Its values are pointers, which can be
// compared.
type namedLoss struct {
	name   string
	losses func(logits, target *G.Node) (*G.Node, error)
}

// Name implements Loss.
func (l *namedLoss) Name() string { return l.name }

// Losses implements Loss.
func (l *namedLoss) Losses(logits, target *G.Node) (*G.Node, error) { return l.losses(logits, target) }

// LossNamed returns the loss to train by that has the name. The error completes
// a sentence whose subject is the setting: is "hinge"; want one of …
func LossNamed(name string) (Loss, error) {
	named := map[string]Loss{CrossEntropy.Name(): CrossEntropy, SquaredError.Name(): SquaredError}
	return named[name], known(named, name)
}

// logOddsAgainst is the reinforcing loss up to a constant: the logit of the
// target is lowered so far that it takes no part in the sum.
func logOddsAgainst(logits, target *G.Node) (*G.Node, error) {
	shift, err := op.Scale(target, 1e30)
	if err != nil {
		return nil, err
	}
	shifted, err := op.Sub(logits, shift)
	if err != nil {
		return nil, err
	}
	return op.SoftmaxCrossEntropy(shifted, target)
}

// lossesOf returns the losses of samples as nodes, checked to be what a Loss
// promises.
func lossesOf(loss Loss, logits, target *G.Node) (*G.Node, error) {
	losses, err := loss.Losses(logits, target)
	if err != nil {
		return nil, fmt.Errorf("models: building the loss %s: %w", loss.Name(), err)
	}
	n := logits.Shape()[0]
	switch {
	case losses == nil:
		return nil, fmt.Errorf("models: the loss %s returned no node", loss.Name())
	case losses.Graph() != logits.Graph():
		return nil, fmt.Errorf("models: the loss %s is a node of another graph; want that of the logits", loss.Name())
	case !slices.Equal(losses.Shape(), tensor.Shape{n}):
		return nil, fmt.Errorf("models: the loss %s has shape %v; want (%d), one value a sample", loss.Name(), losses.Shape(), n)
	case losses.Dtype() != logits.Dtype():
		return nil, fmt.Errorf("models: the loss %s is %v; want %v, the type of the logits", loss.Name(), losses.Dtype(), logits.Dtype())
	}
	if err := symbolic.Check(G.Nodes{losses}, G.Nodes{logits}); err != nil {
		return nil, fmt.Errorf("models: the loss %s cannot be differentiated twice: %w", loss.Name(), err)
	}
	return losses, nil
}
