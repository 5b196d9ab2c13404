package network

import (
	"os"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/models"
)

// docs/networks.md describes every layer, every setting and every ready-made network.
func TestLayersAreDocumented(t *testing.T) {
	data, err := os.ReadFile("../../docs/networks.md")
	if err != nil {
		t.Fatal(err)
	}
	want := Names()
	for _, a := range models.Activations() {
		want = append(want, string(a))
	}
	for kind, layer := range types {
		row := ""
		for line := range strings.Lines(string(data)) {
			if strings.HasPrefix(line, "| `"+kind+"` |") {
				row = line
			}
		}
		for f := range layer.Fields() {
			if key, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); !strings.Contains(row, "`"+key+"`") {
				t.Errorf("docs/networks.md has no %s in the row of %s: %q", key, kind, row)
			}
		}
		if row == "" {
			t.Errorf("docs/networks.md has no row of %s", kind)
		}
	}
	for _, name := range want {
		if !strings.Contains(string(data), "`"+name+"`") {
			t.Errorf("docs/networks.md does not name %s", name)
		}
	}
}
