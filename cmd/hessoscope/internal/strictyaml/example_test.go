package strictyaml_test

import (
	"fmt"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
)

type recipe struct {
	Name string `yaml:"name"`
	Oven oven   `yaml:"oven"`
}

type oven struct {
	Degrees int `yaml:"degrees"`
	Minutes int `yaml:"minutes"`
}

func Example() {
	var r recipe
	err := strictyaml.Parse("bread.yaml", []byte("name: bread\noven:\n  degres: 220\n"), &r, "see the manual")
	fmt.Println(err)
	if err := strictyaml.Parse("bread.yaml", []byte("name: bread\noven: {degrees: 220}\n"), &r, "see the manual"); err != nil {
		fmt.Println(err)
	}
	if err := strictyaml.Assign(&r, "--set", "oven.minutes", "35"); err != nil {
		fmt.Println(err)
	}
	fmt.Println(strictyaml.Assign(&r, "--set", "minutes", "35"))
	fmt.Println(strictyaml.Assign(&r, "--set", "oven.minutes", "35.5"))
	fmt.Printf("%+v\n", r)
	// Output:
	// bread.yaml:3:3: unknown key "degres"; did you mean "degrees"?
	// --set: unknown key "minutes" here; did you mean "oven.minutes"?
	// --set: oven.minutes has 35.5; want a whole number
	// {Name:bread Oven:{Degrees:220 Minutes:35}}
}
