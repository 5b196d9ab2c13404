package gemm

// portableLanes by portableRows accumulators, with the elements of A and B
// that they need, are as many as there are floating-point registers on amd64.
const portableLanes, portableRows = 4, 2

// portable returns kernels in plain Go.
func portable[T float]() kernels[T] {
	ker := kernels[T]{
		name: "Go", lanes: portableLanes, rows: portableRows, narrow: portableLanes,
		transpose4: goTranspose4[T], copyRows: goCopyRows[T],
	}
	for i := range ker.tiles {
		ker.tiles[i] = goTiles[T](i + 1)
		ker.masked[i] = ker.tiles[i]
	}
	for i := range ker.dots {
		ker.dots[i] = goDots[T](i + 1)
	}
	return ker
}

// goTiles returns the tiles kernel for panels of the given number of vectors,
// masked or not.
func goTiles[T float](vectors int) tilesFunc[T] {
	return func(m, k int, a []T, aRow, aCol int, b []T, ldb int, c []T, ldc int, d []T, ldd int, alpha, beta T, accumulate bool, last int) {
		cols := (vectors-1)*portableLanes + last
		for i := 0; i < m; i += portableRows {
			rows := min(portableRows, m-i)
			for j := 0; j < cols; j += portableLanes {
				var tile [portableRows][portableLanes]T
				if rows == portableRows && j+portableLanes <= cols {
					goTile(k, a[i*aRow:], aRow, aCol, b[j:], ldb, &tile)
				} else {
					goEdge(k, a[i*aRow:], aRow, aCol, b[j:], ldb, &tile, rows, min(portableLanes, cols-j))
				}
				for r := range rows {
					row := c[(i+r)*ldc+j:][:min(portableLanes, cols-j)]
					goWrite(row, tile[r][:], d[(i+r)*ldd+j:], alpha, beta, accumulate)
				}
			}
		}
	}
}

// goTile computes a full tile of A * B.
func goTile[T float](k int, a []T, aRow, aCol int, b []T, ldb int, tile *[portableRows][portableLanes]T) {
	var c00, c01, c02, c03, c10, c11, c12, c13 T
	a1 := a[aRow:]
	ia, ib := 0, 0
	for range k {
		row := (*[portableLanes]T)(b[ib:])
		x0, x1 := a[ia], a1[ia]
		c00 += x0 * row[0]
		c10 += x1 * row[0]
		c01 += x0 * row[1]
		c11 += x1 * row[1]
		c02 += x0 * row[2]
		c12 += x1 * row[2]
		c03 += x0 * row[3]
		c13 += x1 * row[3]
		ia += aCol
		ib += ldb
	}
	tile[0] = [...]T{c00, c01, c02, c03}
	tile[1] = [...]T{c10, c11, c12, c13}
}

// goEdge computes the first rows and cols of a tile of A * B.
func goEdge[T float](k int, a []T, aRow, aCol int, b []T, ldb int, tile *[portableRows][portableLanes]T, rows, cols int) {
	for r := range rows {
		for p := range k {
			x := a[r*aRow+p*aCol]
			for j, y := range b[p*ldb:][:cols] {
				tile[r][j] += x * y
			}
		}
	}
}

// goDots returns the dots kernel for the given number of columns.
func goDots[T float](cols int) dotsFunc[T] {
	return func(m, k int, a []T, lda int, b []T, ldb int, c []T, ldc int, d []T, ldd int, alpha, beta T, accumulate bool) {
		var sums [maxDots]T
		for i := range m {
			for j := range cols {
				sums[j] = goDot(a[i*lda:][:k], b[j*ldb:][:k])
			}
			goWrite(c[i*ldc:][:cols], sums[:], d[i*ldd:], alpha, beta, accumulate)
		}
	}
}

// goDot returns the dot product of x and y, of the same length, with four
// sums, because an addition takes as long as four of them.
func goDot[T float](x, y []T) T {
	var s0, s1, s2, s3 T
	for len(x) >= 4 && len(y) >= 4 {
		s0 += x[0] * y[0]
		s1 += x[1] * y[1]
		s2 += x[2] * y[2]
		s3 += x[3] * y[3]
		x, y = x[4:], y[4:]
	}
	for i, v := range x {
		s0 += v * y[i]
	}
	return (s0 + s1) + (s2 + s3)
}

// goWrite turns the sums of a row of C into the row; d is the row to add.
func goWrite[T float](row, sums, d []T, alpha, beta T, accumulate bool) {
	if !accumulate {
		for j := range row {
			row[j] = alpha * sums[j]
		}
		return
	}
	for j := range row {
		row[j] = alpha*sums[j] + beta*d[j]
	}
}

func goTranspose4[T float](k int, src []T, ld int, dst []T, width int) {
	for i := range 4 {
		to := dst[i:]
		for p, v := range src[i*ld:][:k] {
			to[p*width] = v
		}
	}
}

func goCopyRows[T float](dst []T, ldd int, src []T, lds, rows, n int) {
	for i := range rows {
		copy(dst[i*ldd:][:n], src[i*lds:])
	}
}
