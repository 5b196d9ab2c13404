package vec

// Float64 and Float32 are the kernels that this machine can run.
var (
	Float64 = available64().checked()
	Float32 = available32().checked()
)
