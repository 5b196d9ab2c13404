package models

import (
	"fmt"
	"runtime"
	"strings"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/models/machine"
)

// A chunk has at most chunkSize samples, or up to four times as many of a model with
// many parameters.
const chunkSize = 128

// maxForwardBytes is the memory of the forward pass of a chunk, unless one sample
// takes more; H·v takes about eight times as much.
const maxForwardBytes = 64 << 20

// fitting returns how many samples take at most so much memory, but at least 1, if
// size of them take bytes.
func fitting(size int, bytes, most int64) int {
	return max(1, int(int64(size)*most/max(bytes, most)))
}

// chunkFor returns the size of the chunks of n samples of a model whose forward pass
// takes so many bytes a sample, that included, and whose parameters take so many. It
// does not depend on the number of workers, so that results do not, and chunks are
// nearly equal and not of an odd number, so that two workers share them well.
//
// What a chunk costs whatever its size goes with the parameters: weights come from the
// outer cache, and gradients are written and added. What a sample costs goes with its
// activations, too, and those of a chunk had better stay in the caches. Four times as
// many activations as parameters are measured to be the best, but leave two chunks of
// up to 256, or eight of up to 512, for as many workers.
func chunkFor(n int, forward, parameters int64) int {
	forward = max(1, forward)
	large := max(min(2*chunkSize, n/2), min(4*chunkSize, n/8))
	size := max(chunkSize, min(4*parameters/forward, int64(large)))
	size = min(size, max(1, maxForwardBytes/forward))
	count := (n + int(size) - 1) / int(size)
	switch {
	case count == 1 && n > chunkSize:
		count = 2
	case count > 2:
		count = (count + 3) / 4 * 4
	}
	return (n + count - 1) / count
}

// ObjectiveSettings are options of an Objective; the zero value is the
// default.
type ObjectiveSettings struct {
	// Precision of the computation, Float64 if zero. A graph with an operation
	// from elsewhere that cannot be computed in it is evaluated in its own; see
	// MeasuredIn.
	Precision tensor.Dtype
	// Workers is how many chunks are computed at once; one for each CPU if
	// zero. It changes no result.
	Workers int
	// Memory is how many bytes may be taken for what products with several vectors
	// at the same parameters share: the forward and first backward pass of as many
	// chunks as that holds. An eighth of the machine's memory if zero, KeptShare. It
	// changes no result.
	Memory int64
	// Only lists the parameters to differentiate by, each by its name or that
	// of its layer ("fc1" for fc1.weight and fc1.bias); all if empty. The
	// others are constants.
	Only []string
}

// KeptShare returns how much of a memory an Objective takes by default for passes that
// it keeps: an eighth.
func KeptShare(memory int64) int64 { return memory / 8 }

// resolve replaces zero values by the defaults for the model m.
func (s ObjectiveSettings) resolve(m Model) (ObjectiveSettings, error) {
	if s.Precision == (tensor.Dtype{}) {
		s.Precision = tensor.Float64
	}
	if err := checkPrecision(s.Precision); err != nil {
		return s, err
	}
	s.Precision = MeasuredIn(m, s.Precision)
	if s.Memory <= 0 {
		s.Memory = KeptShare(machine.Memory())
	}
	if s.Workers <= 0 {
		s.Workers = runtime.GOMAXPROCS(0)
	}
	return s, nil
}

// MeasuredIn is the precision in which m is computed if it is asked for one: that,
// or that of its parameters if its graph has an operation that allows no other.
func MeasuredIn(m Model, wanted tensor.Dtype) tensor.Dtype {
	if n, ok := m.(*nodes); ok && n.bound {
		return Precision(m)
	}
	return wanted
}

// selectParameters tells which parameters have one of the names or belong to a
// layer that has.
func selectParameters(m Model, only []string) ([]bool, error) {
	params := m.Parameters()
	active := make([]bool, len(params))
	var known []string
	for i, p := range params {
		active[i] = len(only) == 0
		known = append(known, p.Name)
		if dot := strings.LastIndex(p.Name, "."); dot > 0 {
			known = append(known, p.Name[:dot])
		}
	}
	for _, name := range only {
		found := false
		for i, p := range params {
			if p.Name == name || strings.HasPrefix(p.Name, name+".") {
				active[i], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("models: no parameter or layer %q%s", name, suggest.Nearest(name, known))
		}
	}
	return active, nil
}
