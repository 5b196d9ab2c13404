package gemm

import "unsafe"

// The blocking follows Goto and van de Geijn, Anatomy of high-performance
// matrix multiplication, ACM TOMS 34 (2008), except that A is rarely packed:
// its elements are read one by one, which hides more latency than packing
// them would save, unless each lies on a page of its own.
const (
	// blockK elements of k: a panel of B, 192 bytes wide on AVX-512, takes
	// 30 KiB and stays in a first-level cache, and C needs to be read and
	// written every 160 steps only.
	blockK = 160

	// blockM rows of A: 96×160 float64 take 120 KiB of the second-level
	// cache, where they meet panel after panel of B.
	blockM = 96

	// blockN columns of B: 160×1008 float64 take 1.2 MiB of the last-level
	// cache. 1008 is a multiple of all tiles' widths.
	blockN = 1008

	// In fewer than packRows rows of C, packing B costs more than it gains, and
	// so does packing A in fewer columns.
	packRows = 96

	// panelA elements of A stay in the second-level cache beside a panel of B.
	panelA = 64 << 10

	// The elements of a row of a transposed A lie on one page each if there are
	// scatteredFrom of them or more in a stored row.
	scatteredFrom = 256

	// packBytes of B fit into the second-level cache as they are.
	packBytes = 512 << 10

	// Rows of B that are a multiple of pageBytes apart compete for the same
	// lines of a first-level cache.
	pageBytes = 4 << 10
)

// byTiles computes p in tiles of C.
func (ker *kernels[T]) byTiles(p product[T], w *workspace[T]) {
	mc := share(p.m, blockM, ker.rows)
	pack := !p.packed && ker.packs(p)
	scattered := p.aRow == 1 && p.aCol >= scatteredFrom && p.n >= packRows
	packed := p.b
	ker.slabs(p.n, p.k, func(j, cols, l, steps int) {
		slab := p.block(0, p.m, j, cols).slab(l, steps)
		rows := mc
		if (pack || p.packed) && p.m*steps <= panelA {
			rows = p.m
		}
		switch {
		case p.packed:
			size := ker.packedLen(cols, steps)
			slab.b, packed = packed[:size], packed[size:]
		case pack && rows < p.m:
			slab.b = ker.packB(slab, w)
		}
		for i := 0; i < p.m; i += rows {
			block := slab.block(i, min(rows, p.m-i), 0, cols)
			if scattered {
				block = ker.packA(block, w)
			}
			if pack && rows >= p.m {
				ker.panelByPanel(block, w)
			} else {
				ker.panels(block, pack || p.packed)
			}
		}
	})
}

// slabs calls visit for all parts of a k×n matrix B that are packed at once: cols
// columns from j on, and steps rows from l on.
func (ker *kernels[T]) slabs(n, k int, visit func(j, cols, l, steps int)) {
	nc, kc := share(n, blockN, maxWidth*ker.lanes), share(k, blockK, 1)
	for j := 0; j < n; j += nc {
		for l := 0; l < k; l += kc {
			visit(j, min(nc, n-j), l, min(kc, k-l))
		}
	}
}

// panelByPanel computes p, of which all rows of A meet a panel of B at once: a
// panel is packed into a first-level cache and used up there.
func (ker *kernels[T]) panelByPanel(p product[T], w *workspace[T]) {
	for j, cols := 0, 0; j < p.n; j += cols {
		cols = min(p.n-j, ker.width(p.n-j)*ker.lanes)
		panel := p.block(0, p.m, j, cols)
		panel.b = ker.packB(panel, w)
		ker.panels(panel, true)
	}
}

// packs reports whether B is packed. A transposed B must be.
func (ker *kernels[T]) packs(p product[T]) bool {
	if p.bCol != 1 {
		return true
	}
	var t T
	bytes := int(unsafe.Sizeof(t))
	slab := share(p.k, blockK, 1) * share(p.n, blockN, maxWidth*ker.lanes)
	return p.m >= packRows && (slab*bytes > packBytes || p.bRow*bytes%pageBytes == 0)
}

// share returns the size of the parts, of at most limit each, that n is best
// divided into: nearly equal, and a multiple of unit.
func share(n, limit, unit int) int {
	parts := (n + limit - 1) / limit
	return (n + parts*unit - 1) / (parts * unit) * unit
}

// panels computes p, column panel by column panel.
func (ker *kernels[T]) panels(p product[T], packed bool) {
	for j, cols := 0, 0; j < p.n; j += cols {
		vectors := ker.width(p.n - j)
		cols = min(p.n-j, vectors*ker.lanes)
		b, ldb := p.b[j:], p.bRow
		if packed {
			b, ldb = p.b[j*p.k:], vectors*ker.lanes
		}
		tiles, last := ker.tiles[vectors-1], cols-(vectors-1)*ker.lanes
		if last < ker.lanes {
			tiles = ker.masked[vectors-1]
		}
		tiles(p.m, p.k, p.a, p.aRow, p.aCol, b, ldb, p.c[j:], p.ldc, p.d[j:], p.ldd, p.alpha, p.beta, p.beta != 0, last)
	}
}
