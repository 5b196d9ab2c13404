package suggest_test

import (
	"fmt"
	"testing"

	"github.com/hessoscope/hessoscope/datasets/suggest"
)

func TestNearest(t *testing.T) {
	known := []string{"epochs", "rate", "batch_size", "rate"}
	for name, want := range map[string]string{
		"epoch":  `; did you mean "epochs"?`,
		"Rate":   `; did you mean "rate"?`,
		"batch_": `; did you mean "batch_size"?`,
		"zzzzzz": "; want one of batch_size, epochs, rate",
		"":       "; want one of batch_size, epochs, rate",
	} {
		if got := suggest.Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
	if got := suggest.Nearest("x", nil); got != "" {
		t.Errorf("Nearest among none = %q, want nothing", got)
	}
}

func ExampleNearest() {
	fmt.Printf("unknown key %q%s\n", "epoch", suggest.Nearest("epoch", []string{"epochs", "rate"}))
	// Output: unknown key "epoch"; did you mean "epochs"?
}
