package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
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
func parseConfig(name string, data []byte) (*config, error) {
	c := new(config)
	if err := parseYAML(name, data, c, "iris"); err != nil {
		return nil, err
	}
	if err := c.validate(); err != nil {
		return nil, placed(name, data, err)
	}
	return c, nil
}

// parseYAML reads the one YAML document of a file into a struct, strictly. Of
// example, a preset, the error of an empty file tells.
func parseYAML[T any](name string, data []byte, into *T, example string) (err error) {
	defer recovered(name, &err)
	if len(bytes.TrimSpace(data)) == 0 {
		return fmt.Errorf("%s: the file is empty; `hessoscope presets print %s` shows what it may hold", name, example)
	}
	if err := plain(name, data); err != nil {
		return err
	}
	if err := oneDocument(name, data); err != nil {
		return err
	}
	if err := yaml.UnmarshalWithOptions(data, into, yaml.Strict()); err != nil {
		return yamlError(name, err, func(t *token.Token) string { return unknownKey[T](keyAt(data, t)) })
	}
	return placed(name, data, wholeNumbers(data, "", reflect.TypeFor[T]()))
}

// placed puts the place of the key before a *trainer.FieldError, the name of
// the file before other errors.
func placed(name string, data []byte, err error) error {
	var field *trainer.FieldError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &field):
		return fmt.Errorf("%s: %w", place(name, data, field.Field), err)
	default:
		return fmt.Errorf("%s: %w", name, err)
	}
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
		return fmt.Errorf("%s: has %d bytes; want at most %d", name, len(data), maxYAML)
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
			return fmt.Errorf("%s: a second document begins here; want one a file", position(name, cmp.Or(doc.Start, doc.Body.GetToken())))
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
// unknown, if not nil, says what is wrong with a token that is no known key.
func yamlError(name string, err error, unknown func(*token.Token) string) error {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return fmt.Errorf("%s: %s", name, problem(err, unknown))
	}
	return fmt.Errorf("%s: %s", position(name, at.GetToken()), problem(err, unknown))
}

// problem says in one line what a YAML parser did not like.
func problem(err error, unknown func(*token.Token) string) string {
	var field *yaml.UnknownFieldError
	var mismatch *yaml.TypeError
	var overflow *yaml.OverflowError
	var at yaml.Error
	switch {
	case errors.As(err, &field):
		return unknown(field.GetToken())
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

// listIndex is the number of an element of a list in a key: all[0].monitor.
var listIndex = regexp.MustCompile(`\[(\d+)\]`)

// unknownKey says that a key with dots is unknown in a file that holds a T,
// and which one is near.
func unknownKey[T any](key string) string {
	_, err := lookup(reflect.ValueOf(new(T)).Elem(), listIndex.ReplaceAllString(key, ".$1"))
	if err == nil { // at another depth
		return fmt.Sprintf("key %q is not known here", key)
	}
	return err.Error()
}

// set changes one setting: "training.epochs=50". The value is YAML.
func (c *config) set(assignment string) error {
	key, value, ok := strings.Cut(assignment, "=")
	where := "--set " + firstLine(assignment)
	if !ok {
		return fmt.Errorf("%s: want key=value, such as training.epochs=50", where)
	}
	return c.assign(where, key, value)
}

// assign changes one setting to a value in YAML. Errors begin with where, which
// tells where the user wrote it.
func (c *config) assign(where, key, value string) (err error) {
	defer recovered(where, &err)
	field, err := lookup(reflect.ValueOf(c).Elem(), key)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if !field.CanSet() {
		return fmt.Errorf("%s: %s is within a list; want the list as a whole", where, key)
	}
	if err := plain(where, []byte(value)); err != nil {
		return err
	}
	fresh := reflect.New(field.Type())
	if err := yaml.UnmarshalWithOptions([]byte(value), fresh.Interface(), yaml.Strict()); err != nil {
		return fmt.Errorf("%s: %s", where, problem(err, func(t *token.Token) string {
			return unknownKey[config](key + "." + keyAt([]byte(value), t))
		}))
	}
	if err := wholeNumbers([]byte(value), key, field.Type()); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	field.Set(fresh.Elem())
	return nil
}

// lookup finds the field of a YAML key with dots.
func lookup(v reflect.Value, key string) (reflect.Value, error) {
	return descend(v, key, v.Type())
}

// descend is lookup within root. The values of a list of structs are groups of
// keys that each have a name.
func descend(v reflect.Value, key string, root reflect.Type) (reflect.Value, error) {
	first, rest, nested := strings.Cut(key, ".")
	for i := range v.NumField() {
		if yamlKey(v.Type().Field(i)) != first {
			continue
		}
		switch field := v.Field(i); {
		case !nested:
			return field, nil
		case field.Kind() == reflect.Struct:
			return descend(field, rest, root)
		case field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct:
			_, rest, _ = strings.Cut(rest, ".")
			return descend(reflect.Zero(field.Type().Elem()), rest, root) // which cannot be set
		default:
			return field, fmt.Errorf("%s has no keys below it", first)
		}
	}
	var keys []string
	for i := range v.NumField() {
		if key := yamlKey(v.Type().Field(i)); key != "" {
			keys = append(keys, key)
		}
	}
	if elsewhere := pathTo(first, root); elsewhere != "" {
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
