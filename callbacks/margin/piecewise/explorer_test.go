package piecewise

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"pgregory.net/rapid"

	"github.com/hessoscope/hessoscope/models"
)

// draw returns a random network and a sample of it.
func draw(rng *rand.Rand, a models.Activation, widths ...int) (n *Network, x []float64, class int) {
	var layers []models.Dense
	for l, out := range widths[1:] {
		layer := models.Dense{Weight: make([]float64, out*widths[l]), Bias: make([]float64, out)}
		for i := range layer.Weight {
			layer.Weight[i] = rng.NormFloat64() * math.Sqrt(2/float64(widths[l]))
		}
		for i := range layer.Bias {
			layer.Bias[i] = 0.5 * rng.NormFloat64()
		}
		row := layer.Weight[:widths[l]]
		switch rng.IntN(8) {
		case 0: // a unit that depends on nothing
			clear(row)
		case 1: // a dead one
			layer.Bias[0] = -100
		case 2: // one twice
			if out > 1 {
				copy(layer.Weight[widths[l]:], row)
				layer.Bias[1] = layer.Bias[0]
			}
		}
		layers = append(layers, layer)
	}
	x = make([]float64, widths[0])
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	n = New(layers, a)
	return n, x, floats.MaxIdx(logitsAt(n, x))
}

// logitsAt evaluates a network, one layer after the other.
func logitsAt(n *Network, x []float64) []float64 {
	h := x
	for l, layer := range n.layers {
		z := make([]float64, len(layer.Bias))
		for i := range z {
			z[i] = floats.Dot(layer.Weight[i*len(h):(i+1)*len(h)], h) + layer.Bias[i]
			if l == len(n.layers)-1 {
				continue
			}
			switch n.activation {
			case models.ReLU:
				z[i] = max(z[i], 0)
			case models.LeakyReLU:
				z[i] = max(z[i], 0.01*z[i])
			case models.Tanh:
				z[i] = math.Tanh(z[i])
			case models.Sigmoid:
				z[i] = 1 / (1 + math.Exp(-z[i]))
			case models.Softplus:
				z[i] = math.Log1p(math.Exp(z[i]))
			}
		}
		h = z
	}
	return h
}

// enumerate returns the distance to the boundary from the programs of all regions.
func enumerate(n *Network, x []float64, class int) float64 {
	v := newView(n)
	v.move(x, class)
	v.measure(1)
	slope, _ := n.activation.Slope()
	d := newDescent(newRegion(v, slope))
	nearest := math.Inf(1)
	for pattern := range 1 << n.Hidden() {
		for i := range d.on {
			d.on[i] = pattern>>i&1 == 1
		}
		d.build()
		for c := range n.classes() {
			if c == class {
				continue
			}
			if found := d.nearest(c, nearest, nil); found != nil {
				nearest = found.norm
			}
		}
	}
	return nearest
}

// starts are random points beyond the boundary, as offsets.
func starts(rng *rand.Rand, n *Network, x []float64, class int) (found [][]float64) {
	for range 200 {
		p := make([]float64, len(x))
		for i := range p {
			p[i] = x[i] + 5*rng.NormFloat64()
		}
		if floats.MaxIdx(logitsAt(n, p)) != class && len(found) < 3 {
			floats.Sub(p, x)
			found = append(found, n.Coordinates(p))
		}
	}
	return found
}

// enough is the number of cases from which on shares of them are judged; -short draws
// fewer.
const enough = 100

var shapes = [][]int{{2, 3}, {1, 4, 2}, {2, 5, 2}, {2, 8, 3}, {3, 4, 4, 2}, {2, 3, 3, 3, 2}, {6, 2, 3, 3}, {3, 6, 3, 4}, {9, 7, 2}}

func TestDistancesAgainstAllRegions(t *testing.T) {
	cases, settled, local := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		cases++
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		a := rapid.SampledFrom([]models.Activation{models.ReLU, models.LeakyReLU}).Draw(t, "activation")
		n, x, class := draw(rng, a, rapid.SampledFrom(shapes).Draw(t, "widths")...)
		logits := logitsAt(n, x)
		slices.Sort(logits)
		if logits[len(logits)-2] == floats.Max(logits) {
			return // the sample is on the boundary
		}
		want := enumerate(n, x, class)
		found := NewExplorer(n).Nearest(x, class, starts(rng, n, x, class), rng)
		if found.Y == nil {
			return
		}
		distance := floats.Norm(found.Y, 2)
		if found.Lower > want*(1+1e-9) || want > distance*(1+1e-9) {
			t.Fatalf("%.12g ≤ %.12g ≤ %.12g does not hold", found.Lower, want, distance)
		}
		if found.Lower < distance*(1-Certainty) {
			t.Fatalf("lower bound %.12g, distance %.12g, in truth %.12g", found.Lower, distance, want)
		}
		settled++
		if !found.Settled {
			local++
		}
		logits = logitsAt(n, n.Point(x, found.Y))
		own := logits[class]
		logits[class] = math.Inf(-1)
		if gap := own - floats.Max(logits); gap > 0 {
			t.Fatalf("the point is not beyond the boundary: gap %g", gap)
		}
	})
	if cases >= enough && 4*settled < cases || local > 0 {
		t.Errorf("%d distances in %d cases, %d of them not settled", settled, cases, local)
	}
}

// Without the help of branch and bound, a search is to end where no point nearby is
// beyond the boundary and nearer.
func TestSettledPointsAreLocalMinima(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		n, x, class := draw(rng, models.ReLU, 3, 12, 12, 3)
		e := NewExplorer(n)
		e.view.move(x, class)
		var best Nearest
		for _, y := range starts(rng, n, x, class) {
			e.try(&best, y)
		}
		if best.Y == nil || !best.Settled {
			return
		}
		distance := floats.Norm(best.Y, 2)
		for range 2000 {
			y := make([]float64, len(best.Y))
			for i := range y {
				y[i] = best.Y[i] + 1e-5*distance*rng.NormFloat64()
			}
			if floats.Norm(y, 2) < distance*(1-1e-8) && floats.MaxIdx(logitsAt(n, n.Point(x, y))) != class {
				t.Fatalf("distance %.12g, but there is a point at %.12g", distance, floats.Norm(y, 2))
			}
		}
	})
}

func TestLowerBoundsOfSmoothNets(t *testing.T) {
	cases, positive := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		cases++
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 4))
		a := rapid.SampledFrom([]models.Activation{models.Tanh, models.Sigmoid, models.Softplus}).Draw(t, "activation")
		n, x, class := draw(rng, a, 3, 8, 8, 3)
		lower := NewExplorer(n).Lower(x, class, 10)
		if lower > 0 {
			positive++
		}
		for range 500 {
			p := make([]float64, len(x))
			for i := range p {
				p[i] = rng.NormFloat64()
			}
			floats.Scale(lower*math.Pow(rng.Float64(), 0.2)/floats.Norm(p, 2), p)
			floats.Add(p, x)
			if floats.MaxIdx(logitsAt(n, p)) != class {
				t.Fatalf("%s: a point at %g is beyond the boundary; lower bound %g", a, floats.Distance(p, x, 2), lower)
			}
		}
	})
	if cases >= enough && 5*positive < 4*cases {
		t.Errorf("%d lower bounds in %d cases are positive", positive, cases)
	}
	n, x, class := draw(rand.New(rand.NewPCG(1, 5)), models.GELU, 3, 8, 8, 3)
	if lower := NewExplorer(n).Lower(x, class, 10); lower != 0 {
		t.Errorf("lower bound %g for GELU", lower)
	}
}
