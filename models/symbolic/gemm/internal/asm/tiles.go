package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// maxWidth is the number of vectors across a tile. With three, the loads of a
// step (3 of B, one an element of A) stay well below its multiplications.
const maxWidth = 3

// tileArgs are the virtual registers of a tiles kernel. Strides are in bytes.
type tileArgs struct {
	m, a, aRow, aCol, b, ldb, c GPVirtual

	aRow3, aRow5, aRow7 GPVirtual // multiples of aRow that no addressing mode offers
}

// tiles writes the kernel for a column panel of C, width vectors wide,
//
//	C = alpha * A * B (+ beta * D)
//
// with C in accumulators while all of k passes. Neither A nor B needs to be
// packed: A may have any strides.
func tiles(v machine, width int, masked bool) {
	e := v.elem()
	name := fmt.Sprintf("%s%sTiles%d", e.prefix, v.name(), width)
	if masked {
		name += "Masked"
	}
	TEXT(name, NOSPLIT, fmt.Sprintf("func(m, k int, a []%[1]s, aRow, aCol int, b []%[1]s, ldb int, c []%[1]s, ldc int, d []%[1]s, ldd int, alpha, beta %[1]s, accumulate bool, last int)", e.goType))
	Doc(fmt.Sprintf("%s computes m rows of a panel of %d vectors (see tilesFunc).", name, width))
	Pragma("noescape")

	t := tileArgs{
		m: param("m"), a: base("a"), aRow: param("aRow"), aCol: param("aCol"),
		b: base("b"), ldb: param("ldb"), c: base("c"),
	}
	if masked {
		v.setMask(param("last"))
	}
	for _, stride := range []Register{t.aRow, t.aCol, t.ldb} {
		SHLQ(Imm(e.shift), stride)
	}
	t.aRow3 = GP64()
	LEAQ(Mem{Base: t.aRow, Index: t.aRow, Scale: 2}, t.aRow3)
	if v.rows() == 8 {
		t.aRow5, t.aRow7 = GP64(), GP64()
		LEAQ(Mem{Base: t.aRow, Index: t.aRow, Scale: 4}, t.aRow5)
		LEAQ(Mem{Base: t.aRow3, Index: t.aRow, Scale: 4}, t.aRow7)
	}

	for _, rows := range []int{8, 4, 3, 2, 1} { // 3 at once take as long as 2 or 1
		if rows > v.rows() {
			continue
		}
		here, next := fmt.Sprintf("rows%d", rows), fmt.Sprintf("below%d", rows)
		Label(here)
		CMPQ(t.m, Imm(uint64(rows)))
		JLT(LabelRef(next))
		t.tile(v, rows, width, masked)
		SUBQ(Imm(uint64(rows)), t.m)
		LEAQ(t.aAddr(t.a, rows), t.a)
		if rows == v.rows() {
			JMP(LabelRef(here))
		}
		Label(next)
	}
	VZEROUPPER()
	RET()
}

