// Package symeig decomposes a dense symmetric n × n matrix,
//
//	A = V Λ Vᵀ,
//
// with all processors and most of the work in products of matrices, so that it
// is several times faster than gonum's mat.EigenSym for large n. It has three
// steps:
//
//  1. Rows that are zero are left out: their unit vectors are eigenvectors.
//  2. The rest is made tridiagonal by blocked Householder reflections
//     (Dongarra, Sorensen & Hammarling 1989).
//  3. The tridiagonal matrix is decomposed by divide and conquer (Cuppen 1981;
//     Gu & Eisenstat 1995), and its eigenvectors are reflected back. Only those
//     that are asked for are.
//
// The result is the same, bit for bit, for any number of processors.
package symeig
