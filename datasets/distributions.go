package datasets

import "math"

// A component is one class-conditional Gaussian with a diagonal covariance; a set on a line uses the first coordinate.
type component struct {
	class     int
	mean, std [2]float64
}

// A model returns the Gaussian from which sample i of n is drawn. The samples of a component are consecutive.
type model func(i, n int) component

// mixture is a model whose components have blocks of samples whose sizes differ by at most one.
func mixture(components ...component) model {
	return func(i, n int) component { return components[i*len(components)/n] }
}

// circle is two concentric circles of radius 1 and 1/2, evenly spaced angles.
func circle(i, n int) component {
	outer := n / 2
	if i < outer {
		y, x := math.Sincos(2 * math.Pi * float64(i) / float64(outer))
		return component{0, [2]float64{x, y}, [2]float64{0.1, 0.1}}
	}
	y, x := math.Sincos(2 * math.Pi * float64(i-outer) / float64(n-outer))
	return component{1, [2]float64{x / 2, y / 2}, [2]float64{0.1, 0.1}}
}

// halfMoon is two unit half circles, the lower one moved by (1, 1/2) into the upper; evenly spaced angles, both ends
// included.
func halfMoon(i, n int) component {
	upper := n / 2
	if i < upper {
		y, x := math.Sincos(math.Pi * float64(i) / float64(upper-1))
		return component{0, [2]float64{x, y}, [2]float64{0.1, 0.1}}
	}
	y, x := math.Sincos(math.Pi * float64(i-upper) / float64(n-upper-1))
	return component{1, [2]float64{1 - x, 0.5 - y}, [2]float64{0.1, 0.1}}
}

// The components of the paper's Gaussian sets. Its points are draws from exactly these.
var (
	gauss = mixture(
		component{0, [2]float64{2, -1}, [2]float64{0.5, 0.5}},
		component{1, [2]float64{-2, 0}, [2]float64{0.5, 1}},
		component{2, [2]float64{0, 2}, [2]float64{0.5, 0.5}},
	)
	hierarchical = mixture(
		component{0, [2]float64{2, -1}, [2]float64{0.5, 0.55}},
		component{1, [2]float64{2, 1}, [2]float64{0.5, 0.55}},
		component{2, [2]float64{-2, 1}, [2]float64{0.5, 0.55}},
		component{3, [2]float64{-2, -1}, [2]float64{0.5, 0.55}},
	)
	checkerboardLinear = checkerboard(0.8)
	checkerboardNoisy  = checkerboard(0.5)

	// intro1D is the paper's six points, each with a standard deviation of a tenth of the narrowest gap between the
	// classes.
	intro1D = mixture(
		onLine(0, 0.5), onLine(1, 1), onLine(1, 1.1), onLine(1, 1.3), onLine(0, 1.4), onLine(0, 1.45),
	)
)

// checkerboard is four flat Gaussians up the x1 axis, the classes alternating at distance x on either side of x0 = 0.
func checkerboard(x float64) model {
	std := [2]float64{0.3, 0.1}
	return mixture(
		component{0, [2]float64{x, -3}, std},
		component{0, [2]float64{x, 1}, std},
		component{1, [2]float64{-x, -1}, std},
		component{1, [2]float64{-x, 3}, std},
	)
}

func onLine(class int, x float64) component {
	return component{class, [2]float64{x}, [2]float64{0.01}}
}
