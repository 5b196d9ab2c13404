package trainer

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// FieldError says which field of a configuration is invalid, and which values
// are valid.
type FieldError struct {
	Field string // path of Go fields: "Rate.Base", "All[1].Patience"
	// Problem continues the sentence that Field begins: "is -1; want a positive
	// number". Names of other fields of the same struct are in braces:
	// "excludes {MinDelta}".
	Problem string
}

var fieldInBraces = regexp.MustCompile(`\{(\w+)\}`)

func (e *FieldError) Error() string {
	return e.Field + " " + fieldInBraces.ReplaceAllString(e.Problem, "$1")
}

// Rename returns the error with other names for the fields, such as the keys of
// a file. The function name maps the path of a Go field to its other name.
func (e *FieldError) Rename(name func(path string) string) *FieldError {
	last := func(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
	beside := e.Field[:len(e.Field)-len(last(e.Field))]
	return &FieldError{Field: name(e.Field), Problem: fieldInBraces.ReplaceAllStringFunc(e.Problem, func(other string) string {
		return last(name(beside + strings.Trim(other, "{}")))
	})}
}

// Below prefixes the field of a *FieldError with the field that contains it:
// "Base" below "Rate" becomes "Rate.Base". Other errors are returned unchanged.
func Below(field string, err error) error {
	var wrong *FieldError
	if !errors.As(err, &wrong) {
		return err
	}
	return &FieldError{Field: field + "." + wrong.Field, Problem: wrong.Problem}
}

// wrong returns a *FieldError whose problem is formatted.
func wrong(field, problem string, args ...any) error {
	return &FieldError{Field: field, Problem: fmt.Sprintf(problem, args...)}
}
