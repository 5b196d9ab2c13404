// Package vec computes element by element: sums, products, the gates of
// rectifiers, saturating and smooth activations, the polynomials that are their
// derivatives, and the update rules of optimizers.
//
//	vec.Float64.Add(dst, a, b) // dstᵢ = aᵢ + bᵢ
//
// Besides the matrix products, such loops take most of the time of a small
// network. Element by element, a gate costs as much as the product it follows,
// because branch prediction cannot tell which units are on. With vectors there
// are no branches, and memory is the limit. Beside them are the sums that
// normalisations are made of, and loops of convolutional networks: copies and
// sums of the short rows of images, convolutions of single channels, and the
// places of the largest in windows of 2×2.
//
// The kernels are written by internal/asm with avo, for AVX2; AVX-512 would
// wait for memory as long. Elsewhere, and with the build tag purego, they are
// plain Go. The results are the same, bit for bit, but for those of Exp, Tanh,
// Sigmoid, Softplus, NormalPDF and NormalCDF, which are within 3 units in the
// last place of the exact ones, the last within 5, and for sums, whose terms are
// added in another order.
package vec

//go:generate go run ./internal/asm -out kernels_avx2_amd64.s -stubs kernels_avx2_amd64.go -pkg vec
