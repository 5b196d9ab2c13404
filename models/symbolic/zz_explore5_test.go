package symbolic_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

func TestExplore5(t *testing.T) {
	var wg sync.WaitGroup
	for k := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(k), 2))
			for range 20 {
				errs, err := difftest.Check(difftest.Function{At: []*tensor.Dense{pos(rng, 3, 4), pos(rng, 4, 2)}, Build: func(in G.Nodes) (*G.Node, error) {
					h := G.Must(G.Mul(in[0], in[1]))
					if k%2 == 0 {
						return op.Tanh(h)
					}
					h = G.Must(G.Tanh(h))
					return G.Square(h)
				}}, 2, 7)
				if err != nil || errs[1] > 1e-7 {
					t.Error(errs, err)
				}
			}
		})
	}
	wg.Wait()
}
