package strictyaml

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

func firstLine(s string) string {
	if end := strings.IndexAny(s, "\n\r"); end >= 0 {
		return s[:end]
	}
	return s
}

// recovered turns a panic into an error, because the YAML library panics on some
// input.
func recovered(name string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%s: cannot be read as YAML: %s", name, firstLine(fmt.Sprint(r)))
	}
}

// located returns a parser's error in one line, with file, line and column. The
// function unknown returns the message for a token that is not a known key.
func located(name string, err error, unknown func(*token.Token) string) error {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return fmt.Errorf("%s: %s", name, problem(err, unknown))
	}
	return fmt.Errorf("%s: %s", Position(name, at.GetToken()), problem(err, unknown))
}

// problem returns a parser's error in one line, without its place.
func problem(err error, unknown func(*token.Token) string) string {
	var field *yaml.UnknownFieldError
	var mismatch *yaml.TypeError
	var overflow *yaml.OverflowError
	var kind *yaml.UnexpectedNodeTypeError
	var at yaml.Error
	switch {
	case errors.As(err, &field):
		return unknown(field.GetToken())
	case errors.As(err, &mismatch):
		return fmt.Sprintf("%q is not %s", mismatch.GetToken().Value, kindName(mismatch.DstType))
	case errors.As(err, &overflow):
		return fmt.Sprintf("%s is out of range; want %s", overflow.SrcNum, kindName(overflow.DstType))
	case errors.As(err, &kind) && kind.Expected == ast.SequenceType:
		return fmt.Sprintf("%q is not a list; want one in brackets, such as [%[1]s]", kind.GetToken().Value)
	case errors.As(err, &kind) && kind.Expected == ast.MappingType:
		return "want a group of settings: {key: value}, or keys with values below it"
	case errors.As(err, &at):
		return firstLine(at.GetMessage())
	default:
		return firstLine(err.Error())
	}
}

// kindName returns the name of a type in messages for people who write YAML.
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
