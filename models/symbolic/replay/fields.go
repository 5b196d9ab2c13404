package replay

import (
	"math"
	"reflect"
	"strings"

	G "gorgonia.org/gorgonia"
)

var nan = math.NaN()

// field reads a field of an operation of Gorgonia, which are not exported.
func field(o G.Op, name string) reflect.Value {
	v := reflect.ValueOf(o)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return v.FieldByName(name)
}

func integer(o G.Op, name string) int { return int(field(o, name).Int()) }

func integers(o G.Op, name string) []int {
	v := field(o, name)
	all := make([]int, v.Len())
	for i := range all {
		all[i] = int(v.Index(i).Int())
	}
	return all
}

// relation is the sign of an operation on two operands, element by element, which
// prints as "⊙ false".
func relation(o G.Op) string {
	sign, _, _ := strings.Cut(o.String(), " ")
	return sign
}
