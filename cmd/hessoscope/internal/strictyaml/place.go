package strictyaml

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/hessoscope/hessoscope/trainer"
)

// Position is where a token stands: the name of the file, its line and its
// column; the name alone for no token.
func Position(name string, t *token.Token) string {
	if t == nil || t.Position == nil {
		return name
	}
	return fmt.Sprintf("%s:%d:%d", name, t.Position.Line, t.Position.Column)
}

// Place is the position of a key with dots in a YAML file, or of the nearest key
// above it that is there.
func Place(name string, data []byte, key string) string {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return name
	}
	for ; key != ""; key = key[:max(strings.LastIndex(key, "."), 0)] {
		path, err := yaml.PathString("$." + key)
		if err != nil {
			continue
		}
		if node, err := path.FilterFile(file); err == nil && node != nil {
			return Position(name, node.GetToken())
		}
	}
	return name
}

// Placed puts the place of the key before a *trainer.FieldError, and the name of
// the file before other errors. It returns nil for nil.
func Placed(name string, data []byte, err error) error {
	var field *trainer.FieldError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &field):
		return fmt.Errorf("%s: %w", Place(name, data, field.Field), err)
	default:
		return fmt.Errorf("%s: %w", name, err)
	}
}

// keyAt is the key with dots that begins at a token of data.
func keyAt(data []byte, t *token.Token) string {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return t.Value
	}
	finder := &keyFinder{at: t.Position, key: t.Value}
	for _, doc := range file.Docs {
		ast.Walk(finder, doc)
	}
	return finder.key
}

type keyFinder struct {
	at  *token.Position
	key string
}

func (f *keyFinder) Visit(n ast.Node) ast.Visitor {
	if p := n.GetToken().Position; p.Line == f.at.Line && p.Column == f.at.Column && strings.HasPrefix(n.GetPath(), "$.") {
		f.key = strings.TrimPrefix(n.GetPath(), "$.")
	}
	return f
}
