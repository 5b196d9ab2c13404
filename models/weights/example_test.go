package weights_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hessoscope/hessoscope/models/weights"
)

func Example() {
	dir, err := os.MkdirTemp("", "weights")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	path := filepath.Join(dir, "model.safetensors")
	err = weights.Write(path, []weights.Array{
		{Name: "fc1.weight", Shape: []int{2, 3}, Data: []float64{1, 2, 3, 4, 5, 0.1}},
		{Name: "fc1.bias", Shape: []int{2}, Data: []float64{0.5, -0.25}, Float32: true},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	arrays, err := weights.Read(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range arrays {
		fmt.Println(a.Name, a.Shape, a.Data)
	}
	// Output:
	// fc1.weight [2 3] [1 2 3 4 5 0.1]
	// fc1.bias [2] [0.5 -0.25]
}

// The header of a .safetensors file has room for what a program must know besides
// the arrays.
func ExampleWriteWithMetadata() {
	dir, err := os.MkdirTemp("", "weights")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	path := filepath.Join(dir, "model.safetensors")
	arrays := []weights.Array{{Name: "fc1.bias", Shape: []int{2}, Data: []float64{0.5, -0.25}}}
	if err := weights.WriteWithMetadata(path, arrays, map[string]string{"activation": "relu"}); err != nil {
		fmt.Println(err)
		return
	}
	metadata, err := weights.ReadMetadata(path)
	fmt.Println(metadata["activation"], err)
	// Output: relu <nil>
}
