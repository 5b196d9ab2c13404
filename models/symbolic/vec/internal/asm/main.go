package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!purego")
	s := newSaturation()
	n := newNormal(s)
	for _, p := range precisions {
		kernel(p, "Add", []string{"a", "b"}, nil, func(a, b, _ Op) { p.add(b, a, a) })
		kernel(p, "Sub", []string{"a", "b"}, nil, func(a, b, _ Op) { p.sub(b, a, a) })
		kernel(p, "Mul", []string{"a", "b"}, nil, func(a, b, _ Op) { p.mul(b, a, a) })
		kernel(p, "Scale", []string{"a"}, []string{"c"}, func(a, _, _ Op) { p.mul(c[0], a, a) })
		kernel(p, "Shift", []string{"a"}, []string{"c"}, func(a, _, _ Op) { p.add(c[0], a, a) })
		kernel(p, "Affine", []string{"a"}, []string{"c0", "c1"}, func(a, _, _ Op) {
			p.mul(c[1], a, a)
			p.add(c[0], a, a)
		})
		kernel(p, "Centre", []string{"a"}, []string{"c0", "c1"}, func(a, _, _ Op) {
			p.sub(c[0], a, a)
			p.mul(c[1], a, a)
		})
		kernel(p, "Standardize", []string{"a"}, []string{"c0", "c1"}, func(a, _, _ Op) {
			p.sub(c[0], a, a)
			p.div(c[1], a, a)
		})
		kernel(p, "Residual", []string{"a", "b"}, []string{"c0", "c1"}, func(a, b, _ Op) {
			p.sub(c[0], a, a)
			p.mul(c[1], b, b)
			p.sub(b, a, a)
		})
		kernel(p, "MulAdd", []string{"a", "b", "c"}, nil, func(a, b, c Op) {
			p.mul(b, a, a)
			p.add(c, a, a)
		})
		kernel(p, "Gate", []string{"z", "a"}, nil, func(z, a, _ Op) {
			p.compare(lessOrEqual, zero, z, z)
			p.andNot(a, z, z)
		})
		kernel(p, "Leaky", []string{"z", "a"}, []string{"c"}, func(z, a, _ Op) {
			p.compare(lessOrEqual, zero, z, z)
			p.mul(c[0], a, free)
			p.blend(z, free, a, z)
		})
		kernel(p, "Quadratic", []string{"y", "a"}, []string{"c0", "c1", "c2"}, func(y, a, _ Op) {
			p.mul(c[2], y, free)
			p.add(c[1], free, free)
			p.mul(free, y, y)
			p.add(c[0], y, y)
			p.mul(a, y, y)
		})
		rows(p, "CopyRows", false, func(_, _ Op) {})
		rows(p, "AddRows", true, func(x, y Op) { p.add(y, x, x) })
		largest(p)
		sum(p, "Sum", []string{"a"}, nil, func(sum, a, _ Op) { p.add(a, sum, sum) })
		sum(p, "Squares", []string{"a"}, []string{"c"}, func(sum, a, _ Op) {
			p.sub(c[0], a, a)
			p.fma(a, a, sum)
		})
		sum(p, "Dot", []string{"a", "b"}, nil, func(sum, a, b Op) { p.fma(a, b, sum) })
		correlate(p)
		correlations(p)
		updates(p)
		saturating(p, "Exp", s.exp)
		saturating(p, "Tanh", s.tanh)
		saturating(p, "Sigmoid", s.sigmoid)
		saturating(p, "Softplus", s.softplus)
		saturating(p, "NormalPDF", n.pdf)
		saturating(p, "NormalCDF", n.cdf)
	}
	convert("avx2Narrow", "float32", "float64", func(from, to Mem) {
		VCVTPD2PSY(from, X0)
		VMOVUPS(X0, to)
	}, func(from, to Mem) {
		VMOVSD(from, X0)
		VCVTSD2SS(X0, X0, X0)
		VMOVSS(X0, to)
	})
	convert("avx2AddWidened", "float64", "float32", func(from, to Mem) {
		VCVTPS2PD(from, Y0)
		VADDPD(to, Y0, Y0)
		VMOVUPD(Y0, to)
	}, func(from, to Mem) {
		VMOVSS(from, X0)
		VCVTSS2SD(X0, X0, X0)
		VADDSD(to, X0, X0)
		VMOVSD(X0, to)
	})
	convert("avx2Widen", "float64", "float32", func(from, to Mem) {
		VCVTPS2PD(from, Y0)
		VMOVUPD(Y0, to)
	}, func(from, to Mem) {
		VMOVSS(from, X0)
		VCVTSS2SD(X0, X0, X0)
		VMOVSD(X0, to)
	})
	fractions()
	squaresWidened()
	Generate()
}

// lessOrEqual is a predicate of compare: true where an element is at most that
// of the second operand, false where one is NaN.
var lessOrEqual = Imm(0x12)

// notLess is true where an element is not less than that of the second operand, or
// one is NaN.
var notLess = Imm(0x15)

// Registers beside those of the operands: zero, one to work with, constants.
var (
	ymm        = []VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11}
	zero, free = Y15, Y14
	c          = []VecPhysical{Y13, Y12, Y11} // the last is an operand of kernels of three
)

const unroll = 4

// kernel writes a loop over all elements. step computes a vector in its first
// register from those of the operands.
func kernel(p precision, name string, operands, constants []string, step func(x, y, z Op)) {
	name = p.prefix + "AVX2" + name
	signature := "dst, " + strings.Join(operands, ", ") + " []" + p.goType
	if len(constants) > 0 {
		signature += ", " + strings.Join(constants, ", ") + " " + p.goType
	}
	TEXT(name, NOSPLIT, "func("+signature+")")
	Doc(fmt.Sprintf("%s needs operands of the length of dst (see Kernels).", name))
	Pragma("noescape")

	dst, n := Load(Param("dst").Base(), GP64()), Load(Param("dst").Len(), GP64())
	var in []Register
	for _, o := range operands {
		in = append(in, Load(Param(o).Base(), GP64()))
	}
	VXORPS(zero, zero, zero)
	for i, name := range constants {
		p.broadcast(argument(name), c[i])
	}
	at := GP64() // bytes
	XORQ(at, at)
	for _, vectors := range []int{unroll, 1, 0} {
		elements := max(1, vectors*32/p.size)
		here, next := fmt.Sprintf("vectors%d", vectors), fmt.Sprintf("below%d", vectors)
		Label(here)
		SUBQ(Imm(uint64(elements)), n.(GPVirtual))
		JLT(LabelRef(next))
		for i := range max(1, vectors) {
			x, y, z := ymm[i], ymm[unroll+i], ymm[2*unroll+i]
			for j, r := range []VecPhysical{x, y, z}[:len(in)] {
				from := Mem{Base: in[j], Index: at, Scale: 1, Disp: 32 * i}
				if vectors == 0 {
					p.movOne(from, r.AsX())
				} else {
					p.mov(from, r)
				}
			}
			step(x, y, z)
			to := Mem{Base: dst, Index: at, Scale: 1, Disp: 32 * i}
			if vectors == 0 {
				p.movOne(x.AsX(), to)
			} else {
				p.mov(x, to)
			}
		}
		ADDQ(Imm(uint64(elements*p.size)), at)
		JMP(LabelRef(here))
		Label(next)
		ADDQ(Imm(uint64(elements)), n.(GPVirtual))
	}
	VZEROUPPER()
	RET()
}
