package trainer

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// FieldError says which field of a configuration is wrong, and what would be
// right.
type FieldError struct {
	Field string // path of Go fields: "Rate.Base", "All[1].Patience"
	// Problem goes on from the field: "is -1; want a positive number". The names
	// of other fields beside it stand in braces: "excludes {MinDelta}".
	Problem string
}

var fieldInBraces = regexp.MustCompile(`\{(\w+)\}`)

func (e *FieldError) Error() string {
	return e.Field + " " + fieldInBraces.ReplaceAllString(e.Problem, "$1")
}

// Rename returns the error in the words of another notation, such as the keys of
// a file. Name gives the name of a field by its path.
func (e *FieldError) Rename(name func(path string) string) *FieldError {
	last := func(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
	beside := e.Field[:len(e.Field)-len(last(e.Field))]
	return &FieldError{Field: name(e.Field), Problem: fieldInBraces.ReplaceAllStringFunc(e.Problem, func(other string) string {
		return last(name(beside + strings.Trim(other, "{}")))
	})}
}

// Below puts the field of a *FieldError below another one; other errors stay as
// they are.
func Below(field string, err error) error {
	var wrong *FieldError
	if !errors.As(err, &wrong) {
		return err
	}
	return &FieldError{Field: field + "." + wrong.Field, Problem: wrong.Problem}
}

func wrong(field, problem string, args ...any) error {
	return &FieldError{Field: field, Problem: fmt.Sprintf(problem, args...)}
}
