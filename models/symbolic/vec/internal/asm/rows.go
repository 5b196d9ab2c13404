package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// rows writes a loop over n elements of each of some rows, where step computes
// a vector in its first register, that of src, from it and that of dst. The last
// vector of a row ends where the row ends and may overlap the one before: it is
// computed first, from what dst was.
func rows(p precision, name string, reads bool, step func(x, y Op)) {
	name = p.prefix + "AVX2" + name
	TEXT(name, NOSPLIT, fmt.Sprintf("func(dst []%[1]s, ldd int, src []%[1]s, lds, rows, n int)", p.goType))
	Doc(fmt.Sprintf("%s needs a row or more, of an element or more (see Kernels).", name))
	Pragma("noescape")

	dst, src := Load(Param("dst").Base(), GP64()), Load(Param("src").Base(), GP64())
	ldd, lds := Load(Param("ldd"), GP64()), Load(Param("lds"), GP64())
	count, last := Load(Param("rows"), GP64()), Load(Param("n"), GP64())
	for _, size := range []Register{ldd, lds, last} {
		IMUL3Q(Imm(uint64(p.size)), size, size)
	}
	for _, bytes := range []int{32, 16, p.size} {
		vector := func(r VecPhysical) Op {
			if bytes == 32 {
				return r
			}
			return r.AsX()
		}
		move := p.mov
		if bytes == p.size {
			move = p.movOne
		}
		compute := func(at Register, x, y VecPhysical) {
			move(Mem{Base: src, Index: at, Scale: 1}, vector(x))
			if reads {
				move(Mem{Base: dst, Index: at, Scale: 1}, vector(y))
			}
			step(vector(x), vector(y))
		}
		store := func(x VecPhysical, at Register) { move(vector(x), Mem{Base: dst, Index: at, Scale: 1}) }
		row, loop, end, next := fmt.Sprint("row", bytes), fmt.Sprint("loop", bytes), fmt.Sprint("end", bytes), fmt.Sprint("below", bytes)
		SUBQ(Imm(uint64(bytes)), last)
		JLT(LabelRef(next))
		at := GP64()
		Label(row)
		compute(last, Y2, Y3)
		XORQ(at, at)
		Label(loop)
		CMPQ(at, last)
		JGE(LabelRef(end))
		compute(at, Y0, Y1)
		store(Y0, at)
		ADDQ(Imm(uint64(bytes)), at)
		JMP(LabelRef(loop))
		Label(end)
		store(Y2, last)
		ADDQ(lds, src)
		ADDQ(ldd, dst)
		DECQ(count)
		JNZ(LabelRef(row))
		VZEROUPPER()
		RET()
		Label(next)
		ADDQ(Imm(uint64(bytes)), last)
	}
	RET()
}
