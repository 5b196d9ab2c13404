// Package models holds networks whose losses can be differentiated twice.
//
// A Model owns named parameter tensors and builds its logits as nodes of any
// Gorgonia graph. Express adds the loss of each sample:
//
//	L(θ) = Σₙ wₙ·ℓ(f(xₙ; θ), yₙ),    wₙ = 1/N
//
// Training runs its gradient on mini-batches. An Objective evaluates it over a
// whole split, in chunks on all cores: the loss, the gradient, products with
// its Hessian and each sample's directional derivative. Results are bit for bit
// the same for any number of workers.
//
// MLP is the model that comes with the package; package network makes others of
// layers. A model of your own implements Model, with operations of symbolic/op or
// with Gorgonia's own where they are sound, and TrainingForm if it is trained in
// another form than it is measured in; Register gives its type a name that
// experiments know. A graph that exists already, trained by Gorgonia's machines and
// solvers, becomes a Model through FromNodes, and its cost a Loss through WithCost:
// any mean over samples, that of a regression too. A loss of your own implements
// Loss. Package check tests the derivatives of both. Package weights reads and writes
// parameters as .npz and .safetensors files.
package models
