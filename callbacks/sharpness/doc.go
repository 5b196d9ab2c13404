// Package sharpness measures how sharp the minimum is that a network has reached,
// without eigenvectors of the Hessian. Two measures are those that studies of
// generalization compare others with (Jiang et al. 2020, Dziugaite et al. 2020):
//
//	FisherTrace   tr F = (1/N) Σₙ E_{y∼p(·|xₙ)} ‖∇θ log p(y|xₙ)‖²
//	Perturbation  1/σ², σ the size of Gaussian noise on the parameters that costs
//	              0.1 of the accuracy
//
// Both change when the weights are rescaled such that the network stays the same
// function: compare networks that were trained alike. The third tells of the step that
// training takes, by a few forward passes (Kalra et al. 2026):
//
//	Critical      2/η, η the smallest step at which the loss rises
package sharpness
