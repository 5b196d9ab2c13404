package datasets

import (
	"slices"
)

// Info describes a data set that [Load] knows, as it is with zero [Options].
type Info struct {
	Name        string
	Description string
	Source      string
	Classes     []string
	Features    []string // nil for images
	Shape       []int    // of one sample
	Splits      []SplitInfo
	Options     []string // names of the fields of Options that apply
	Fetched     bool     // its files are on this computer, as those of most built-in sets always are
	Files       string   // what files it is read from and where they come from; empty if it is built in
	Fetchable   bool     // [Load] fetches the files
}

// SplitInfo is the size of one split.
type SplitInfo struct {
	Name    string
	Samples int
}

// info describes the set with zero Options.
func (e *entry) info() Info {
	i := Info{
		Name:        e.name,
		Description: e.description,
		Source:      e.origin,
		Classes:     e.classes,
		Features:    e.features,
		Shape:       e.shape,
		Splits:      e.splits,
		Options:     e.options(),
		Fetched:     e.isCached(),
	}
	if e.files != nil {
		i.Files, i.Fetchable = e.files.names+", from "+e.files.home, e.files.fetch != nil
	}
	return i
}

// An entry is one line of the catalog.
type entry struct {
	name, description, origin string

	shape    []int
	features []string
	classes  []string
	splits   []SplitInfo

	files        *fileSet // nil if the set is built in
	model        model    // of the distribution; nil if there is none to draw from
	randomLabels bool     // the labels of all samples are permuted before they are split
}

// catalog returns fresh values, which a Dataset may keep.
func catalog() []entry {
	const paper = "arXiv:2306.07104"
	plane := []string{"x0", "x1"}
	return []entry{
		{
			name: "intro1D", origin: paper, description: "six points on a line, the second class between two parts of the first",
			shape: []int{1}, features: []string{"x0"}, classes: numbered(2), splits: sizes(6, 0, 0), model: intro1D,
		},
		{
			name: "gauss", origin: paper, description: "three Gaussians in the plane",
			shape: []int{2}, features: slices.Clone(plane), classes: numbered(3), splits: sizes(150, 90, 60), model: gauss,
		},
		{
			name: "gauss_random_labels", origin: paper, description: "the points of gauss with the labels permuted",
			shape: []int{2}, features: slices.Clone(plane), classes: numbered(3), splits: sizes(150, 90, 60), model: gauss,
			randomLabels: true,
		},
		{
			name: "hierarchical", origin: paper, description: "four Gaussians in the plane, in two pairs far from each other",
			shape: []int{2}, features: slices.Clone(plane), classes: numbered(4), splits: sizes(150, 90, 60), model: hierarchical,
		},
		{
			name: "circle", origin: paper, description: "two concentric circles in the plane",
			shape: []int{2}, features: slices.Clone(plane), classes: numbered(2), splits: sizes(100, 60, 40), model: circle,
		},
		{
			name: "half_moon", origin: paper, description: "two interleaved half circles in the plane",
			shape: []int{2}, features: slices.Clone(plane), classes: numbered(2), splits: sizes(100, 60, 40), model: halfMoon,
		},
		{
			name: "checkerboard_linear", origin: paper, description: "four flat Gaussians, the classes in turn on either side of a line",
			shape: []int{2}, features: slices.Clone(plane), classes: numbered(2), splits: sizes(200, 120, 80), model: checkerboardLinear,
		},
		{
			name: "checkerboard_noisy", origin: paper, description: "checkerboard_linear with its classes moved together until they overlap along x0",
			shape: []int{2}, features: slices.Clone(plane), classes: numbered(2), splits: sizes(200, 120, 80), model: checkerboardNoisy,
		},
		{
			name: "iris", origin: "R. A. Fisher (1936), UCI Machine Learning Repository; split of " + paper,
			description: "sepals and petals of three species of iris, in cm",
			shape:       []int{4},
			features:    []string{"sepal_length", "sepal_width", "petal_length", "petal_width"},
			classes:     []string{"setosa", "versicolor", "virginica"},
			splits:      sizes(120, 0, 30),
		},
		{
			name: mnistName, origin: "Y. LeCun, C. Cortes, C. J. C. Burges; files of " + mnistModule,
			description: "handwritten digits, grey values 0 to 1", shape: []int{1, 28, 28}, classes: numbered(10), splits: sizes(60000, 0, 10000),
			files: &fileSet{names: mnistFiles, home: "yann.lecun.com/exdb/mnist", read: readMNIST, has: hasMNIST, fetch: FetchMNIST},
		},
		{
			name: "fashion_mnist", origin: "H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747",
			description: "articles of clothing, grey values 0 to 1", shape: []int{1, 28, 28}, splits: sizes(60000, 0, 10000),
			classes: []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"},
			files:   &fileSet{names: mnistFiles, home: "github.com/zalandoresearch/fashion-mnist", read: readMNIST, has: hasMNIST},
		},
		{
			name: "cifar10", origin: "A. Krizhevsky (2009), Learning multiple layers of features from tiny images",
			description: "colour photographs of ten kinds of things, values 0 to 1", shape: []int{3, 32, 32}, splits: sizes(50000, 0, 10000),
			classes: []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"},
			files:   &fileSet{names: cifarFiles, home: "www.cs.toronto.edu/~kriz/cifar.html", read: readCIFAR, has: hasCIFAR},
		},
	}
}

// options names the fields of Options that apply.
func (e *entry) options() []string {
	switch {
	case e.name == "intro1D": // its points are not drawn, and it has no test split
		return []string{"Samples", "Seed", "Noise", "RandomLabels"}
	case e.model != nil:
		return []string{"Samples", "TestSamples", "Seed", "Noise", "RandomLabels"}
	case e.files != nil:
		return []string{"Seed", "RandomLabels", "Classes", "PerClass", "DataDir", "MaxGB"}
	}
	return []string{"Seed", "RandomLabels", "Classes", "PerClass"}
}

func sizes(train, validation, test int) []SplitInfo {
	all := []SplitInfo{{Train, train}, {Validation, validation}, {Test, test}}
	return slices.DeleteFunc(all, func(s SplitInfo) bool { return s.Samples == 0 })
}

// lookup returns the built-in set of that name, nil if there is none.
func lookup(name string) *entry {
	for _, e := range catalog() {
		if e.name == name {
			return &e
		}
	}
	return nil
}
