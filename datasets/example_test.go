package datasets_test

import (
	"context"
	"fmt"
	"log"
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
	_, err = datasets.ParseCSV(strings.NewReader("x,label\nabc,0\n"), "bad.csv", datasets.CSVOptions{})
	fmt.Println(err)
	// Output:
	// trees [height width] [ash oak]
	// [1.5 2 0.5 3] [1 0]
	// bad.csv:2:1: column "x": "abc" is not a number
}
