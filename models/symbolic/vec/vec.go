package vec

// Float64 and Float32 are the kernels that this machine can run.
var (
	Float64 = available64().checked()
	Float32 = available32().checked()
)

// Narrow sets dst to src, rounded. It panics if src is shorter than dst.
func Narrow(dst []float32, src []float64) { narrow(dst, src[:len(dst)]) }

// AddWidened adds src to dst. It panics if src is shorter than dst.
func AddWidened(dst []float64, src []float32) { addWidened(dst, src[:len(dst)]) }
