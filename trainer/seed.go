package trainer

import (
	"hash/fnv"
	"math/rand/v2"
)

// Stream returns the generator of random numbers for a seed, a purpose, such as
// "init", and a number, such as the epoch. Streams of different names or numbers
// are independent, so that no generator state needs to be carried from one to
// the next.
func Stream(seed uint64, name string, number int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, stream(name, number)))
}

func stream(name string, number int) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64() + uint64(number)*0x9e3779b97f4a7c15
}