// tile computes rows × width vectors of C and moves c below them.
func (t tileArgs) tile(v machine, rows, width int, masked bool) {
	e := v.elem()
	free := v.rows() * maxWidth // first register that never accumulates
	for r := range rows * width {
		v.zero(v.vec(r))
	}
	a, b, k := GP64(), GP64(), param("k")
	MOVQ(t.a, a)
	MOVQ(t.b, b)
	label := fmt.Sprintf("k%d", rows)
	if rows == v.rows() { // fetch C early, if there is time to
		c, ldc := GP64(), param("ldc")
		MOVQ(t.c, c)
		SHLQ(Imm(e.shift), ldc)
		CMPQ(k, Imm(32))
		JLT(LabelRef(label))
		for range rows {
			for j := 0; j < width*v.lanes()*e.size; j += 64 {
				PREFETCHT0(Mem{Base: c, Disp: j})
			}
			ADDQ(ldc, c)
		}
	}
	Label(label)
	for j := range width {
		v.load(Mem{Base: b, Disp: j * v.lanes() * e.size}, v.vec(free+j), masked && j == width-1)
	}
	if rows == v.rows() { // B may come from memory, a page a row
		for j := 0; j < width*v.lanes()*e.size; j += 64 {
			PREFETCHT0(Mem{Base: b, Index: t.ldb, Scale: 8, Disp: j})
		}
	}
	for i := range rows {
		ai := v.vec(free + width)
		if v.rows() == 8 {
			ai = v.vec(free + maxWidth + i%5)
		}
		e.broadcast(t.aAddr(a, i), ai)
		for j := range width {
			e.fma(v.vec(free+j), ai, v.vec(i*width+j))
		}
	}
	ADDQ(t.aCol, a)
	ADDQ(t.ldb, b)
	DECQ(k)
	JNZ(LabelRef(label))
	t.write(v, rows, width, masked)
}

// write turns the accumulators of a tile into rows of C and moves c below them.
func (t tileArgs) write(v machine, rows, width int, masked bool) {
	e := v.elem()
	acc := func(i, j int) VecPhysical { return v.vec(i*width + j) }
	free := v.rows() * maxWidth
	alpha, beta, old := v.vec(free), v.vec(free+1), v.vec(free+2)
	e.broadcast(paramAddr("alpha"), alpha)
	e.broadcast(paramAddr("beta"), beta)
	ldc := param("ldc")
	SHLQ(Imm(e.shift), ldc)
	overwrite, done := fmt.Sprintf("overwrite%d", rows), fmt.Sprintf("done%d", rows)
	CMPB(paramAddr("accumulate"), Imm(0))
	JE(LabelRef(overwrite))
	d, ldd := base("d"), param("ldd")
	SHLQ(Imm(e.shift), ldd)
	for i := range rows {
		for j := range width {
			at, last := j*v.lanes()*e.size, masked && j == width-1
			v.load(Mem{Base: d, Disp: at}, old, last)
			e.mul(beta, old, old)
			e.fma(alpha, acc(i, j), old)
			v.store(old, Mem{Base: t.c, Disp: at}, last)
		}
		ADDQ(ldd, d)
		ADDQ(ldc, t.c)
	}
	MOVQ(d, baseAddr("d")) // no register is left to keep it in
	JMP(LabelRef(done))
	Label(overwrite)
	for i := range rows {
		for j := range width {
			e.mul(alpha, acc(i, j), acc(i, j))
			v.store(acc(i, j), Mem{Base: t.c, Disp: j * v.lanes() * e.size}, masked && j == width-1)
		}
		ADDQ(ldc, t.c)
	}
	Label(done)
}

// aAddr returns the address of the element of A in row i at a.
func (t tileArgs) aAddr(a GPVirtual, i int) Mem {
	switch i {
	case 0:
		return Mem{Base: a}
	case 1, 2, 4, 8:
		return Mem{Base: a, Index: t.aRow, Scale: uint8(i)}
	case 3, 6:
		return Mem{Base: a, Index: t.aRow3, Scale: uint8(i / 3)}
	case 5:
		return Mem{Base: a, Index: t.aRow5, Scale: 1}
	default:
		return Mem{Base: a, Index: t.aRow7, Scale: 1}
	}
}

// param loads an argument.
func param(name string) GPVirtual {
	r := GP64()
	Load(Param(name), r)
	return r
}

// base loads the address of a slice's first element.
func base(name string) GPVirtual {
	r := GP64()
	Load(Param(name).Base(), r)
	return r
}

// paramAddr returns where an argument lies.
func paramAddr(name string) Mem { return addr(Param(name)) }

// baseAddr returns where the address of a slice's first element lies.
func baseAddr(name string) Mem { return addr(Param(name).Base()) }

func addr(c gotypes.Component) Mem {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}
