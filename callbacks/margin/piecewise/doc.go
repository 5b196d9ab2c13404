// Package piecewise finds the nearest points of the decision boundary of a network of
// dense layers, and bounds of their distances.
//
// With rectifiers between the layers, the network is affine in each of its linear
// regions, where every unit is either on or off. The nearest boundary point of x₀ in
// a region, between the class a of x₀ and a rival r, is the solution of
//
//	min ‖x − x₀‖²   subject to   sᵢ·zᵢ(x) ≥ 0,   f_r(x) − f_a(x) ≥ 0
//
// with zᵢ the arguments of the units and sᵢ their signs in the region: a least-distance
// program. From its solution the search crosses the hyperplanes zᵢ = 0 that hold it
// back, as long as the region beyond has a nearer point.
//
//	nnls, leastDistance   the programs
//	region, descent       the forms of a region, and the way from region to region
//	relax, bounds         lines that enclose units, and the forms they make of a network
//	branching             branch and bound over the signs of the units
//	Explorer              all of that for one sample after another
package piecewise
