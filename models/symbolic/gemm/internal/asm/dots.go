package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// maxDots is the number of columns of C of a dots kernel: a row of their sums
// fills four lanes.
const maxDots = 4

// dots writes the kernel for cols columns of C,
//
//	C = alpha * A * Bᵀ (+ beta * D)
//
// with vectors along k.
func dots(v machine, cols int) {
	e := v.elem()
	name := fmt.Sprintf("%s%sDots%d", e.prefix, v.name(), cols)
	TEXT(name, NOSPLIT, fmt.Sprintf("func(m, k int, a []%[1]s, lda int, b []%[1]s, ldb int, c []%[1]s, ldc int, d []%[1]s, ldd int, alpha, beta %[1]s, accumulate bool)", e.goType))
	Doc(fmt.Sprintf("%s computes m rows of %d columns (see dotsFunc).", name, cols))
	Pragma("noescape")

	d := dotArgs{m: param("m"), a: base("a"), lda: param("lda"), b: base("b"), ldb: param("ldb"), c: base("c")}
	SHLQ(Imm(e.shift), d.lda)
	SHLQ(Imm(e.shift), d.ldb)
	d.lda3, d.ldb3 = GP64(), GP64()
	LEAQ(Mem{Base: d.lda, Index: d.lda, Scale: 2}, d.lda3)
	LEAQ(Mem{Base: d.ldb, Index: d.ldb, Scale: 2}, d.ldb3)
	rest := param("k")
	ANDQ(Imm(uint64(v.lanes()-1)), rest)
	v.setMask(rest)

	for _, rows := range []int{v.dotRows(), 1} {
		here, next := fmt.Sprintf("rows%d", rows), fmt.Sprintf("below%d", rows)
		Label(here)
		CMPQ(d.m, Imm(uint64(rows)))
		JLT(LabelRef(next))
		d.rows(v, rows, cols)
		SUBQ(Imm(uint64(rows)), d.m)
		LEAQ(Mem{Base: d.a, Index: d.lda, Scale: uint8(rows)}, d.a)
		JMP(LabelRef(here))
		Label(next)
	}
	VZEROUPPER()
	RET()
}

// dotArgs are the virtual registers of a dots kernel. Strides are in bytes.
type dotArgs struct {
	m, a, lda, lda3, b, ldb, ldb3, c GPVirtual
}

// rows computes the dot products of some rows of A with all rows of Bᵀ.
func (d dotArgs) rows(v machine, rows, cols int) {
	e := v.elem()
	acc := func(i, j int) VecPhysical { return v.vec(4*i + j) }
	free := 4 * rows
	for i := range rows {
		for j := range cols {
			v.zero(acc(i, j))
		}
	}
	step := func(a, b GPVirtual, masked bool) {
		for j := range cols {
			v.load(lineAddr(b, d.ldb, d.ldb3, j), v.vec(free+j), masked)
		}
		for i := range rows {
			ai := v.vec(free + 4 + i)
			v.load(lineAddr(a, d.lda, d.lda3, i), ai, masked)
			for j := range cols {
				e.fma(v.vec(free+j), ai, acc(i, j))
			}
		}
	}
	a, b, k := GP64(), GP64(), param("k")
	MOVQ(d.a, a)
	MOVQ(d.b, b)
	loop, tail, sum := fmt.Sprintf("k%d", rows), fmt.Sprintf("tail%d", rows), fmt.Sprintf("sum%d", rows)
	Label(loop)
	SUBQ(Imm(uint64(v.lanes())), k)
	JLT(LabelRef(tail))
	step(a, b, false)
	ADDQ(Imm(uint64(v.lanes()*e.size)), a)
	ADDQ(Imm(uint64(v.lanes()*e.size)), b)
	JMP(LabelRef(loop))
	Label(tail)
	ADDQ(Imm(uint64(v.lanes())), k)
	JZ(LabelRef(sum))
	step(a, b, true)
	Label(sum)
	for i := range rows {
		sums(v, i, cols)
	}
	d.write(v, rows, cols)
}

