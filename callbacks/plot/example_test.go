package plot_test

import (
	"fmt"

	"gonum.org/v1/plot/plotter"

	"github.com/hessoscope/hessoscope/callbacks/plot"
)

// A figure of one's own in the same style.
func ExampleFigure() {
	p := plot.NewPanel("distance", "", "distance to the boundary")
	p.EpochAxis()
	p.LogY()
	p.Band([]plot.Interval{{X: 1, Low: 0.1, High: 0.3}, {X: 100, Low: 0.4, High: 0.6}}, plot.Green)
	p.Line("median", plotter.XYs{{X: 1, Y: 0.2}, {X: 100, Y: 0.5}}, plot.Line{Color: plot.Green, Dots: true})
	p.Level("radius of the data", 2, plot.Vermillion)
	figure := plot.Figure{Rows: [][]*plot.Panel{{p}}}
	for _, format := range plot.Formats {
		data, err := figure.Encode("." + format)
		fmt.Println(format, len(data) > 1000, err)
	}
	_, err := figure.Encode(".jpg")
	fmt.Println(err)
	// Output:
	// png true <nil>
	// svg true <nil>
	// extension ".jpg"; want .png or .svg
}
