package main

import (
	"flag"
	"log"

	. "github.com/mmcloughlin/avo/build"
)

func main() {
	isa := flag.String("isa", "avx512", "instruction set: avx2 (with FMA) or avx512")
	flag.Parse()

	ConstraintExpr("amd64,!purego")
	masks()
	switch *isa {
	case "avx2":
		for _, p := range []precision{float64s, float32s} {
			generate(&avx2{precision: p})
			transpose(p)
		}
	case "avx512":
		for _, p := range []precision{float64s, float32s} {
			generate(avx512{p})
		}
	default:
		log.Fatalf("no instruction set %q", *isa)
	}
	Generate()
}

// generate writes all kernels of one vector machine.
func generate(v machine) {
	for width := 1; width <= maxWidth; width++ {
		tiles(v, width, false)
		tiles(v, width, true)
	}
	for cols := 1; cols <= maxDots; cols++ {
		dots(v, cols)
	}
}
