package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// precision holds the names and instructions of one element type.
type precision struct {
	prefix string // of kernel names, as in BLAS
	goType string
	size   int    // bytes
	shift  uint64 // log₂ of size

	fma, mul, add, mov, broadcast, movScalar func(...Op)

	movZero func(m, k, v Op) // masked load, zero elsewhere
	maskMov func(m, mask, v Op)
	hadd    func(m, v, dst Op)
}

var float64s = precision{
	prefix: "d", goType: "float64", size: 8, shift: 3,
	fma: VFMADD231PD, mul: VMULPD, add: VADDPD, mov: VMOVUPD, broadcast: VBROADCASTSD, movScalar: VMOVSD,
	movZero: VMOVUPD_Z, maskMov: VMASKMOVPD, hadd: VHADDPD,
}

var float32s = precision{
	prefix: "s", goType: "float32", size: 4, shift: 2,
	fma: VFMADD231PS, mul: VMULPS, add: VADDPS, mov: VMOVUPS, broadcast: VBROADCASTSS, movScalar: VMOVSS,
	movZero: VMOVUPS_Z, maskMov: VMASKMOVPS, hadd: VHADDPS,
}

// machine is a vector unit working on one element type.
type machine interface {
	elem() precision
	name() string // suffix of kernel names
	lanes() int   // elements of a vector
	rows() int    // of the largest tile
	dotRows() int // rows of A that a dot kernel works on at once
	vec(i int) VecPhysical
	zero(v VecPhysical)

	// setMask makes masked loads and stores move the first n elements of a
	// vector; it destroys n. Those of avx2 destroy the last register.
	setMask(n GPVirtual)
	load(m Mem, v VecPhysical, masked bool)
	store(v VecPhysical, m Mem, masked bool)
}

var zmm = []VecPhysical{
	Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15,
	Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31,
}

// avx512 has 32 registers of 512 bits: a tile of 8 rows by 3 vectors takes 24
// accumulators, 3 vectors of B and an element of A, several rows ahead.
type avx512 struct{ precision }

func (v avx512) elem() precision       { return v.precision }
func (v avx512) name() string          { return "AVX512" }
func (v avx512) lanes() int            { return 64 / v.size }
func (v avx512) rows() int             { return 8 }
func (v avx512) dotRows() int          { return 4 }
func (v avx512) vec(i int) VecPhysical { return zmm[i] }
func (v avx512) zero(r VecPhysical)    { VPXORQ(r, r, r) }

func (v avx512) setMask(n GPVirtual) {
	mask := GP64()
	MOVQ(U32(1), mask)
	SHLXQ(n, mask, mask)
	DECQ(mask)
	KMOVW(mask.As32(), K1)
}

func (v avx512) load(m Mem, r VecPhysical, masked bool) {
	if masked {
		v.movZero(m, K1, r)
		return
	}
	v.mov(m, r)
}

func (v avx512) store(r VecPhysical, m Mem, masked bool) {
	if masked {
		v.mov(r, K1, m)
		return
	}
	v.mov(r, m)
}

// avx2 has 16 registers of 256 bits: a tile of 4 rows by 3 vectors takes 12
// accumulators, 3 vectors of B and an element of A, whose register also serves
// for masks.
type avx2 struct {
	precision
	mask GPVirtual // its address
}

func (v *avx2) elem() precision       { return v.precision }
func (v *avx2) name() string          { return "AVX2" }
func (v *avx2) lanes() int            { return 32 / v.size }
func (v *avx2) rows() int             { return 4 }
func (v *avx2) dotRows() int          { return 2 }
func (v *avx2) vec(i int) VecPhysical { return zmm[i].AsY().(VecPhysical) }
func (v *avx2) zero(r VecPhysical)    { VXORPS(r, r, r) }

func (v *avx2) setMask(n GPVirtual) {
	v.mask = GP64()
	LEAQ(maskOf(0), v.mask)
	SHLQ(Imm(v.shift), n)
	SUBQ(n, v.mask)
}

func (v *avx2) load(m Mem, r VecPhysical, masked bool) {
	if masked {
		v.mov(Mem{Base: v.mask}, Y15)
		v.maskMov(m, Y15, r)
		return
	}
	v.mov(m, r)
}

func (v *avx2) store(r VecPhysical, m Mem, masked bool) {
	if masked {
		v.mov(Mem{Base: v.mask}, Y15)
		v.maskMov(r, Y15, m)
		return
	}
	v.mov(r, m)
}

// maskTable is 32 bytes of ones and 32 bytes of zeros.
var maskTable Mem

// masks writes the table of which AVX masks are windows.
func masks() {
	maskTable = GLOBL("masks", RODATA|NOPTR)
	for i := range 8 {
		DATA(8*i, U64(-uint64(1-i/4)))
	}
}

// maskOf returns the address of a mask whose first n bytes are set.
func maskOf(n int) Mem { return maskTable.Offset(32 - n) }
