// Package symbolic differentiates Gorgonia graphs any number of times and runs
// the resulting graphs.
//
// Gorgonia's own Grad remembers its result on the nodes and skips them the
// second time, so that a gradient of a gradient is silently wrong. Pullback is
// a reverse sweep that leaves nothing on the nodes: given nodes y and seeds ȳ it returns the
// nodes
//
//	w̄ = (∂y/∂w)ᵀ·ȳ
//
// for the nodes w asked for, built from the operations' own symbolic
// derivatives. Applied to a loss it gives the gradient g; applied to g with
// the seed v it gives the Hessian-vector product H·v; applied to g with the
// seed v and asked for per-sample weights it gives every sample's directional
// derivative; asked for the input it gives input gradients.
//
// Check refuses a graph that holds an operation known to go wrong under two
// derivatives. A Program runs a set of nodes and computes again only what a
// changed input reaches: many Hessian-vector products at the same parameters
// share one forward and one first backward pass. Every value that may be needed
// again therefore has a buffer of its own, for the Program's whole life. A node
// that only one other node reads, and that changes whenever that one does, needs
// none: the two are computed as one step.
//
// A Fork of a Program is for other data with the same parameters: each keeps its
// activations, while packed weights and the buffers of a product serve all.
//
// No check can see two things that Gorgonia does while a graph is built: it
// merges inputs of the same name, shape and type into one node, and constants
// that print alike, as large tensors do. Give inputs different names, and make
// constant tensors inputs.
package symbolic
