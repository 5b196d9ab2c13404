package command

import "os"

func Example() {
	Main([]string{"presets", "print", "iris"}, os.Stdout, os.Stderr)
	// Output:
	// # Three species of iris from four measurements: 120 flowers to learn from.
	// name: iris
	// description: Fisher's irises, the paper's net (4-50-50-3), full batch
	// seed: 0
	// data:
	//   set: iris
	// model:
	//   hidden: [50, 50]
	//   activation: relu
	// training:
	//   epochs: 1000
	//   batch_size: 0 # the whole split
	//   rate:
	//     base: 0.02
	// spectrum:
	//   resolved: true # every eigenvector that matters, for an exact complexity
	//   schedule:
	//     log: 12 # whatever they cost: training alone takes a second
	// log:
	//   schedule:
	//     log: 12 # the same epochs
	// margin:
	//   schedule:
	//     at: [1000] # of all samples at the end, whatever it costs: training alone takes a second
}
