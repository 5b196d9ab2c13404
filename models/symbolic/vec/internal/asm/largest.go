package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Predicates of compare: true where an element is greater than that of the second
// operand, and where one of them is NaN.
var greater, unordered = Imm(0x1e), Imm(0x03)

// largest writes a loop over squares of two elements of top and the two of bottom
// below them, which finds the place of the largest of each.
func largest(p precision) {
	name := p.prefix + "AVX2Largest"
	table := GLOBL(p.prefix+"squares", RODATA|NOPTR)
	lanes := 32 / p.size
	for i := range lanes {
		DATA(i*p.size, p.number(2*i)) // where squares begin
	}
	constants := table.Offset(32)
	for i, v := range []int{1, 2 * lanes, lanes} {
		DATA(32+i*p.size, p.number(v))
	}

	TEXT(name, NOSPLIT, fmt.Sprintf("func(dst, top, bottom []%[1]s, first, width %[1]s)", p.goType))
	Doc(fmt.Sprintf("%s leaves the last squares if they are too few for half a vector (see Kernels).", name))
	Pragma("noescape")
	dst, n := Load(Param("dst").Base(), GP64()), Load(Param("dst").Len(), GP64())
	top, bottom := Load(Param("top").Base(), GP64()), Load(Param("bottom").Base(), GP64())
	first, width, one, widthAndOne, step := Y15, Y14, Y13, Y12, Y11
	p.broadcast(argument("first"), first)
	p.broadcast(argument("width"), width)
	p.broadcast(constants, one)
	p.add(one, width, widthAndOne)
	p.add(table, first, first)

	for i, bytes := range []int{32, 16} {
		v := func(r VecPhysical) Op {
			if bytes == 16 {
				return r.AsX()
			}
			return r
		}
		p.broadcast(constants.Offset((1+i)*p.size), step)
		here, next := fmt.Sprint("bytes", bytes), fmt.Sprint("below", bytes)
		Label(here)
		SUBQ(Imm(uint64(bytes/p.size)), n.(GPVirtual))
		JLT(LabelRef(next))
		best, at := Y5, Y4
		take := func(value, place VecPhysical) {
			p.compare(greater, v(best), v(value), v(Y6))
			p.compare(unordered, v(value), v(value), v(Y7))
			VORPS(v(Y6), v(Y7), v(Y6))
			p.blend(v(Y6), v(value), v(best), v(best))
			p.blend(v(Y6), v(place), v(at), v(at))
		}
		load := func(row Register, left, right VecPhysical) {
			p.mov(Mem{Base: row}, v(Y0))
			p.mov(Mem{Base: row, Disp: bytes}, v(Y1))
			p.pairs(v(Y0), v(Y1), v(left), v(right))
			ADDQ(Imm(uint64(2*bytes)), row)
		}
		load(top, best, Y3)
		VXORPS(v(at), v(at), v(at))
		take(Y3, one)
		load(bottom, Y2, Y3)
		take(Y2, width)
		take(Y3, widthAndOne)
		if bytes == 32 {
			VPERMPD(Imm(0xd8), at, at) // pairs take from both halves of a vector in turn
		}
		p.add(v(first), v(at), v(at))
		p.add(v(step), v(first), v(first))
		p.mov(v(at), Mem{Base: dst})
		ADDQ(Imm(uint64(bytes)), dst)
		JMP(LabelRef(here))
		Label(next)
		ADDQ(Imm(uint64(bytes/p.size)), n.(GPVirtual))
	}
	VZEROUPPER()
	RET()
}

// argument returns where a parameter lies.
func argument(name string) Mem {
	param, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return param.Addr
}
