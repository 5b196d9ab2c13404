package datasets_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/hessoscope/hessoscope/datasets"
)

func ExampleLoad() {
	iris, err := datasets.Load(context.Background(), "iris", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	train, err := iris.Split("train")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(iris.Classes)
	fmt.Println(train.Len(), "samples of", iris.Width(), "values")
	fmt.Println("row", train.Index[0], "is", iris.Classes[train.Labels[0]])
	// Output:
	// [setosa versicolor virginica]
	// 120 samples of 4 values
	// row 42 is setosa
}

func ExampleSplit_Values() {
	// Four bytes are two images of one grey value above another. Packed, they take four bytes.
	train := datasets.Split{Name: datasets.Train, Packed: datasets.PackBytes([]uint8{0, 255, 51, 102}), Labels: []int{0, 1}}
	d := &datasets.Dataset{Name: "pixels", Shape: []int{1, 2, 1}, Classes: []string{"dark", "light"}, Splits: []datasets.Split{train}}
	fmt.Println(d.Splits[0].Values())
	d, err := d.Standardize()
	if err != nil {
		log.Fatal(err)
	}
	row := make([]float32, d.Width())
	datasets.CopyRow(row, &d.Splits[0], 1)
	fmt.Printf("%.3f, mean %.3f\n", row, d.Scaling.Mean)
	// Output:
	// [0 1 0.2 0.4]
	// [-0.535 0.000], mean [0.400]
}

func ExampleDataset_Choose() {
	iris, err := datasets.Load(context.Background(), "iris", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	two, err := iris.Choose([]int{2, 0}, 10)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(two.Classes, two.Splits[0].Len())
	// Output: [virginica setosa] 20
}

func ExampleAugmentation() {
	d := &datasets.Dataset{Name: "arrow", Shape: []int{1, 2, 3}}
	images, err := datasets.Augmentation{Shift: 1, Flip: true}.For(d)
	if err != nil {
		log.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 3 {
		x := []float64{1, 2, 3, 4, 5, 6}
		images.Apply(rng, x)
		fmt.Println(x[:3], x[3:])
	}
	// Output:
	// [0 0 0] [2 3 0]
	// [0 0 0] [2 3 0]
	// [0 0 0] [0 3 2]
}

func ExampleLoad_generated() {
	moons, err := datasets.Load(context.Background(), "half_moon", datasets.Options{Samples: 1000, Seed: 1, Noise: 0.2})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range moons.Splits {
		fmt.Println(s.Name, s.Len())
	}
	// Output:
	// train 500
	// validation 300
	// test 200
}

func ExampleParseCSV() {
	const table = `height,width,kind,split
1.5,2,oak,train
0.5,3,ash,train
1.0,4,oak,val
`
	d, err := datasets.ParseCSV(strings.NewReader(table), "trees.csv", datasets.CSVOptions{Label: "kind"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Name, d.Features, d.Classes)
	fmt.Println(d.Splits[0].X, d.Splits[0].Labels)
	_, err = datasets.ParseCSV(strings.NewReader("x,label\n1,0\nabc,0\n"), "bad.csv", datasets.CSVOptions{})
	fmt.Println(err)
	// Output:
	// trees [height width] [ash oak]
	// [1.5 2 0.5 3] [1 0]
	// bad.csv:3:1: column "x": "abc" is not a number
}

func ExamplePreprocessing_ParseRows() {
	table := "size;color;label\n1;red;0\n;blue;1\n3;red;1\n8;;0\n"
	d, err := datasets.ParseCSV(strings.NewReader(table), "things.csv", datasets.CSVOptions{Delimiter: ";", Missing: datasets.MissingMedian})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Features, d.Splits[0].X)
	rows, err := d.Preprocessing.ParseRows(strings.NewReader("color;size\nblue;2\ngreen;\n"), "new.csv", 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rows.X)
	for _, note := range rows.Notes {
		fmt.Println(note)
	}
	// Output:
	// [size color=blue color=red] [1 0 1 3 1 0 3 0 1 8 0 1]
	// [2 1 0 3 0 0]
	// gaps are filled by the median of the train split, or of words the most frequent one: 1 of size by 3
	// cells with a category that the train split has not are encoded as zeros: 1 of color
}

// The schema of the training data reads new samples, in the units of the source, for
// the network.
func ExampleSchema_Load() {
	dir, err := os.MkdirTemp("", "schema")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	trees, err1 := datasets.ParseCSV(strings.NewReader("height,width,kind\n1,2,oak\n3,6,ash\n"), "trees.csv", datasets.CSVOptions{Label: "kind"})
	path := filepath.Join(dir, "new.csv")
	err2 := os.WriteFile(path, []byte("width,place,height\n6,wood,2\n"), 0o600)
	if err := errors.Join(err1, err2); err != nil {
		log.Fatal(err)
	}
	trees, err = trees.Standardize()
	if err != nil {
		log.Fatal(err)
	}
	samples, err := trees.Schema().Load(context.Background(), path, "", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(samples.N, samples.X, samples.Labels)
	// Output: 1 [0 1] []
}
