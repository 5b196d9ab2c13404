package symbolic_test

import (
	"fmt"
	"testing"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

func TestExplore3(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	type B = func(a, b *G.Node) (*G.Node, error)
	bins := map[string]B{"add": G.Add, "sub": G.Sub, "mul": G.HadamardProd, "div": G.HadamardDiv, "pow": G.Pow}
	scal := map[string]func(x *G.Node) (*G.Node, error){
		"sum": func(x *G.Node) (*G.Node, error) { return G.Sum(x) },
		"mean": func(x *G.Node) (*G.Node, error) { return G.Mean(x) },
		"sqrtmean": func(x *G.Node) (*G.Node, error) { return G.Sqrt(G.Must(G.Mean(x))) },
		"expmean": func(x *G.Node) (*G.Node, error) { return G.Exp(G.Must(G.Mean(x))) },
		"tanhmean": func(x *G.Node) (*G.Node, error) { return G.Tanh(G.Must(G.Mean(x))) },
		"sigmoidmean": func(x *G.Node) (*G.Node, error) { return G.Sigmoid(G.Must(G.Mean(x))) },
		"softplusmean": func(x *G.Node) (*G.Node, error) { return G.Softplus(G.Must(G.Mean(x))) },
		"logmean": func(x *G.Node) (*G.Node, error) { return G.Log(G.Must(G.Mean(x))) },
		"invmean": func(x *G.Node) (*G.Node, error) { return G.Inverse(G.Must(G.Mean(x))) },
		"cubemean": func(x *G.Node) (*G.Node, error) { return G.Cube(G.Must(G.Mean(x))) },
		"powmean": func(x *G.Node) (*G.Node, error) { return G.Pow(G.Must(G.Mean(x)), G.NewConstant(2.5)) },
		"rectmean": func(x *G.Node) (*G.Node, error) { return G.Rectify(G.Must(G.Mean(x))) },
		"leakymean": func(x *G.Node) (*G.Node, error) { return G.LeakyRelu(G.Must(G.Mean(x)), 0.1) },
		"absmean": func(x *G.Node) (*G.Node, error) { return G.Abs(G.Must(G.Mean(x))) },
		"sumsq": func(x *G.Node) (*G.Node, error) { return G.Sum(G.Must(G.Square(x))) },
		"dot": func(x *G.Node) (*G.Node, error) { r := G.Must(G.Ravel(x)); return G.Mul(r, r) },
		"sum0sum0": func(x *G.Node) (*G.Node, error) { return G.Sum(G.Must(G.Sum(x, 0)), 0) },
		"maxmax": func(x *G.Node) (*G.Node, error) { return G.Max(G.Must(G.Max(x, 0)), 0) },
		"opmul": func(x *G.Node) (*G.Node, error) { s := G.Must(G.Sum(x)); return op.Mul(s, s) },
		"opadd": func(x *G.Node) (*G.Node, error) { s := G.Must(G.Sum(x)); return op.Add(s, s) },
		"opscale": func(x *G.Node) (*G.Node, error) { s := G.Must(G.Sum(x)); return op.Scale(s, 2) },
		"optanh": func(x *G.Node) (*G.Node, error) { s := G.Must(G.Sum(x)); return op.Tanh(s) },
		"norm2": func(x *G.Node) (*G.Node, error) { return G.Norm(G.Must(G.Ravel(x)), 0, 2) },
	}
	try := func(name string, b bf) {
		defer func() {
			if r := recover(); r != nil {
				fmt.Printf("%-30s PANIC %v\n", name, r)
			}
		}()
		for _, sh := range [][]int{{3, 4}, {5}, {1}, {3, 1}, {1, 1}, {2, 2, 3}} {
			errs, err := difftest.Check(difftest.Function{Build: b, At: []*tensor.Dense{pos(rng, sh...)}}, 3, 7)
			bad := ""
			for _, e := range errs {
				if !(e < 1e-8) {
					bad = "   <<<<<< BAD"
				}
			}
			if err != nil {
				bad = "   ERR"
			}
			if bad != "" || testing.Verbose() {
				fmt.Printf("%-30s %v %.1g %v%s\n", name, sh, errs, err, bad)
			}
		}
	}
	for sn, sf := range scal {
		try(sn, func(in G.Nodes) (*G.Node, error) { return sf(in[0]) })
		for bn, b := range bins {
			try(sn+" "+bn+" x", func(in G.Nodes) (*G.Node, error) {
				s, err := sf(in[0])
				if err != nil {
					return nil, err
				}
				return b(s, in[0])
			})
			try("x "+bn+" "+sn, func(in G.Nodes) (*G.Node, error) {
				s, err := sf(in[0])
				if err != nil {
					return nil, err
				}
				return b(in[0], s)
			})
			try(sn+" "+bn+" "+sn, func(in G.Nodes) (*G.Node, error) {
				s, err := sf(in[0])
				if err != nil {
					return nil, err
				}
				return b(s, s)
			})
			try(sn+" "+bn+" sum", func(in G.Nodes) (*G.Node, error) {
				s, err := sf(in[0])
				if err != nil {
					return nil, err
				}
				return b(s, G.Must(G.Mean(G.Must(G.Square(in[0])))))
			})
		}
		try(sn+" reshape", func(in G.Nodes) (*G.Node, error) {
			s, err := sf(in[0])
			if err != nil {
				return nil, err
			}
			r, err := G.Reshape(s, tensor.Shape{1, 1})
			if err != nil {
				return nil, err
			}
			return op.Mul(r, r)
		})
	}
}
