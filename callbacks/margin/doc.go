// Package margin measures the margin of a classifier: the distances, in input
// space, from its samples to the decision boundary. Together with the boundary's
// complexity the margin distinguishes minima with a simple boundary and a wide
// margin from others (arXiv:2306.07104).
//
//	Measure            distance of each sample to a boundary point that was found and
//	                   bracketed: an upper bound, usually tight
//	MeasureCompanions  logit margins and first-order distances, which cost one forward
//	                   and one backward pass
//	Repaired           estimate of the margin from the Hessian's outlier eigenvectors
//	Published          the same estimate as the paper computes it, for comparison
//
// The search of Measure works on a [models.Field]: the logits of a model and their
// gradients at any points of input space. So it works for every differentiable
// classifier. The estimates from eigenvectors need mixed second derivatives, by
// parameters and input, which a [models.Point] computes.
package margin
