package sweep

import (
	"fmt"
	"reflect"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/trainer"
)

// difference returns a *trainer.FieldError for the first setting in which an existing
// run differs from the plan. It ignores the number of workers, on which the results do
// not depend.
func difference(is, want *experiment.Config) error {
	a, b := *is, *want
	a.Description, b.Description, a.Workers, b.Workers = "", "", 0, 0
	return differs(reflect.ValueOf(a), reflect.ValueOf(b), "")
}

func differs(is, want reflect.Value, above string) error {
	for field, a := range is.Fields() {
		if !field.IsExported() { // is no setting
			continue
		}
		key, b := above+strictyaml.Key(field), want.FieldByIndex(field.Index)
		if field.Type.Kind() == reflect.Struct {
			if err := differs(a, b, key+"."); err != nil {
				return err
			}
			continue
		}
		x, err := strictyaml.Flow(a.Interface())
		if err != nil {
			return err
		}
		y, err := strictyaml.Flow(b.Interface())
		if err != nil {
			return err
		}
		if x != y {
			return &trainer.FieldError{Field: key, Problem: fmt.Sprintf("was %s and is to be %s now", x, y)}
		}
	}
	return nil
}
