package network_test

import (
	"fmt"
	"log"
	"math/rand/v2"
	"reflect"

	"github.com/goccy/go-yaml"

	"github.com/hessoscope/hessoscope/models"
	"github.com/hessoscope/hessoscope/models/network"
)

// The same network in Go and in YAML.
func Example() {
	const relu = network.Activation(models.ReLU)
	d := network.Description{
		Input: []int{1, 28, 28},
		Layers: network.Layers{
			network.Conv2D{Name: "conv1", Out: 8, Kernel: network.Square(3)},
			network.BatchNorm{},
			relu,
			network.Residual{Layers: network.Layers{
				network.Conv2D{Out: 8, Kernel: network.Square(3), Padding: network.Around(1)}, relu,
			}},
			network.GlobalAvgPool{},
			network.Dense{Name: "out", Out: 3},
		},
	}
	var read network.Description
	err := yaml.Unmarshal([]byte(`
input: [1, 28, 28]
layers:
- conv2d: {name: conv1, out: 8, kernel: 3}
- batch_norm
- relu
- residual:
    layers:
    - conv2d: {out: 8, kernel: 3, padding: 1}
    - relu
- global_avg_pool
- dense: {name: out, out: 3}
`), &read)
	fmt.Println(reflect.DeepEqual(d, read), err)
	net, err := network.New(d, network.Settings{}, rand.New(rand.NewPCG(1, 0)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(net)
	for _, p := range models.State(net) {
		fmt.Println(p.Name, p.Value.Shape())
	}
	d.Input = []int{1, 2, 2}
	_, err = network.New(d, network.Settings{}, rand.New(rand.NewPCG(1, 0)))
	fmt.Println(err)
	// Output:
	// true <nil>
	// network 1×28×28 conv2d(8) batch_norm relu residual global_avg_pool dense(3)
	// conv1.weight (8, 1, 3, 3)
	// conv1.bias (8)
	// 1.weight (8)
	// 1.bias (8)
	// 3.layers.0.weight (8, 8, 3, 3)
	// 3.layers.0.bias (8)
	// out.weight (3, 8)
	// out.bias (3)
	// 1.running_mean (8)
	// 1.running_var (8)
	// network: layers[0].conv2d.kernel is 3 × 3; its input is 2 × 2
}

func ExampleNamed() {
	d, err := network.Named("lenet5", 10)
	if err != nil {
		log.Fatal(err)
	}
	net, err := network.New(d, network.Settings{}, rand.New(rand.NewPCG(1, 0)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(models.Size(net))
	// Output: 62006
}
