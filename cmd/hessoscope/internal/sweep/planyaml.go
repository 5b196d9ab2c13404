package sweep

import (
	"fmt"
	"math"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// UnmarshalYAML reads settings, in the file's order.
func (s *assignments) UnmarshalYAML(node ast.Node) error {
	pairs, err := pairs(node)
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		a := assignment{key: pair.key, at: pair.value.GetToken()}
		if err := yaml.NodeToValue(pair.value, &a.value); err != nil {
			return err
		}
		*s = append(*s, a)
	}
	return nil
}

// UnmarshalYAML reads the axes of a grid, in the file's order.
func (g *grid) UnmarshalYAML(node ast.Node) error {
	pairs, err := pairs(node)
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		a := axis{key: pair.key, at: pair.value.GetToken()}
		if err := a.read(pair.value); err != nil {
			return err
		}
		*g = append(*g, a)
	}
	return nil
}

func (a *axis) read(node ast.Node) error {
	if list, ok := node.(*ast.SequenceNode); ok {
		if len(list.Values) == 0 {
			return wrongNode(node, "grid.%s is empty; want at least one value", a.key)
		}
		if err := yaml.NodeToValue(node, &a.values); err != nil {
			return err
		}
		for i, element := range list.Values {
			a.values[i] = number(a.values[i], element)
		}
		return nil
	}
	pairs, err := pairs(node)
	if err != nil || len(pairs) != 1 || pairs[0].key != "uniform" && pairs[0].key != "log_uniform" {
		return wrongNode(node, "grid.%s wants a list of values, or one range such as {log_uniform: [1e-3, 1e-1]} or {uniform: [0, 1]}", a.key)
	}
	var ends []float64
	if err := yaml.NodeToValue(pairs[0].value, &ends); err != nil {
		return err
	}
	a.logarithmic = pairs[0].key == "log_uniform"
	if len(ends) != 2 || !(ends[0] < ends[1]) || math.IsInf(ends[1]-ends[0], 0) || a.logarithmic && ends[0] <= 0 {
		return wrongNode(pairs[0].value, "%s of grid.%s wants two numbers that rise, of log_uniform above 0", pairs[0].key, a.key)
	}
	a.low, a.high = ends[0], ends[1]
	return nil
}

// number returns the value of a node. It converts numbers such as 1e-3, which the YAML
// library reads as text.
func number(value any, node ast.Node) any {
	if node.GetToken().Type != token.StringType {
		return value
	}
	if v, err := strconv.ParseFloat(node.GetToken().Value, 64); err == nil && math.Abs(v) <= math.MaxFloat64 {
		return v
	}
	return value
}

// UnmarshalYAML reads the variants, in the file's order.
func (v *variants) UnmarshalYAML(node ast.Node) error {
	pairs, err := pairs(node)
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		one := variant{name: pair.key, at: pair.at}
		if !safeName.MatchString(one.name) {
			return &yaml.SyntaxError{Token: pair.at, Message: fmt.Sprintf("variant %.60q: want a name of letters, digits, _, - and dots within", one.name)}
		}
		if _, isNull := pair.value.(*ast.NullNode); !isNull {
			if err := yaml.NodeToValue(pair.value, &one, yaml.Strict()); err != nil {
				return err
			}
		}
		*v = append(*v, one)
	}
	return nil
}

// UnmarshalYAML reads a list of seeds, or a number n, which means the seeds
// 0, …, n−1.
func (s *seeds) UnmarshalYAML(node ast.Node) error {
	var n int
	if number, ok := node.(*ast.IntegerNode); ok {
		if err := yaml.NodeToValue(number, &n); err != nil {
			return err
		}
		if n < 1 || n > maxRuns {
			return wrongNode(node, "seeds is %d; want how many seeds, 1 to %d, or a list of them", n, maxRuns)
		}
		for seed := range n {
			*s = append(*s, uint64(seed))
		}
		return nil
	}
	if list, ok := node.(*ast.SequenceNode); !ok || len(list.Values) == 0 {
		return wrongNode(node, "seeds wants a list such as [0, 1, 2], or how many to count from 0")
	}
	return yaml.NodeToValue(node, (*[]uint64)(s))
}

// A pair is an entry of a YAML mapping.
type pair struct {
	key   string
	value ast.Node
	at    *token.Token // place of the key
}

// pairs returns the entries of a mapping, in the file's order. It returns none for
// null.
func pairs(node ast.Node) ([]pair, error) {
	var entries []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.NullNode:
	case *ast.MappingNode:
		entries = n.Values
	case *ast.MappingValueNode:
		entries = append(entries, n)
	default:
		return nil, wrongNode(node, "%.60q is not a group of keys", node.String())
	}
	var all []pair
	for _, e := range entries {
		key := e.Key.GetToken()
		all = append(all, pair{key.Value, e.Value, key})
	}
	return all, nil
}

func wrongNode(node ast.Node, format string, args ...any) error {
	return &yaml.SyntaxError{Token: node.GetToken(), Message: fmt.Sprintf(format, args...)}
}
