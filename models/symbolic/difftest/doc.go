// Package difftest checks the symbolic derivatives of Gorgonia graphs against
// finite differences, as testing/fstest checks file systems. Use it for an
// operation or a model of your own before you trust a Hessian of it.
package difftest
