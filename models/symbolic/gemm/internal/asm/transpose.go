package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// transpose writes the kernel that packs four rows of a matrix as columns,
// four by four elements at a time.
func transpose(e precision) {
	name := e.prefix + "AVX2Transpose4"
	TEXT(name, NOSPLIT, fmt.Sprintf("func(k int, src []%[1]s, ld int, dst []%[1]s, width int)", e.goType))
	Doc(fmt.Sprintf("%s sets dst[p*width+i] = src[i*ld+p] for p < k and i < 4.", name))
	Pragma("noescape")

	k, src, ld, dst, width := param("k"), base("src"), param("ld"), base("dst"), param("width")
	SHLQ(Imm(e.shift), ld)
	SHLQ(Imm(e.shift), width)
	ld3, width3 := GP64(), GP64()
	LEAQ(Mem{Base: ld, Index: ld, Scale: 2}, ld3)
	LEAQ(Mem{Base: width, Index: width, Scale: 2}, width3)

	Label("four")
	SUBQ(Imm(4), k)
	JLT(LabelRef("rest"))
	var in [4]Mem
	var out [4]Mem
	for i := range 4 {
		in[i], out[i] = lineAddr(src, ld, ld3, i), lineAddr(dst, width, width3, i)
	}
	if e.size == 8 {
		transposeFloat64(in, out)
	} else {
		transposeFloat32(in, out)
	}
	ADDQ(Imm(uint64(4*e.size)), src)
	LEAQ(Mem{Base: dst, Index: width, Scale: 4}, dst)
	JMP(LabelRef("four"))

	Label("rest")
	ADDQ(Imm(4), k)
	JZ(LabelRef("done"))
	Label("one")
	for i := range 4 {
		e.movScalar(in[i], zmm[i].AsX())
	}
	for i := range 4 {
		e.movScalar(zmm[i].AsX(), Mem{Base: dst, Disp: i * e.size})
	}
	ADDQ(Imm(uint64(e.size)), src)
	ADDQ(width, dst)
	DECQ(k)
	JNZ(LabelRef("one"))
	Label("done")
	VZEROUPPER()
	RET()
}

// transposeFloat64 transposes 4×4 elements in halves: rows 0 and 1 of in with
// rows 2 and 3 above them in the same vectors, then pairs within lanes.
func transposeFloat64(in, out [4]Mem) {
	y := []VecPhysical{Y0, Y1, Y2, Y3}
	for i := range 2 { // y0, y1: columns 0 1; y2, y3: columns 2 3
		VMOVUPD(in[i], y[i].AsX())
		VINSERTF128(Imm(1), in[i+2], y[i], y[i])
		VMOVUPD(in[i].Offset(16), y[i+2].AsX())
		VINSERTF128(Imm(1), in[i+2].Offset(16), y[i+2], y[i+2])
	}
	for half := range 2 {
		even, odd := y[2*half], y[2*half+1]
		VUNPCKLPD(odd, even, Y4)
		VUNPCKHPD(odd, even, Y5)
		VMOVUPD(Y4, out[2*half])
		VMOVUPD(Y5, out[2*half+1])
	}
}

// transposeFloat32 transposes 4×4 elements.
func transposeFloat32(in, out [4]Mem) {
	x := []VecPhysical{X0, X1, X2, X3}
	for i := range 4 {
		VMOVUPS(in[i], x[i])
	}
	VUNPCKLPS(X1, X0, X4) // 00 10 01 11
	VUNPCKLPS(X3, X2, X5) // 20 30 21 31
	VUNPCKHPS(X1, X0, X6) // 02 12 03 13
	VUNPCKHPS(X3, X2, X7) // 22 32 23 33
	VUNPCKLPD(X5, X4, X0)
	VUNPCKHPD(X5, X4, X1)
	VUNPCKLPD(X7, X6, X2)
	VUNPCKHPD(X7, X6, X3)
	for i := range 4 {
		VMOVUPS(x[i], out[i])
	}
}