// lineAddr returns the address of line i of a matrix whose lines are stride
// bytes apart.
func lineAddr(base, stride, stride3 GPVirtual, i int) Mem {
	switch i {
	case 0:
		return Mem{Base: base}
	case 3:
		return Mem{Base: base, Index: stride3, Scale: 1}
	default:
		return Mem{Base: base, Index: stride, Scale: uint8(i)}
	}
}

// sums adds the lanes of each accumulator of row i, leaving four sums side by
// side in the first of them; those beyond cols mean nothing.
func sums(v machine, i, cols int) {
	e := v.elem()
	var y [4]Register
	for j := range 4 {
		r := v.vec(4*i + min(j, cols-1))
		y[j] = r.AsY()
		if v.lanes()*e.size == 64 && j < cols {
			VEXTRACTF64X4(Imm(1), r, Y31)
			e.add(Z31, r, r)
		}
	}
	s01, s23, high := zmm[4*i].AsY(), zmm[4*i+3].AsY(), zmm[4*i+1].AsY()
	e.hadd(y[3], y[2], s23)
	e.hadd(y[1], y[0], s01)
	if e.size == 4 {
		e.hadd(s23, s01, s01)
		VEXTRACTF128(Imm(1), s01, high.(Vec).AsX())
		VADDPS(high.(Vec).AsX(), s01.(Vec).AsX(), s01.(Vec).AsX())
		return
	}
	VPERM2F128(Imm(0x31), s23, s01, high)
	VINSERTF128(Imm(1), s23.(Vec).AsX(), s01, s01)
	VADDPD(high, s01, s01)
}

// write turns sums into rows of C and moves c below them.
func (d dotArgs) write(v machine, rows, cols int) {
	e := v.elem()
	narrow := func(i int) Register { // four lanes
		if e.size == 4 {
			return zmm[i].AsX()
		}
		return zmm[i].AsY()
	}
	// Rows no longer need their accumulators but the first.
	alpha, beta, old, mask := 1, 2, 3, 15
	e.broadcast(paramAddr("alpha"), narrow(alpha))
	e.broadcast(paramAddr("beta"), narrow(beta))
	e.mov(maskOf(cols*e.size), narrow(mask))
	ldc := param("ldc")
	SHLQ(Imm(e.shift), ldc)
	overwrite, done := fmt.Sprintf("overwrite%d", rows), fmt.Sprintf("done%d", rows)
	CMPB(paramAddr("accumulate"), Imm(0))
	JE(LabelRef(overwrite))
	from, ldd := base("d"), param("ldd")
	SHLQ(Imm(e.shift), ldd)
	for i := range rows {
		e.maskMov(Mem{Base: from}, narrow(mask), narrow(old))
		e.mul(narrow(beta), narrow(old), narrow(old))
		e.fma(narrow(alpha), narrow(4*i), narrow(old))
		storeFirst(e, zmm[old], d.c, cols)
		ADDQ(ldd, from)
		ADDQ(ldc, d.c)
	}
	MOVQ(from, baseAddr("d"))
	JMP(LabelRef(done))
	Label(overwrite)
	for i := range rows {
		e.mul(narrow(alpha), narrow(4*i), narrow(4*i))
		storeFirst(e, zmm[4*i], d.c, cols)
		ADDQ(ldc, d.c)
	}
	Label(done)
}

// storeFirst stores the first n of four lanes. Masked stores to addresses
// that later stores overlap are slow on some machines, so it does without.
func storeFirst(e precision, r VecPhysical, c GPVirtual, n int) {
	first, x := Mem{Base: c}, r.AsX()
	switch {
	case n == 1:
		e.movScalar(x, first)
	case n == 4 && e.size == 8:
		VMOVUPD(r.AsY(), first)
	case n == 4:
		VMOVUPS(x, first)
	case e.size == 8:
		VMOVUPD(x, first)
		if n == 3 {
			VEXTRACTF128(Imm(1), r.AsY(), x)
			VMOVSD(x, first.Offset(16))
		}
	default:
		VMOVSD(x, first)
		if n == 3 {
			VEXTRACTPS(Imm(2), x, first.Offset(8))
		}
	}
}
