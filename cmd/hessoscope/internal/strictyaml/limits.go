package strictyaml

import (
	"fmt"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// Limits of a file, far above what an experiment or a sweep needs.
const (
	maxYAML  = 1 << 16 // bytes
	maxDepth = 20      // levels of nested brackets
)

// checkLimits returns an error for features that settings do not need and that can
// exhaust or crash a YAML parser: aliases, which may contain themselves, tags, deep
// nesting and large files.
func checkLimits(name string, data []byte) error {
	if len(data) > maxYAML {
		return fmt.Errorf("%s: has %d bytes; want at most %d", name, len(data), maxYAML)
	}
	depth := 0
	for _, t := range lexer.Tokenize(string(data)) {
		switch t.Type {
		case token.AliasType, token.TagType:
			return fmt.Errorf("%s: %q is an alias or a tag; want the plain value", Position(name, t), t.Value)
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
		if depth > maxDepth {
			return fmt.Errorf("%s: more than %d nested brackets", Position(name, t), maxDepth)
		}
	}
	return nil
}
