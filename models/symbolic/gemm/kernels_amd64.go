//go:build amd64 && !purego

package gemm

import (
	"golang.org/x/sys/cpu"

	"github.com/hessoscope/hessoscope/models/symbolic/vec"
)

// kernels64 and kernels32 are those this machine can run, the fastest first.
var kernels64, kernels32 = available()

func available() (f64 []kernels[float64], f32 []kernels[float32]) {
	avx2 := cpu.X86.HasAVX2 && cpu.X86.HasFMA
	if avx2 && cpu.X86.HasAVX512F && cpu.X86.HasBMI2 {
		f64 = append(f64, avx512Float64)
		f32 = append(f32, avx512Float32)
	}
	if avx2 {
		f64 = append(f64, avx2Float64)
		f32 = append(f32, avx2Float32)
	}
	return append(f64, portable[float64]()), append(f32, portable[float32]())
}

var avx512Float64 = kernels[float64]{
	name: "AVX512", lanes: 8, rows: 8, narrow: 12,
	tiles:      [...]tilesFunc[float64]{dAVX512Tiles1, dAVX512Tiles2, dAVX512Tiles3},
	masked:     [...]tilesFunc[float64]{dAVX512Tiles1Masked, dAVX512Tiles2Masked, dAVX512Tiles3Masked},
	dots:       [...]dotsFunc[float64]{dAVX512Dots1, dAVX512Dots2, dAVX512Dots3, dAVX512Dots4},
	transpose4: dAVX2Transpose4, copyRows: vec.Float64.CopyRows,
}

var avx512Float32 = kernels[float32]{
	name: "AVX512", lanes: 16, rows: 8, narrow: 12,
	tiles:      [...]tilesFunc[float32]{sAVX512Tiles1, sAVX512Tiles2, sAVX512Tiles3},
	masked:     [...]tilesFunc[float32]{sAVX512Tiles1Masked, sAVX512Tiles2Masked, sAVX512Tiles3Masked},
	dots:       [...]dotsFunc[float32]{sAVX512Dots1, sAVX512Dots2, sAVX512Dots3, sAVX512Dots4},
	transpose4: sAVX2Transpose4, copyRows: vec.Float32.CopyRows,
}

var avx2Float64 = kernels[float64]{
	name: "AVX2", lanes: 4, rows: 4, narrow: 4,
	tiles:      [...]tilesFunc[float64]{dAVX2Tiles1, dAVX2Tiles2, dAVX2Tiles3},
	masked:     [...]tilesFunc[float64]{dAVX2Tiles1Masked, dAVX2Tiles2Masked, dAVX2Tiles3Masked},
	dots:       [...]dotsFunc[float64]{dAVX2Dots1, dAVX2Dots2, dAVX2Dots3, dAVX2Dots4},
	transpose4: dAVX2Transpose4, copyRows: vec.Float64.CopyRows,
}

var avx2Float32 = kernels[float32]{
	name: "AVX2", lanes: 8, rows: 4, narrow: 4,
	tiles:      [...]tilesFunc[float32]{sAVX2Tiles1, sAVX2Tiles2, sAVX2Tiles3},
	masked:     [...]tilesFunc[float32]{sAVX2Tiles1Masked, sAVX2Tiles2Masked, sAVX2Tiles3Masked},
	dots:       [...]dotsFunc[float32]{sAVX2Dots1, sAVX2Dots2, sAVX2Dots3, sAVX2Dots4},
	transpose4: sAVX2Transpose4, copyRows: vec.Float32.CopyRows,
}
