// Asm writes the assembly kernels of package gemm:
//
//	go run ./internal/asm -isa avx512 -out kernels_avx512_amd64.s -stubs kernels_avx512_amd64.go -pkg gemm
package main
