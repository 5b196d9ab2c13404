package datasets

import (
	"math"
	"strings"
	"testing"
)

func TestCheckRange(t *testing.T) {
	table := func(text string) *Dataset {
		d, err := ParseCSV(strings.NewReader(text), "in.csv", CSVOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	huge := table("a,b,label\n1,1e300,0\n2,-1e308,1\n")
	if err := huge.CheckRange(1e75); err == nil || !strings.Contains(err.Error(), `in: column "b" has the value 1e+300 in the train split: above 1e+75`) {
		t.Error(err)
	}
	scaled, err := huge.Standardize()
	if err != nil {
		t.Fatal(err)
	}
	if err := scaled.CheckRange(1e75); err != nil {
		t.Error(err)
	}
	_, err = table("a,b,label\n1,1e308,0\n2,1.5e308,1\n").Standardize()
	if err == nil || !strings.Contains(err.Error(), `column "b" has values that are too large`) {
		t.Error(err)
	}
	images := &Dataset{Name: "i", Shape: []int{2, 1, 2}, Splits: []Split{{Name: Train, Packed: PackFloats([]float32{0, 1, math.MaxFloat32, 3}), Labels: []int{0}}}}
	if err := images.CheckRange(1e18); err == nil || !strings.Contains(err.Error(), "i: channel 1 has the value 3.403e+38") {
		t.Error(err)
	}
	if err := images.CheckRange(1e75); err != nil {
		t.Error(err)
	}
}
