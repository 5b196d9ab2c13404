package trainer

import (
	"errors"
	"fmt"
)

// FieldError says which field of a configuration is wrong, and what would be
// right.
type FieldError struct {
	Field   string // as in YAML, with dots: "rate.base"
	Problem string // goes on from the field: "is -1; want a positive number"
}

func (e *FieldError) Error() string { return e.Field + " " + e.Problem }

// Below puts the field of a *FieldError below a key; other errors stay as they
// are.
func Below(key string, err error) error {
	var field *FieldError
	if !errors.As(err, &field) {
		return err
	}
	return &FieldError{Field: key + "." + field.Field, Problem: field.Problem}
}

func wrong(field, problem string, args ...any) error {
	return &FieldError{Field: field, Problem: fmt.Sprintf(problem, args...)}
}
