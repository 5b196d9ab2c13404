// Asm writes the assembly kernels of package vec:
//
//	go run ./internal/asm -out kernels_avx2_amd64.s -stubs kernels_avx2_amd64.go -pkg vec
package main
