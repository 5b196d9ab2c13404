package models

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"gorgonia.org/tensor"

	"github.com/hessoscope/hessoscope/datasets/suggest"
)

// A Builder makes models of one type, with parameters drawn from rng. It is
// called again to read the weights of a model that was trained before, so the
// names and shapes of the parameters must depend on the Spec alone.
type Builder func(s Spec, rng *rand.Rand) (Model, error)

// Spec says what a model is built for.
type Spec struct {
	InputShape []int        // of one sample
	Classes    int          // number of logits of a sample
	Precision  tensor.Dtype // of the parameters: tensor.Float64 or tensor.Float32
	// Options fills the struct that into points to, whose fields have yaml tags,
	// from the experiment's model.options. A key without a field is an error. It
	// is nil if there are no options.
	Options func(into any) error
}

// mlpName is the type of model that the command makes itself, with NewMLP.
const mlpName = "mlp"

var builders = struct {
	sync.RWMutex
	named map[string]Builder
}{named: make(map[string]Builder)}

// Register makes a type of model known by a name, which experiments give as
// model.type. It panics if b is nil, or if the name is empty or taken.
func Register(name string, b Builder) {
	builders.Lock()
	defer builders.Unlock()
	_, taken := builders.named[name]
	switch {
	case b == nil:
		panic(fmt.Sprintf("models: the builder of model type %q is nil", name))
	case name == "":
		panic("models: a model type with an empty name")
	case taken || name == mlpName:
		panic(fmt.Sprintf("models: there is a model type %q already", name))
	}
	builders.named[name] = b
}

// BuilderNamed returns the Builder that is registered under the name. The error
// completes a sentence whose subject is the setting: is "resnt"; did you mean
// "resnet"?
func BuilderNamed(name string) (Builder, error) {
	builders.RLock()
	b, ok := builders.named[name]
	builders.RUnlock()
	switch {
	case ok:
		return b, nil
	case name == mlpName:
		return nil, fmt.Errorf("is %q, which has no Builder; NewMLP makes it", name)
	}
	return nil, fmt.Errorf("is %.60q%s", name, suggest.Nearest(name, append(BuilderNames(), mlpName)))
}

// BuilderNames returns the names of the registered types, sorted.
func BuilderNames() []string {
	builders.RLock()
	defer builders.RUnlock()
	return slices.Sorted(maps.Keys(builders.named))
}
