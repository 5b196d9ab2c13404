package models

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestFinite(t *testing.T) {
	for _, test := range []struct {
		at    int
		value float64
		want  string
	}{
		{0, 1, ""},
		{0, math.NaN(), "models: entry 0 of a product is NaN: not finite"},
		{6, math.Inf(1), "models: entry 6 of a product is +Inf: not finite"},
		{9, math.Inf(-1), "models: entry 9 of a product is -Inf: not finite"},
	} {
		values := make([]float64, 10)
		values[test.at] = test.value
		if err := finite("a product", values); test.want == "" && err != nil || test.want != "" && (!errors.Is(err, ErrNotFinite) || err.Error() != test.want) {
			t.Errorf("%v at %d: error %v, want %q", test.value, test.at, err, test.want)
		}
	}
	if err := finite("a product", []float64{math.MaxFloat64, math.MaxFloat64}); err != nil {
		t.Errorf("numbers with an infinite sum: %v", err)
	}
	if err := finite("a product", []float64{math.Inf(1), math.Inf(-1)}); err == nil || !strings.Contains(err.Error(), "entry 0") {
		t.Errorf("infinite numbers of both signs: error %v", err)
	}
}
