package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/trainer"
)

// parseConfig reads an experiment strictly: every error tells its place in the
// file, and what would be right.
func parseConfig(name string, data []byte) (_ *config, err error) {
	defer recovered(name, &err)
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, fmt.Errorf("%s: the file is empty; `hessoscope presets print iris` shows an experiment", name)
	}
	if err := plain(name, data); err != nil {
		return nil, err
	}
	if err := oneDocument(name, data); err != nil {
		return nil, err
	}
	c := new(config)
	if err := yaml.UnmarshalWithOptions(data, c, yaml.Strict()); err != nil {
		return nil, yamlError(name, err, func(t *token.Token) string { return keyAt(data, t) })
	}
	err = wholeNumbers(data, "", reflect.TypeFor[config]())
	if err == nil {
		err = c.validate()
	}
	if err != nil {
		var field *trainer.FieldError
		if errors.As(err, &field) {
			return nil, fmt.Errorf("%s: %w", place(name, data, field.Field), err)
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// recovered makes an error of a panic: there is input that the YAML library was
// not made for.
func recovered(name string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%s: cannot be read as YAML: %s", name, firstLine(fmt.Sprint(r)))
	}
}

// Limits of an experiment, far above what one needs.
const (
	maxYAML  = 1 << 16 // bytes
	maxDepth = 20      // of brackets
)

// plain is an error for what an experiment does not need and a YAML parser can
// be brought down with: aliases, which may hold themselves, tags and sheer size.
func plain(name string, data []byte) error {
	if len(data) > maxYAML {
		return fmt.Errorf("%s: has %d bytes; want an experiment of at most %d", name, len(data), maxYAML)
	}
	depth := 0
	for _, t := range lexer.Tokenize(string(data)) {
		switch t.Type {
		case token.AliasType, token.TagType:
			return fmt.Errorf("%s: %q is an alias or a tag; want the plain value", position(name, t), t.Value)
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
		if depth > maxDepth {
			return fmt.Errorf("%s: more than %d brackets within each other", position(name, t), maxDepth)
		}
	}
	return nil
}

// oneDocument is an error unless data is a single YAML document: the decoder
// would leave out all others.
func oneDocument(name string, data []byte) error {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return yamlError(name, err, nil)
	}
	for _, doc := range file.Docs[min(1, len(file.Docs)):] {
		if doc.Body != nil {
			return fmt.Errorf("%s: a second document begins here; want one experiment a file", position(name, cmp.Or(doc.Start, doc.Body.GetToken())))
		}
	}
	return nil
}

// wholeNumbers is a *trainer.FieldError if a number of data, the YAML of a key,
// has a fraction or a size that the decoder would cut off to fit an integer of
// type t.
func wholeNumbers(data []byte, key string, t reflect.Type) error {
	var value any
	if err := yaml.Unmarshal(data, &value); err != nil {
		return fmt.Errorf("%s", problem(err, nil))
	}
	return wholeNumber(value, t, key)
}

func wholeNumber(value any, t reflect.Type, key string) error {
	switch t.Kind() {
	case reflect.Struct:
		group, _ := value.(map[string]any)
		for field := range t.Fields() {
			if err := wholeNumber(group[yamlKey(field)], field.Type, strings.TrimPrefix(key+"."+yamlKey(field), ".")); err != nil {
				return err
			}
		}
	case reflect.Slice:
		list, _ := value.([]any)
		for _, element := range list {
			if err := wholeNumber(element, t.Elem(), key); err != nil {
				return err
			}
		}
	case reflect.Int, reflect.Uint64:
		number, isFloat := value.(float64)
		if text, ok := value.(string); ok {
			parsed, err := strconv.ParseFloat(text, 64)
			number, isFloat = parsed, err == nil
		}
		if isFloat && (number != math.Trunc(number) || math.Abs(number) >= 1<<63) {
			return &trainer.FieldError{Field: key, Problem: fmt.Sprintf("has %v; want a whole number", number)}
		}
	}
	return nil
}

// yamlError makes one line of a parser's error, with file, line and column.
// keyOf, if not nil, is the key with dots that a token of the file is.
func yamlError(name string, err error, keyOf func(*token.Token) string) error {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return fmt.Errorf("%s: %s", name, problem(err, keyOf))
	}
	return fmt.Errorf("%s: %s", position(name, at.GetToken()), problem(err, keyOf))
}

