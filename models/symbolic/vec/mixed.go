package vec

// mixed are the functions of vectors of two element types.
type mixed struct {
	narrow          func(dst []float32, src []float64)
	widen           func(dst []float64, src []float32)
	addWidened      func(dst []float64, src []float32)
	squares         func(a []float32) float64
	fractions       func(dst []float64, src []uint8)
	narrowFractions func(dst []float32, src []uint8)
}

var available = availableMixed()

// Narrow sets dst to src, rounded. It panics if src is shorter than dst.
func Narrow(dst []float32, src []float64) { available.narrow(dst, src[:len(dst)]) }

// Widen sets dst to src. It panics if src is shorter than dst.
func Widen(dst []float64, src []float32) { available.widen(dst, src[:len(dst)]) }

// AddWidened adds src to dst. It panics if src is shorter than dst.
func AddWidened(dst []float64, src []float32) { available.addWidened(dst, src[:len(dst)]) }

// SquaresWidened returns Σ aᵢ², in float64.
func SquaresWidened(a []float32) float64 { return available.squares(a) }

// Fractions sets dst to src/255. It panics if src is shorter than dst.
func Fractions(dst []float64, src []uint8) { available.fractions(dst, src[:len(dst)]) }

// NarrowFractions sets dst to src/255, rounded to float64 and then to float32. It
// panics if src is shorter than dst.
func NarrowFractions(dst []float32, src []uint8) { available.narrowFractions(dst, src[:len(dst)]) }

var portableMixed = mixed{
	narrow: convert[float32, float64], widen: convert[float64, float32], addWidened: addWidened, squares: squaresWidened,
	fractions: fractions[float64], narrowFractions: fractions[float32],
}

func convert[D, S Float](dst []D, src []S) {
	for i, v := range src {
		dst[i] = D(v)
	}
}

func addWidened(dst []float64, src []float32) {
	for i, v := range src {
		dst[i] += float64(v)
	}
}

func squaresWidened(a []float32) float64 {
	var s0, s1, s2, s3 float64
	for ; len(a) >= 4; a = a[4:] {
		s0 += float64(a[0]) * float64(a[0])
		s1 += float64(a[1]) * float64(a[1])
		s2 += float64(a[2]) * float64(a[2])
		s3 += float64(a[3]) * float64(a[3])
	}
	for _, v := range a {
		s0 += float64(v) * float64(v)
	}
	return (s0 + s1) + (s2 + s3)
}

// ofByte are the values of bytes.
var ofByte = func() (values [256]float64) {
	for b := range values {
		values[b] = float64(b) / 255
	}
	return values
}()

func fractions[T Float](dst []T, src []uint8) {
	for i, b := range src {
		dst[i] = T(ofByte[b])
	}
}
