package replay_test

import (
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/replay"
)

// An error tells of the node that cannot be copied, and not of those that depend on it.
func TestErrorsNameOneNode(t *testing.T) {
	g := G.NewGraph()
	x := G.NewTensor(g, G.Float64, 4, G.WithShape(2, 1, 4, 4), G.WithName("x"))
	up := G.Must(G.Upsample2D(x, 1))
	out := G.Must(G.Mul(G.Must(G.Reshape(up, tensor.Shape{2, 16})), G.NewMatrix(g, G.Float64, G.WithShape(16, 3), G.WithName("w"))))
	other := G.NewGraph()
	copies := map[*G.Node]*G.Node{x: G.NewTensor(other, G.Float64, 4, G.WithShape(2, 1, 4, 4), G.WithName("x"))}
	_, err := replay.New(other, G.Float64, copies, nil).Node(out)
	if err == nil || strings.Count(err.Error(), "operation") != 1 || !strings.Contains(err.Error(), "Upsample") {
		t.Errorf("error %v; want one about Upsample alone", err)
	}
}