// problem says in one line what a YAML parser did not like.
func problem(err error, keyOf func(*token.Token) string) string {
	var unknown *yaml.UnknownFieldError
	var mismatch *yaml.TypeError
	var overflow *yaml.OverflowError
	var at yaml.Error
	switch {
	case errors.As(err, &unknown):
		return unknownKey(keyOf(unknown.GetToken()))
	case errors.As(err, &mismatch):
		return fmt.Sprintf("%q is not %s", mismatch.GetToken().Value, kindName(mismatch.DstType))
	case errors.As(err, &overflow):
		return fmt.Sprintf("%s is out of range; want %s", overflow.SrcNum, kindName(overflow.DstType))
	case errors.As(err, &at):
		return firstLine(at.GetMessage())
	default:
		return firstLine(err.Error())
	}
}

// kindName is what to call values of a type to somebody who writes YAML.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int:
		return "a whole number"
	case reflect.Uint64:
		return "a whole number, 0 or more"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list, such as [1, 2]"
	case reflect.Struct:
		return "a group of keys"
	default:
		return "a " + t.Kind().String()
	}
}

func position(name string, t *token.Token) string {
	if t == nil || t.Position == nil {
		return name
	}
	return fmt.Sprintf("%s:%d:%d", name, t.Position.Line, t.Position.Column)
}

// place is the position of a key in a YAML file, or of the nearest one above
// it that is there.
func place(name string, data []byte, key string) string {
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
			return position(name, node.GetToken())
		}
	}
	return name
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
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

// unknownKey says that a key with dots is unknown, and which one is near.
func unknownKey(key string) string {
	_, err := lookup(reflect.ValueOf(new(config)).Elem(), key)
	if err == nil { // at another depth
		return fmt.Sprintf("key %q is not known here", key)
	}
	return err.Error()
}

// set changes one setting: "training.epochs=50". The value is YAML.
func (c *config) set(assignment string) (err error) {
	key, value, ok := strings.Cut(assignment, "=")
	assignment = firstLine(assignment)
	defer recovered("--set "+assignment, &err)
	if !ok {
		return fmt.Errorf("--set %s: want key=value, such as training.epochs=50", assignment)
	}
	field, err := lookup(reflect.ValueOf(c).Elem(), key)
	if err != nil {
		return fmt.Errorf("--set %s: %w", assignment, err)
	}
	if err := plain("--set "+assignment, []byte(value)); err != nil {
		return err
	}
	fresh := reflect.New(field.Type())
	if err := yaml.UnmarshalWithOptions([]byte(value), fresh.Interface(), yaml.Strict()); err != nil {
		return fmt.Errorf("--set %s: %s", assignment, problem(err, func(t *token.Token) string { return key + "." + keyAt([]byte(value), t) }))
	}
	if err := wholeNumbers([]byte(value), key, field.Type()); err != nil {
		return fmt.Errorf("--set %s: %w", assignment, err)
	}
	field.Set(fresh.Elem())
	return nil
}

// lookup finds the field of a YAML key with dots.
func lookup(v reflect.Value, key string) (reflect.Value, error) {
	first, rest, nested := strings.Cut(key, ".")
	for i := range v.NumField() {
		if yamlKey(v.Type().Field(i)) != first {
			continue
		}
		switch field := v.Field(i); {
		case !nested:
			return field, nil
		case field.Kind() == reflect.Struct:
			return lookup(field, rest)
		default:
			return field, fmt.Errorf("%s has no keys below it", first)
		}
	}
	var keys []string
	for i := range v.NumField() {
		keys = append(keys, yamlKey(v.Type().Field(i)))
	}
	if elsewhere := pathTo(first, reflect.TypeFor[config]()); elsewhere != "" {
		return v, fmt.Errorf("unknown key %q here; did you mean %q?", first, elsewhere)
	}
	return v, fmt.Errorf("unknown key %q%s", first, suggest.Nearest(first, keys))
}

func yamlKey(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return key
}

// pathTo is the key with dots of the first setting of that name, at any depth.
func pathTo(name string, t reflect.Type) string {
	for f := range t.Fields() {
		if yamlKey(f) == name {
			return name
		}
		if f.Type.Kind() != reflect.Struct {
			continue
		}
		if path := pathTo(name, f.Type); path != "" {
			return yamlKey(f) + "." + path
		}
	}
	return ""
}
