package network

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/models"
)

// types are the types of layers that have keys in YAML or could have.
var types = func() map[string]reflect.Type {
	all := make(map[string]reflect.Type)
	for _, l := range []Layer{
		Conv2D{}, MaxPool{}, AvgPool{}, GlobalAvgPool{}, BatchNorm{}, LayerNorm{}, Dropout{}, Residual{}, Flatten{}, Dense{},
	} {
		all[kindOf(l)] = reflect.TypeOf(l)
	}
	return all
}()

// UnmarshalYAML reads a list of layers. A layer is its type, or a group with its
// type as the one key and its settings below. Errors have the token that is wrong.
func (l *Layers) UnmarshalYAML(n ast.Node) error {
	list, ok := plain(n).(*ast.SequenceNode)
	if !ok {
		return wrong(n, "%q is not a list of layers", n.GetToken().Value)
	}
	*l = make(Layers, 0, len(list.Values))
	for _, v := range list.Values {
		layer, err := parseLayer(plain(v))
		if err != nil {
			return err
		}
		*l = append(*l, layer)
	}
	return nil
}

// MarshalYAML returns what UnmarshalYAML reads.
func (l Layers) MarshalYAML() (any, error) {
	list := make([]any, len(l))
	for i, layer := range l {
		switch kind := kindOf(layer); {
		case layer == nil:
			return nil, fmt.Errorf("network: layers[%d] is nil; want a layer", i)
		case types[kind] == nil || reflect.ValueOf(layer).IsZero():
			list[i] = kind
		default:
			list[i] = map[string]Layer{kind: layer}
		}
	}
	return list, nil
}

// MarshalYAML returns one number if both are equal.
func (p Pair) MarshalYAML() (any, error) {
	if p[0] == p[1] {
		return p[0], nil
	}
	return p[:], nil
}

// MarshalYAML returns same, one number, or a number for the top and bottom and one
// for the left and right, or all four.
func (p Padding) MarshalYAML() (any, error) {
	switch {
	case p == Same:
		return same, nil
	case p == Around(p[0]):
		return p[0], nil
	case p[0] == p[1] && p[2] == p[3]:
		return []int{p[0], p[2]}, nil
	}
	return p[:], nil
}

// MarshalYAML returns whether the switch is on.
func (o Off) MarshalYAML() (any, error) { return !bool(o), nil }

const same = "same"

func parseLayer(n ast.Node) (Layer, error) {
	key, settings := n, ast.Node(nil)
	if group := entries(n); group != nil {
		if len(group) > 1 {
			return nil, wrong(group[1].Key, "%q is beside %q; want a layer's settings below it, as in %s: {…}, and a dash before the next layer",
				group[1].Key.GetToken().Value, group[0].Key.GetToken().Value, group[0].Key.GetToken().Value)
		}
		key, settings = group[0].Key, plain(group[0].Value)
	}
	kind := key.GetToken().Value
	if _, ok := key.(ast.ScalarNode); !ok || n.Type() == ast.NullType {
		return nil, wrong(n, "%q is not a layer; want its type, or its type with settings below, as in dense: {out: 3}", kind)
	}
	_, null := settings.(*ast.NullNode)
	t, known := types[kind]
	switch {
	case known:
		v := reflect.New(t).Elem()
		var err error
		if settings != nil && !null {
			err = parseSettings(settings, v, kind)
		}
		return v.Interface().(Layer), err
	case models.Activation(kind).Validate() != nil:
		names := slices.Sorted(maps.Keys(types))
		for _, a := range models.Activations() {
			names = append(names, string(a))
		}
		return nil, wrong(key, "unknown layer %.60q%s", kind, suggest.Nearest(kind, names))
	case settings != nil && !null && len(entries(settings)) > 0:
		return nil, wrong(settings, "%s has no settings", kind)
	}
	return Activation(kind), nil
}

