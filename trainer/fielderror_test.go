package trainer_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/trainer"
)

func TestFieldErrorInTwoNotations(t *testing.T) {
	err := trainer.Below("Optimizer", trainer.OptimizerConfig{Name: "adam", Momentum: 0.9}.Validate())
	if want := "Optimizer.Momentum is not used by adam; set Beta1"; err.Error() != want {
		t.Errorf("in Go: %q; want %q", err, want)
	}
	var field *trainer.FieldError
	if !errors.As(err, &field) {
		t.Fatalf("%v is no FieldError", err)
	}
	renamed := field.Rename(strings.ToLower)
	if want := "optimizer.momentum is not used by adam; set beta1"; renamed.Error() != want {
		t.Errorf("renamed: %q; want %q", renamed, want)
	}
	if other := errors.New("other"); trainer.Below("Rate", other) != other {
		t.Error("another error did not stay as it is")
	}
}
