package strictyaml

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/hessoscope/hessoscope/trainer"
)

// wholeNumbers returns a *trainer.FieldError if data, the YAML of a key, has a number
// that the decoder would truncate to fit an integer of type t, because it has a
// fraction or is too large.
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
			if err := wholeNumber(group[Key(field)], field.Type, strings.TrimPrefix(key+"."+Key(field), ".")); err != nil {
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
