package strictyaml

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/token"
)

// Assign sets the setting at a dotted key, such as training.epochs, to a value in
// YAML. Errors begin with where, which is the place where the user wrote the
// assignment. If there is an error, Assign changes nothing.
func Assign[T any](into *T, where, key, value string) (err error) {
	defer recovered(where, &err)
	field, err := lookup(reflect.ValueOf(into).Elem(), key)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if !field.CanSet() {
		return fmt.Errorf("%s: %s is within a list; want the list as a whole", where, key)
	}
	if err := checkLimits(where, []byte(value)); err != nil {
		return err
	}
	fresh := reflect.New(field.Type())
	target := fresh
	if field.Kind() == reflect.Pointer { // the library reads into a number, and not into a pointer to one
		if text := strings.TrimSpace(value); text == "" || text == "null" || text == "~" {
			field.SetZero()
			return nil
		}
		target = reflect.New(field.Type().Elem())
		fresh.Elem().Set(target)
	}
	if err := yaml.UnmarshalWithOptions([]byte(value), target.Interface(), yaml.Strict()); err != nil {
		if within := taking(field.Type(), value); within != "" {
			return fmt.Errorf("%s: %s is a group of settings; did you mean %q?", where, key, key+"."+within)
		}
		return fmt.Errorf("%s: %s", where, problem(err, func(t *token.Token) string {
			return unknownKey(reflect.TypeFor[T](), key+"."+keyAt([]byte(value), t))
		}))
	}
	if err := wholeNumbers([]byte(value), key, field.Type()); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	field.Set(fresh.Elem())
	return nil
}

// taking returns the first key of a group of settings that takes a value which the
// group itself does not, or "".
func taking(group reflect.Type, value string) string {
	var scalar any
	if err := yaml.Unmarshal([]byte(value), &scalar); err != nil || group.Kind() != reflect.Struct {
		return ""
	}
	if _, mapping := scalar.(map[string]any); mapping {
		return "" // which has a wrong key
	}
	for f := range group.Fields() {
		if key := Key(f); key != "" && yaml.Unmarshal([]byte(value), reflect.New(f.Type).Interface()) == nil {
			return key
		}
	}
	return ""
}

// Flow formats a value as YAML on one line, as Assign reads it.
func Flow(value any) (string, error) {
	text, err := yaml.MarshalWithOptions(value, yaml.Flow(true))
	return strings.TrimSpace(string(text)), err
}

// Fill strictly sets the struct that into points to from groups of keys that have
// already been read from YAML. Errors begin with where, the key of the groups.
func Fill(where string, groups map[string]any, into any) (err error) {
	defer recovered(where, &err)
	t := reflect.TypeOf(into)
	if t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("%s: cannot fill a %v; want a pointer to a struct", where, t)
	}
	if len(groups) == 0 {
		return nil
	}
	text, err := yaml.Marshal(groups)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if err := yaml.UnmarshalWithOptions(text, into, yaml.Strict()); err != nil {
		return fmt.Errorf("%s: %s", where, problem(err, func(at *token.Token) string {
			return unknownKey(t.Elem(), keyAt(text, at))
		}))
	}
	return wholeNumbers(text, where, t.Elem())
}
