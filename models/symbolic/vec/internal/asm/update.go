package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// update writes a loop over all elements of the operands, of which all but the
// last, the gradient, are changed in place. step has a vector of each, one to work
// with, and the constants.
func update(p precision, name string, operands, constants []string, step func(x []VecPhysical, free VecPhysical, c []VecPhysical)) {
	name = p.prefix + "AVX2" + name
	TEXT(name, NOSPLIT, fmt.Sprintf("func(%s []%[3]s, %[2]s %[3]s)", strings.Join(operands, ", "), strings.Join(constants, ", "), p.goType))
	Doc(fmt.Sprintf("%s needs operands of one length (see Kernels).", name))
	Pragma("noescape")

	registers := []VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}
	count := len(operands)
	x, free, c := registers[:count], registers[count], registers[count+1:][:len(constants)]
	n := Load(Param(operands[0]).Len(), GP64())
	var at []Register
	for _, o := range operands {
		at = append(at, Load(Param(o).Base(), GP64()))
	}
	for i, name := range constants {
		p.broadcast(argument(name), c[i])
	}
	offset := GP64() // bytes
	XORQ(offset, offset)
	for _, elements := range []int{32 / p.size, 1} {
		here, next := fmt.Sprintf("by%d", elements), fmt.Sprintf("below%d", elements)
		element := func(i int) Mem { return Mem{Base: at[i], Index: offset, Scale: 1} }
		Label(here)
		SUBQ(Imm(uint64(elements)), n.(GPVirtual))
		JLT(LabelRef(next))
		for i, r := range x {
			if elements == 1 {
				p.movOne(element(i), r.AsX())
			} else {
				p.mov(element(i), r)
			}
		}
		step(x, free, c)
		for i, r := range x[:count-1] {
			if elements == 1 {
				p.movOne(r.AsX(), element(i))
			} else {
				p.mov(r, element(i))
			}
		}
		ADDQ(Imm(uint64(elements*p.size)), offset)
		JMP(LabelRef(here))
		Label(next)
		ADDQ(Imm(uint64(elements)), n.(GPVirtual))
	}
	VZEROUPPER()
	RET()
}

// updates writes the update rules of optimizers.
func updates(p precision) {
	// decayed replaces g by scale·g + decay·w.
	decayed := func(w, g, free, scale, decay VecPhysical) {
		p.mul(scale, g, g)
		p.mul(decay, w, free)
		p.add(free, g, g)
	}
	update(p, "Descend", []string{"w", "g"}, []string{"rate", "scale", "decay"}, func(x []VecPhysical, free VecPhysical, c []VecPhysical) {
		w, d := x[0], x[1]
		decayed(w, d, free, c[1], c[2])
		p.mul(c[0], d, d)
		p.sub(d, w, w)
	})
	update(p, "Momentum", []string{"w", "m", "g"}, []string{"rate", "scale", "decay", "mu", "now", "past"}, func(x []VecPhysical, free VecPhysical, c []VecPhysical) {
		w, m, d := x[0], x[1], x[2]
		decayed(w, d, free, c[1], c[2])
		p.mul(c[3], m, m)
		p.add(d, m, m)
		p.mul(c[4], d, d)
		p.mul(c[5], m, free)
		p.add(free, d, d)
		p.mul(c[0], d, d)
		p.sub(d, w, w)
	})
	update(p, "Adam", []string{"w", "m", "v", "g"}, []string{"rate", "scale", "decay", "shrink", "b1", "a1", "b2", "a2", "correct1", "correct2", "epsilon"}, func(x []VecPhysical, free VecPhysical, c []VecPhysical) {
		w, m, v, d := x[0], x[1], x[2], x[3]
		p.mul(c[3], w, free)
		p.sub(free, w, w)
		decayed(w, d, free, c[1], c[2])
		p.mul(c[4], m, m)
		p.mul(c[5], d, free)
		p.add(free, m, m)
		p.mul(c[6], v, v)
		p.mul(c[7], d, free)
		p.mul(d, free, free)
		p.add(free, v, v)
		p.sqrt(v, free)
		p.div(c[9], free, free)
		p.add(c[10], free, free)
		p.div(c[8], m, d)
		p.mul(c[0], d, d)
		p.div(free, d, d)
		p.sub(d, w, w)
	})
}
