package experiment

import (
	"fmt"
	"reflect"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/trainer"
)

// A setting is the value of a setting, as YAML on one line.
type setting struct{ key, value string }

// settings returns all settings on which the results depend, in the order of Config.
// Those that are not set have the values that stand for that, such as 0.
func (c *Config) settings() ([]setting, error) {
	known := *c
	known.Name, known.Description, known.Begun = "", "", Begun{}
	known.Workers, known.MemoryGB, known.Spectrum.Memory = 0, 0, 0
	return appendSettings(nil, "", reflect.ValueOf(known))
}

func appendSettings(all []setting, above string, group reflect.Value) ([]setting, error) {
	for field, value := range group.Fields() {
		key := strictyaml.Key(field)
		if key == "" { // is no setting
			continue
		}
		var err error
		if field.Type.Kind() == reflect.Struct {
			all, err = appendSettings(all, above+key+".", value)
		} else {
			var text string
			text, err = strictyaml.Flow(value.Interface())
			all = append(all, setting{above + key, text})
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Difference returns a *trainer.FieldError for the first setting in which an existing
// run differs from what it is to be, as differences finds it.
func Difference(was, is *Config) error {
	found, err := differences(was, is)
	if err != nil || len(found) == 0 {
		return err
	}
	d := found[0]
	return &trainer.FieldError{Field: d.Setting, Problem: fmt.Sprintf("was %s and is to be %s now", d.Was, d.Is)}
}

// differences returns the settings in which two experiments differ. It ignores names,
// the number of workers and the memory allowed, on which the results do not depend.
// Paths of one file are the same.
func differences(was, is *Config) ([]record.Change, error) {
	a, err := was.real().settings()
	if err != nil {
		return nil, err
	}
	b, err := is.real().settings()
	if err != nil {
		return nil, err
	}
	var found []record.Change
	for i := range a {
		if a[i] != b[i] {
			found = append(found, record.Change{Setting: a[i].key, Was: a[i].value, Is: b[i].value})
		}
	}
	return found, nil
}

// real returns a copy of c with paths without symbolic links.
func (c *Config) real() *Config {
	r := *c
	for _, path := range r.paths() {
		*path = Real(*path)
	}
	return &r
}
