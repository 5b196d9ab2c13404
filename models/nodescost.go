package models

import (
	"errors"
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"

	"github.com/hessoscope/hessoscope/models/symbolic"
)

// ownCost is the cost of a graph from outside as a Loss. Only Express can build
// it, because it needs more of the graph than the logits.
type ownCost struct {
	nodes *nodes
	cost  *G.Node
}

// Name implements Loss.
func (c *ownCost) Name() string { return "cost" }

// Losses implements Loss.
func (c *ownCost) Losses(_, _ *G.Node) (*G.Node, error) {
	return nil, errors.New("models: the cost of a graph belongs to the model of that graph")
}

// width is the number of values of all targets of a sample.
func (c *ownCost) width() int {
	sum := 0
	for _, t := range c.nodes.targets {
		sum += t.Shape().TotalSize() / c.nodes.BatchSize()
	}
	return max(sum, 1) // an input of no columns cannot be made
}

// express adds the losses of the samples to e, and what they are a function of.
func (c *ownCost) express(e *Expression) error {
	m := c.nodes
	r, err := m.replay(e.Input, slices.Concat(e.Params, e.Buffers), e.Target)
	if err != nil {
		return err
	}
	if e.Outputs, err = r.Node(m.logits); err != nil {
		return err
	}
	if e.Losses, err = r.Losses(c.cost, m.BatchSize(), append(G.Nodes{m.input}, m.targets...)); err != nil {
		return err
	}
	if err := symbolic.Check(G.Nodes{e.Losses}, append(G.Nodes{e.Input}, e.Params...)); err != nil {
		return fmt.Errorf("models: the cost cannot be differentiated twice: %w", err)
	}
	return nil
}

// throughOutputs returns an error unless the losses depend on the parameters
// through Outputs alone.
func (e *Expression) throughOutputs() error {
	if _, own := e.loss.(*ownCost); !own {
		return nil
	}
	seen := map[*G.Node]bool{e.Outputs: true}
	var reaches func(n *G.Node) bool
	reaches = func(n *G.Node) bool {
		if seen[n] {
			return false
		}
		seen[n] = true
		return slices.Contains(e.Params, n) || slices.ContainsFunc(symbolic.Children(n), reaches)
	}
	if reaches(e.Losses) {
		return errors.New("models: the cost depends on the learnables in other ways than through the logits, such as by weight decay; it has no Gauss-Newton matrix: hand over the cost without that")
	}
	return nil
}

// LossOf is the loss that m is trained by, if it says so: the cost of its graph
// (see WithCost), or CrossEntropy.
func LossOf(m Model) Loss {
	if n, ok := m.(*nodes); ok && n.own != nil {
		return n.own
	}
	return CrossEntropy
}

// Notes tells in what way m is measured that its user may not expect, a sentence
// each.
func Notes(m Model) []string {
	if n, ok := m.(interface{ Notes() []string }); ok {
		return n.Notes()
	}
	return nil
}
