package datasets_test

import (
	"context"
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	"github.com/hessoscope/hessoscope/datasets"
)

// spirals draws points on two interleaved spirals, a train and a test split of
// equal size.
func spirals(_ context.Context, o datasets.Options) (*datasets.Dataset, error) {
	n := o.Samples
	if n == 0 {
		n = 200
	}
	d := &datasets.Dataset{
		Source: "drawn", Shape: []int{2}, Features: []string{"x0", "x1"}, Classes: []string{"left", "right"},
	}
	rng := rand.New(rand.NewPCG(o.Seed, 0))
	for row, name := range []string{datasets.Train, datasets.Test} {
		s := datasets.Split{Name: name}
		for i := range n / 2 {
			class := i % 2
			radius := rng.Float64()
			y, x := math.Sincos(math.Pi * (3*radius + float64(class)))
			s.X = append(s.X, radius*x, radius*y)
			s.Labels = append(s.Labels, class)
			s.Index = append(s.Index, row*n/2+i)
		}
		d.Splits = append(d.Splits, s)
	}
	return d, nil
}

// The set becomes known by its name when the program begins.
func init() {
	datasets.Register(datasets.Info{
		Name: "spirals", Description: "two interleaved spirals in the plane", Source: "drawn",
		Classes: []string{"left", "right"}, Features: []string{"x0", "x1"}, Shape: []int{2},
		Splits:  []datasets.SplitInfo{{Name: datasets.Train, Samples: 100}, {Name: datasets.Test, Samples: 100}},
		Options: []string{"Samples", "Seed"}, Fetched: true,
	}, spirals)
}

func ExampleRegister() {
	d, err := datasets.Load(context.Background(), "spirals", datasets.Options{Samples: 60})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range d.Splits {
		fmt.Println(d.Name, s.Name, s.Len())
	}
	_, err = datasets.Load(context.Background(), "spirals", datasets.Options{Noise: 0.1})
	fmt.Println(err)
	_, err = datasets.Load(context.Background(), "spiral", datasets.Options{})
	fmt.Println(err)
	// Output:
	// spirals train 30
	// spirals test 30
	// datasets: spirals: option Noise does not apply to this set; these do: Samples, Seed
	// datasets: no data set "spiral"; did you mean "spirals"?
}
