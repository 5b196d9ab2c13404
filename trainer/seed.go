package trainer

import (
	"hash/fnv"
	"math/rand/v2"
)

// Stream returns the random numbers of one seed for one purpose, such as
// "init", and one number, such as the epoch. Streams of different names or
// numbers are independent; nothing needs to be carried from one to the next.
func Stream(seed uint64, name string, number int) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(seed, h.Sum64()+uint64(number)*0x9e3779b97f4a7c15))
}