// parseSettings sets the fields of a layer from a group of keys.
func parseSettings(n ast.Node, layer reflect.Value, kind string) error {
	group := entries(n)
	if group == nil {
		return wrong(n, "%q is not a group of keys, as in %s: {…}", n.GetToken().Value, kind)
	}
	var keys []string
	fields := make(map[string]reflect.Value)
	for i := range layer.NumField() {
		key, _, _ := strings.Cut(layer.Type().Field(i).Tag.Get("yaml"), ",")
		keys = append(keys, key)
		fields[key] = layer.Field(i)
	}
	for _, entry := range group {
		key := entry.Key.GetToken().Value
		field, ok := fields[key]
		if !ok {
			return wrong(entry.Key, "unknown key %.60q of %s%s", key, kind, suggest.Nearest(key, keys))
		}
		if err := parseValue(plain(entry.Value), field.Addr().Interface()); err != nil {
			return err
		}
	}
	return nil
}

func parseValue(n ast.Node, into any) (err error) {
	switch into := into.(type) {
	case *Layers:
		return into.UnmarshalYAML(n)
	case *string:
		scalar, ok := n.(ast.ScalarNode)
		if !ok || n.Type() == ast.NullType {
			return wrong(n, "%q is not a name", n.GetToken().Value)
		}
		*into = scalar.GetToken().Value
	case *int:
		*into, err = whole(n)
	case *float64:
		*into, err = number(n)
	case *Off:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			return wrong(n, "%q is not true or false", n.GetToken().Value)
		}
		*into = Off(!b.Value)
	case *Pair:
		var v []int
		if v, err = wholes(n, 2); err == nil {
			*into = Pair{v[0], v[len(v)-1]}
		}
	case *Padding:
		if n.GetToken().Value == same {
			*into = Same
			return nil
		}
		var v []int
		if v, err = wholes(n, 2, 4); err != nil {
			return err
		}
		switch len(v) {
		case 1:
			*into = Around(v[0])
		case 2:
			*into = Padding{v[0], v[0], v[1], v[1]}
		case 4:
			*into = Padding(v)
		}
	}
	return err
}

// wholes returns one whole number, or a list of as many as one of the lengths.
func wholes(n ast.Node, lengths ...int) ([]int, error) {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		v, err := whole(n)
		return []int{v}, err
	}
	for _, length := range lengths {
		if len(list.Values) != length {
			continue
		}
		values := make([]int, length)
		for i, v := range list.Values {
			var err error
			if values[i], err = whole(plain(v)); err != nil {
				return nil, err
			}
		}
		return values, nil
	}
	return nil, wrong(n, "a list of %d; want one number, or a list of %s", len(list.Values), strings.ReplaceAll(strings.Trim(fmt.Sprint(lengths), "[]"), " ", " or "))
}

func whole(n ast.Node) (int, error) {
	v, err := number(n)
	if err != nil || v != math.Trunc(v) || math.Abs(v) > math.MaxInt32 {
		return 0, wrong(n, "%.60q is not a whole number below 2³¹", n.GetToken().Value)
	}
	return int(v), nil
}

func number(n ast.Node) (float64, error) {
	switch n := n.(type) {
	case *ast.FloatNode:
		return n.Value, nil
	case *ast.IntegerNode:
		switch v := n.Value.(type) {
		case int64:
			return float64(v), nil
		case uint64:
			return float64(v), nil
		}
	}
	return 0, wrong(n, "%.60q is not a number", n.GetToken().Value)
}

// entries returns the keys and values of a group, nil if n is none.
func entries(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		if n.Values == nil {
			return []*ast.MappingValueNode{}
		}
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

// plain returns the node that an anchor names.
func plain(n ast.Node) ast.Node {
	if a, ok := n.(*ast.AnchorNode); ok {
		return plain(a.Value)
	}
	return n
}

// wrong returns an error at the place of n.
func wrong(n ast.Node, problem string, args ...any) error {
	return &yaml.SyntaxError{Message: fmt.Sprintf(problem, args...), Token: n.GetToken()}
}
