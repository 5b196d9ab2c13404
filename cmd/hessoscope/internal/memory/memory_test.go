package memory

import (
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/models/machine"
)

func TestCheck(t *testing.T) {
	fits := func(free float64) string {
		if free < 0 || free > 2e9 {
			t.Errorf("free %v", free)
		}
		return "spectrum.top=3"
	}
	parts := []Part{{"training", 1e9}, {"spectrum", 4e9}, {"margin", 1e6}}
	if left, err := Check(parts, 6, "memory_gb", fits); err != nil || !(left > 0.8e9 && left < 1e9) {
		t.Error(left, err)
	}
	_, err := Check(parts, 2, "memory_gb", fits)
	if err == nil || !strings.HasPrefix(err.Error(), "about 5 GB of memory are needed, and 1.9") ||
		!strings.Contains(err.Error(), "Needed for spectrum 4 GB, training 1 GB. spectrum.top=3 fits; memory_gb=5.1 goes on nevertheless") {
		t.Error(err)
	}
	if _, known := machine.Available(); known {
		if _, err := Check([]Part{{"all", 1e18}}, 0, "memory_gb", func(float64) string { return "less" }); err == nil {
			t.Error("a million terabytes: no error")
		}
	}
}
