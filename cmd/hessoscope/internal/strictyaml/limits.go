package strictyaml

import (
	"fmt"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

// Limits of a file, far above what an experiment or a sweep needs.
const (
	maxYAML  = 1 << 16 // bytes
	maxDepth = 20      // levels of nested brackets, and of lists in a line
)

// ReadFile reads a regular file that has no more bytes than Parse takes.
func ReadFile(path string) ([]byte, error) { return durable.ReadText(path, maxYAML) }

// checkLimits returns an error for features that settings do not need and that can
// exhaust or crash a YAML parser: aliases, which may contain themselves, tags, deep
// nesting and large files.
func checkLimits(name string, data []byte) error {
	if len(data) > maxYAML {
		return fmt.Errorf("%s: has %d bytes; want at most %d", name, len(data), maxYAML)
	}
	depth, indicators, line := 0, 0, 0
	for _, t := range lexer.Tokenize(string(data)) {
		if t.Position.Line != line {
			indicators, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.AliasType, token.TagType:
			return fmt.Errorf("%s: %q is an alias or a tag; want the plain value", Position(name, t), t.Value)
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType: // "- - -" nests, too
			indicators++
		}
		if depth > maxDepth {
			return fmt.Errorf("%s: more than %d nested brackets", Position(name, t), maxDepth)
		}
		if indicators > maxDepth {
			return fmt.Errorf("%s: more than %d nested lists", Position(name, t), maxDepth)
		}
	}
	return nil
}
