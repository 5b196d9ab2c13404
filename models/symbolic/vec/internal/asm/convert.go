package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// convert writes a loop that converts all elements of src, four at a time and the
// last three one by one.
func convert(name, dst, src string, four, one func(from, to Mem)) {
	TEXT(name, NOSPLIT, fmt.Sprintf("func(dst []%s, src []%s)", dst, src))
	Doc(fmt.Sprintf("%s needs src of the length of dst.", name))
	Pragma("noescape")
	size := map[string]int{"float64": 8, "float32": 4}
	to, n := Load(Param("dst").Base(), GP64()), Load(Param("dst").Len(), GP64())
	from := Load(Param("src").Base(), GP64())
	for _, elements := range []int{16, 4, 1} {
		here, next := fmt.Sprint("elements", elements), fmt.Sprint("below", elements)
		Label(here)
		SUBQ(Imm(uint64(elements)), n)
		JLT(LabelRef(next))
		for i := 0; i < elements; i += 4 {
			step := four
			if elements == 1 {
				step = one
			}
			step(Mem{Base: from, Disp: i * size[src]}, Mem{Base: to, Disp: i * size[dst]})
		}
		ADDQ(Imm(uint64(elements*size[src])), from)
		ADDQ(Imm(uint64(elements*size[dst])), to)
		JMP(LabelRef(here))
		Label(next)
		ADDQ(Imm(uint64(elements)), n)
	}
	VZEROUPPER()
	RET()
}
