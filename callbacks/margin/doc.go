// Package margin measures how wide the margin of a classifier is: how far, in
// input space, its samples are from the decision boundary. Together with the
// boundary's complexity it tells simple, wide-margin minima from others
// (arXiv:2306.07104).
//
//	Measure            distances of the samples, each to a boundary point that is found and
//	                   bracketed: upper bounds, and tight ones
//	MeasureCompanions  logit margins and first-order distances: a pass forward and a pass backward
//	Repaired           what the Hessian's outlier eigenvectors say of the margin
//	Published          the same as the paper computes it, for comparison
//
// A model enters as a models.Field, its logits and input gradients at any
// points, so that everything here works for any differentiable classifier. The
// eigenvector margins take mixed second derivatives, by parameters and input,
// from a models.Point.
package margin
