package experiment

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
)

// docs/experiment.md describes every setting.
func TestSettingsAreDocumented(t *testing.T) {
	data, err := os.ReadFile("../../../../docs/experiment.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for key, of := range strictyaml.Keys(reflect.TypeFor[Config]()) {
		if of.Kind() == reflect.Struct {
			continue
		}
		name := key[strings.LastIndex(key, ".")+1:]
		if !strings.Contains(text, "`"+key+"`") && !strings.Contains(text, "`"+name+"`") && !strings.Contains(text, "`"+name+":") {
			t.Errorf("docs/experiment.md does not name %s", key)
		}
	}
}
