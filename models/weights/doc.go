// Package weights stores named arrays of floating-point numbers in the two
// formats that other frameworks read without running code: NumPy's .npz and
// Hugging Face's .safetensors.
//
//	.npz, .safetensors  ── Read ──▶  []Array{Name, Shape, Data}  ── Write ──▶  .npz, .safetensors
//
// Values are float64 in memory. Narrower floating-point types are widened on
// reading, always exactly; [Array.Float32] remembers that float32 is enough, and
// then writing is exact as well. A value that would have to be rounded, a NaN or an
// infinity is an error, never a silent change.
//
// An [Archive] is an .npz that carries other entries beside its arrays, such as
// the JSON and the opaque state of a checkpoint. NumPy's np.load reads it too.
//
// Files are not trusted: a size in a header is compared with what the file
// holds before it is believed, and a compressed file of less than 8 MB takes at most
// 256 MB of memory, a larger one 32 times its size. Files are written whole or not at
// all.
package weights
