package strictyaml

import (
	"errors"
	"fmt"
	"iter"
	"reflect"
	"regexp"
	"strings"

	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/trainer"
)

// Key returns the YAML key of a field, or "" if it has none.
func Key(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return key
}

// Keys yields the dotted keys of a struct type, at all depths, with the types of
// their values. A group comes before the keys within it.
func Keys(t reflect.Type) iter.Seq2[string, reflect.Type] {
	return func(yield func(string, reflect.Type) bool) { eachKey(t, "", yield) }
}

// eachKey yields the keys of a struct type with a prefix. It returns false if the
// iteration is to stop.
func eachKey(t reflect.Type, above string, yield func(string, reflect.Type) bool) bool {
	for f := range t.Fields() {
		key := Key(f)
		if key == "" {
			continue
		}
		if !yield(above+key, f.Type) {
			return false
		}
		if f.Type.Kind() == reflect.Struct && !eachKey(f.Type, above+key+".", yield) {
			return false
		}
	}
	return true
}

// TypeOf returns the type of the setting at a dotted key of a T.
func TypeOf[T any](key string) (reflect.Type, error) {
	field, err := lookup(reflect.ValueOf(new(T)).Elem(), key)
	if err != nil {
		return nil, err
	}
	return field.Type(), nil
}

// lookup returns the field at a dotted key.
func lookup(v reflect.Value, key string) (reflect.Value, error) {
	return descend(v, key, v.Type())
}

// descend implements lookup. If key is unknown, it suggests a key of root. The values
// of a list of structs are groups of keys that each have a name.
func descend(v reflect.Value, key string, root reflect.Type) (reflect.Value, error) {
	first, rest, nested := strings.Cut(key, ".")
	for i := range v.NumField() {
		if known := Key(v.Type().Field(i)); known == "" || known != first {
			continue
		}
		switch field := v.Field(i); {
		case !nested:
			return field, nil
		case field.Kind() == reflect.Struct:
			return descend(field, rest, root)
		case field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct:
			_, rest, _ = strings.Cut(rest, ".")
			return descend(reflect.Zero(field.Type().Elem()), rest, root) // the zero value serves to check the key; it cannot be set
		default:
			return field, fmt.Errorf("%s has no keys below it", first)
		}
	}
	var keys []string
	for i := range v.NumField() {
		if key := Key(v.Type().Field(i)); key != "" {
			keys = append(keys, key)
		}
	}
	if elsewhere := pathTo(first, root); elsewhere != "" {
		return v, fmt.Errorf("unknown key %.80q here; did you mean %q?", first, elsewhere)
	}
	return v, fmt.Errorf("unknown key %.80q%s", first, suggest.Nearest(first, keys))
}

// pathTo returns the dotted key of the first setting with this name, at any depth.
func pathTo(name string, t reflect.Type) string {
	for key := range Keys(t) {
		if key[strings.LastIndexByte(key, '.')+1:] == name {
			return key
		}
	}
	return ""
}

// Keyed renames the Go fields of a T in a *trainer.FieldError to the dotted keys of a
// file that holds a T. Other errors are returned unchanged.
func Keyed[T any](err error) error {
	var field *trainer.FieldError
	if !errors.As(err, &field) {
		return err
	}
	return field.Rename(func(path string) string { return keyOf(reflect.TypeFor[T](), path) })
}

// keyOf returns the dotted key of a path of Go fields, such as
// Stop.Rule.All[0].Monitor.
func keyOf(t reflect.Type, path string) string {
	first, rest, nested := strings.Cut(path, ".")
	name, index, indexed := strings.Cut(first, "[")
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	field, known := reflect.StructField{}, false
	if t.Kind() == reflect.Struct {
		field, known = t.FieldByName(name)
	}
	if !known {
		return path
	}
	key := Key(field)
	if indexed {
		key += "[" + index
	}
	if nested {
		key += "." + keyOf(field.Type, rest)
	}
	return key
}

// listIndex matches the index of a list element in a key: all[0].monitor.
var listIndex = regexp.MustCompile(`\[(\d+)\]`)

// unknownKey returns the message that a dotted key is unknown in a file that holds a
// struct of type t, with the nearest known key.
func unknownKey(t reflect.Type, key string) string {
	_, err := lookup(reflect.New(t).Elem(), listIndex.ReplaceAllString(key, ".$1"))
	if err == nil { // the key is known, but misplaced in the file
		return fmt.Sprintf("key %.80q is not known here", key)
	}
	return err.Error()
}
