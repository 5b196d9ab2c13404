// Package parallel spreads independent pieces of numerical work over all
// processors:
//
//	For(n, f)           calls f(0), …, f(n−1)
//	AddProduct(C, A, B) computes C + A·B, some rows of it in each piece
//
// What a piece computes does not depend on how many processors there are, so
// that results are the same, bit for bit, on any machine with the same kernels.
package parallel
