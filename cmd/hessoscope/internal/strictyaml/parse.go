package strictyaml

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Parse strictly reads the only YAML document of a file into a struct. Every error
// has its place in the file. The error for an empty file ends with hint, which says
// what the file may contain.
func Parse[T any](name string, data []byte, into *T, hint string) (err error) {
	defer recovered(name, &err)
	if len(bytes.TrimSpace(data)) == 0 {
		return fmt.Errorf("%s: the file is empty; %s", name, hint)
	}
	if err := checkLimits(name, data); err != nil {
		return err
	}
	if err := oneDocument(name, data); err != nil {
		return err
	}
	if err := yaml.UnmarshalWithOptions(data, into, yaml.Strict()); err != nil {
		return located(name, err, func(t *token.Token) string { return unknownKey(reflect.TypeFor[T](), keyAt(data, t)) })
	}
	return Placed(name, data, wholeNumbers(data, "", reflect.TypeFor[T]()))
}

// ParseGroups reads a YAML file as groups of keys and accepts any keys. It is for
// files that other versions of a program may have written, and has the limits of
// Parse.
func ParseGroups(name string, data []byte) (groups map[string]any, err error) {
	defer recovered(name, &err)
	if err := checkLimits(name, data); err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(data, &groups); err != nil {
		return nil, fmt.Errorf("%s: %s", name, yaml.FormatError(err, false, false))
	}
	return groups, nil
}

// oneDocument returns an error if data is more than one YAML document, because the
// decoder would ignore all but the first.
func oneDocument(name string, data []byte) error {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return located(name, err, nil)
	}
	for _, doc := range file.Docs[min(1, len(file.Docs)):] {
		if doc.Body != nil {
			return fmt.Errorf("%s: a second document begins here; want one per file", Position(name, cmp.Or(doc.Start, doc.Body.GetToken())))
		}
	}
	return nil
}
