package weights

import (
	"fmt"
	"math"

	"github.com/hessoscope/hessoscope/datasets/npy"
)

// Array is a named array of floating-point numbers, row-major.
type Array struct {
	// Name identifies the array in its file, as "fc1.weight". It is not empty
	// and must be UTF-8. In an .npz it must also be a relative slash-separated
	// path without "." and ".." elements, as "encoder/fc1.weight"; in a
	// .safetensors file "__metadata__" is reserved.
	Name string
	// Shape holds the size of each dimension, at most 32 of them. An empty
	// Shape is a scalar, with one value; a dimension may be 0.
	Shape []int
	// Data holds the values, all finite; its length is the product of Shape.
	Data []float64
	// Float32 says that the array is stored as float32. Every value must then
	// be exactly representable. It is set for arrays read from float32 and
	// from the 16-bit types, whose values float32 holds exactly.
	Float32 bool
}

// check reports the first reason, name apart, why the array cannot be stored.
func (a *Array) check() error {
	n, err := npy.Elements(a.Shape)
	if err != nil {
		return err
	}
	if n != len(a.Data) {
		return fmt.Errorf("shape %s needs %d values, Data has %d", npy.Tuple(a.Shape), n, len(a.Data))
	}
	for i, v := range a.Data {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("value %d is %v; weights must be finite", i, v)
		}
		if a.Float32 && float64(float32(v)) != v {
			return fmt.Errorf("value %d, %v, is not exactly a float32; round it, or store float64", i, v)
		}
	}
	return nil
}

// checkArrays reports the first array that cannot be stored, by its own fault,
// under its name, or because an earlier one has the same name.
func checkArrays(arrays []Array, checkName func(string) error) error {
	seen := make(map[string]bool, len(arrays))
	for i := range arrays {
		a := &arrays[i]
		if err := checkName(a.Name); err != nil {
			return fmt.Errorf("array %q: %w", a.Name, err)
		}
		if seen[a.Name] {
			return fmt.Errorf("array %q: is there twice; names must be distinct", a.Name)
		}
		seen[a.Name] = true
		if err := a.check(); err != nil {
			return fmt.Errorf("array %q: %w", a.Name, err)
		}
	}
	return nil
}
