package symbolic_test

import (
	"fmt"
	"hash"
	"hash/fnv"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// opaque is the identity, without a derivative.
type opaque struct{}

func (opaque) Arity() int                        { return 1 }
func (opaque) Type() hm.Type                     { return hm.NewFnType(hm.TypeVariable('a'), hm.TypeVariable('a')) }
func (opaque) ReturnsPtr() bool                  { return false }
func (opaque) CallsExtern() bool                 { return false }
func (opaque) OverwritesInput() int              { return -1 }
func (opaque) WriteHash(h hash.Hash)             { h.Write([]byte("opaque")) }
func (opaque) Hashcode() uint32                  { return 1 }
func (opaque) String() string                    { return "opaque" }
func (opaque) Do(in ...G.Value) (G.Value, error) { return G.CloneValue(in[0]) }
func (opaque) InferShape(in ...G.DimSizer) (tensor.Shape, error) {
	return in[0].(tensor.Shape).Clone(), nil
}

// tap is the identity with a derivative, and counts how often it is computed.
// Each is an operation of its own.
type tap struct {
	opaque
	calls *int
	do    func() // if set, called with every computation
}

func (o *tap) DiffWRT(int) []bool { return []bool{true} }

func (o *tap) SymDiff(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	d, err := G.ApplyOp(&tap{calls: new(int)}, grad)
	return G.Nodes{d}, err
}

func (o *tap) Do(in ...G.Value) (G.Value, error) {
	*o.calls++
	if o.do != nil {
		o.do()
	}
	return o.opaque.Do(in...)
}

func (o *tap) String() string { return "tap" }

func (o *tap) WriteHash(h hash.Hash) { fmt.Fprintf(h, "tap %p", o.calls) }

func (o *tap) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

var _ G.SDOp = (*tap)(nil)

// giver gives the same value whatever its operand is.
type giver struct {
	opaque
	value G.Value
}

func (o *giver) Do(...G.Value) (G.Value, error) { return o.value, nil }
func (o *giver) WriteHash(h hash.Hash)          { fmt.Fprintf(h, "giver %p", o) }
