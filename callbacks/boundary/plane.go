package boundary

// Square returns the left, right, lower and upper edge of a square that contains
// points in the plane, n × 2, with a border.
func Square(x []float64) [4]float64 {
	low, high := []float64{x[0], x[1]}, []float64{x[0], x[1]}
	for i, v := range x {
		low[i%2], high[i%2] = min(low[i%2], v), max(high[i%2], v)
	}
	const room = 1.1
	half := max(high[0]-low[0], high[1]-low[1], 1e-9) / 2 * room
	middle := [2]float64{(low[0] + high[0]) / 2, (low[1] + high[1]) / 2}
	return [4]float64{middle[0] - half, middle[0] + half, middle[1] - half, middle[1] + half}
}

// Cells divides a box, given by its edges as by Square, into side × side cells, and
// returns their centres, side² × 2, row by row from the uppermost.
func Cells(box [4]float64, side int) []float64 {
	x := make([]float64, 0, 2*side*side)
	for row := range side {
		for column := range side {
			across, up := (float64(column)+0.5)/float64(side), 1-(float64(row)+0.5)/float64(side)
			x = append(x, box[0]+(box[1]-box[0])*across, box[2]+(box[3]-box[2])*up)
		}
	}
	return x
}
