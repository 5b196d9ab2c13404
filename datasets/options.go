package datasets

import (
	"fmt"
	"slices"
	"strings"
)

// Options choose what [Load] loads. The zero value means the paper's own points, or a whole set. An option that
// does not apply to the set is an error; [Info.Options] names those that do.
type Options struct {
	// Samples, if not zero, is how many points to draw from the distribution of a synthetic set in place of the
	// paper's; at least 10 for each class and at most 10 million.
	Samples int
	// Seed makes the drawing and the permutation of labels repeatable. It needs Samples, TestSamples or RandomLabels.
	Seed uint64
	// Noise is the standard deviation along x0 of what is drawn; that along x1 keeps its proportion. Zero means the
	// paper's. It needs Samples.
	Noise float64
	// TestSamples, if not zero, replaces the test split of a synthetic set by so many points drawn from its distribution
	// and leaves the other splits as they are; at least 10 for each class and at most 10 million. With the paper's own 40
	// to 80 test points an accuracy is known to about 5 %, with 2000 to about 1 %.
	TestSamples int
	// RandomLabels permutes the labels of the train split.
	RandomLabels bool
	// Classes keeps only the samples of these classes, which become 0, 1, … in the order given. Empty means all.
	Classes []int
	// PerClass, if not zero, keeps at most so many samples of each class in each split, the first ones in its order.
	PerClass int
	// DataDir holds the files of MNIST, Fashion-MNIST or CIFAR-10. Empty means the folder hessoscope/NAME in the user's
	// cache, which is filled with those of MNIST when needed.
	DataDir string
	// MaxGB is the most memory, in GB of 1e9 bytes, that the values of a set in files may take; 1 if zero. A set that needs
	// more is an error before it is read, or of a CSV file, as soon as that is known.
	MaxGB float64
}

// checkApply returns an error for the first option that is set and is not among those that apply.
func (o Options) checkApply(options []string) error {
	for _, name := range o.given() {
		if !slices.Contains(options, name) {
			return fmt.Errorf("option %s does not apply to this set; these do: %s", name, strings.Join(options, ", "))
		}
	}
	return nil
}

// given names the options that are set.
func (o Options) given() []string {
	var names []string
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"Samples", o.Samples != 0},
		{"TestSamples", o.TestSamples != 0},
		{"Seed", o.Seed != 0},
		{"Noise", o.Noise != 0},
		{"RandomLabels", o.RandomLabels},
		{"Classes", len(o.Classes) != 0},
		{"PerClass", o.PerClass != 0},
		{"DataDir", o.DataDir != ""},
		{"MaxGB", o.MaxGB != 0},
	} {
		if f.set {
			names = append(names, f.name)
		}
	}
	return names
}
