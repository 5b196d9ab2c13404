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

// Position returns the position of a token: the name of the file, the line and the
// column. It returns the name alone if the token is nil.
func Position(name string, t *token.Token) string {
	if t == nil || t.Position == nil {
		return name
	}
	return fmt.Sprintf("%s:%d:%d", name, t.Position.Line, t.Position.Column)
}

// Place returns the position of a dotted key in a YAML file. If the key is not in the
// file, it is the position of the nearest key above it that is.
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

// Placed prefixes a *trainer.FieldError with the place of its key, and other errors
// with the name of the file. It returns nil for nil.
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

// keyAt returns the dotted key that begins at a token of data.
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
