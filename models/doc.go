// Package models holds classifiers whose losses can be differentiated twice.
//
// A Model owns named parameter tensors and builds its logits as nodes of any
// Gorgonia graph. Express puts a loss a sample on top:
//
//	L(θ) = Σₙ wₙ·ℓ(f(xₙ; θ), yₙ),    wₙ = 1/N
//
// Training runs its gradient on mini-batches. An Objective evaluates it over a
// whole split, in chunks on all cores: the loss, the gradient, products with
// its Hessian and directional derivatives a sample. Results do not depend on
// the number of workers, bit for bit.
//
// MLP is the model that comes with the package. A model of your own implements
// Model, with operations of symbolic/op or with Gorgonia's own where they are
// sound; a graph that exists already, trained by Gorgonia's machines and
// solvers, becomes a Model through FromNodes. Weights go to and come from .npz
// and .safetensors files through package weights.
package models
