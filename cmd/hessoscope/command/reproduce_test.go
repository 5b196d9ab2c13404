package command

import (
	"strings"
	"testing"
)

// The command reproduces the figures that are named, and says which there are.
func TestReproduce(t *testing.T) {
	chdir(t)
	if r := hessoscope("reproduce", "fig7"); r.status != 2 || !strings.Contains(r.stderr, `no figure "fig7"; did you mean "fig1"?`) {
		t.Errorf("status %d, %q", r.status, r.stderr)
	}
	out := succeed(t, "reproduce", "fig1", "--quick", "--no-progress", "--set", "training.epochs=300")
	for _, want := range []string{"reproduce-quick/fig1.png: six points", "intro1D  λ₁", "reproduce-quick/table.md says why numbers differ"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// A preset that starts from another run says how to make that one.
func TestPresetStart(t *testing.T) {
	chdir(t)
	want := "there is no finished run runs/gauss_random_labels; `hessoscope train gauss_random_labels` makes it"
	for _, command := range []string{"train", "doctor"} {
		if r := hessoscope(command, "gauss_adversarial"); r.status != 2 || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: status %d, %q; want %s", command, r.status, r.stderr, want)
		}
	}
}
