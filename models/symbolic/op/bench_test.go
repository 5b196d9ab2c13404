package op_test

import (
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/models/symbolic"
	"github.com/hessoscope/hessoscope/models/symbolic/difftest"
	"github.com/hessoscope/hessoscope/models/symbolic/op"
)

// BenchmarkConv2D measures a convolution and its gradients by images and by
// kernels, for layers of LeNet-5 and of ResNet-18 on images of 32×32.
func BenchmarkConv2D(b *testing.B) {
	square := func(kernel, stride, padding int) op.Window {
		return op.Window{Kernel: [2]int{kernel, kernel}, Stride: [2]int{stride, stride}, Padding: [4]int{padding, padding, padding, padding}}
	}
	for _, c := range []convolution{
		{"lenet1", []int{64, 3, 32, 32}, []int{6, 3, 5, 5}, square(5, 1, 0), 1},
		{"lenet2", []int{64, 6, 14, 14}, []int{16, 6, 5, 5}, square(5, 1, 0), 1},
		{"resnet64", []int{16, 64, 32, 32}, []int{64, 64, 3, 3}, square(3, 1, 1), 1},
		{"resnet128", []int{16, 128, 16, 16}, []int{128, 128, 3, 3}, square(3, 1, 1), 1},
		{"resnet256", []int{16, 256, 8, 8}, []int{256, 256, 3, 3}, square(3, 1, 1), 1},
		{"resnet512", []int{16, 512, 4, 4}, []int{512, 512, 3, 3}, square(3, 1, 1), 1},
		{"stride", []int{16, 64, 32, 32}, []int{128, 64, 3, 3}, square(3, 2, 1), 1},
		{"shortcut", []int{16, 64, 32, 32}, []int{128, 64, 1, 1}, square(1, 2, 0), 1},
		{"depthwise", []int{16, 64, 32, 32}, []int{64, 1, 3, 3}, square(3, 1, 1), 64},
	} {
		for _, dtype := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
			g := G.NewGraph()
			rng := rand.New(rand.NewPCG(5, 6))
			input := func(name string, shape ...int) *G.Node {
				return G.NewTensor(g, dtype, 4, G.WithShape(shape...), G.WithName(name), G.WithValue(converted(difftest.Normal(rng, shape...), dtype)))
			}
			x, w := input("x", c.x...), input("w", c.w...)
			y := must(op.Conv2D(x, w, c.win, c.groups))
			grads := mustAll(symbolic.Pullback(G.Nodes{y}, G.Nodes{input("seed", y.Shape()...)}, G.Nodes{x, w}))
			flop := 2 * float64(y.Shape().TotalSize()) * float64(w.Shape().TotalSize()/w.Shape()[0])
			for i, n := range []*G.Node{y, grads[0], grads[1]} {
				program, err := symbolic.Compile(n)
				if err != nil {
					b.Fatal(err)
				}
				plan, err := program.Plan(n)
				if err != nil {
					b.Fatal(err)
				}
				b.Run(c.name+"/"+[]string{"forward", "images", "kernels"}[i]+"/"+dtype.String(), func(b *testing.B) {
					for b.Loop() {
						program.Changed(w, x)
						if err := plan.Run(); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
		}
	}
}

// BenchmarkImages measures the other operations and their gradients on the first
// block of ResNet-18.
func BenchmarkImages(b *testing.B) {
	two := op.Window{Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}}
	images, channels, sample := []int{64, 64, 32, 32}, []int{64}, []int{64, 32, 32}
	for _, c := range []struct {
		name   string
		build  func(G.Nodes) (*G.Node, error)
		shapes [][]int
		wrt    int
	}{
		{"BatchNorm", batchNorm(0), [][]int{images, channels, channels}, 3},
		{"FrozenBatchNorm", frozenBatchNorm, [][]int{images, channels, channels, channels, channels}, 3},
		{"LayerNorm", layerNorm, [][]int{images, sample, sample}, 3},
		{"AvgPool2D", avgPool(two, true), [][]int{images}, 1},
		{"MaxPool2D", maxPool(two), [][]int{images}, 1},
		{"MaxPool2D overlapped", maxPool(op.Window{Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Padding: [4]int{1, 1, 1, 1}}), [][]int{images}, 1},
		{"GlobalAvgPool2D", unary(op.GlobalAvgPool2D), [][]int{images}, 1},
	} {
		for _, dtype := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
			g := G.NewGraph()
			rng := rand.New(rand.NewPCG(5, 6))
			input := func(name string, shape ...int) *G.Node {
				return G.NewTensor(g, dtype, len(shape), G.WithShape(shape...), G.WithName(name), G.WithValue(converted(positive(rng, shape...), dtype)))
			}
			var in G.Nodes
			for i, shape := range c.shapes {
				in = append(in, input(string(rune('a'+i)), shape...))
			}
			y := must(c.build(in))
			grads := mustAll(symbolic.Pullback(G.Nodes{y}, G.Nodes{input("seed", y.Shape()...)}, in[:c.wrt]))
			program, err := symbolic.CompileTogether([]G.Nodes{in}, append(grads, y)...)
			if err != nil {
				b.Fatal(err)
			}
			for i, outs := range []G.Nodes{{y}, append(grads, y)} {
				plan, err := program.Plan(outs...)
				if err != nil {
					b.Fatal(err)
				}
				b.Run(c.name+"/"+[]string{"forward", "both"}[i]+"/"+dtype.String(), func(b *testing.B) {
					for b.Loop() {
						program.Changed(in...)
						if err := plan.Run(); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
