package plot

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/models/weights"
	"github.com/hessoscope/hessoscope/trainer"
)

// halves is a plane in which class 1 lies right of x = boundary: the gap is the
// distance, and the alignment changes its sign there.
func halves(edge float64, side int) *Plane {
	p := &Plane{Box: [4]float64{-1, 1, -1, 1}, Side: side, Alignments: [][]float64{nil}}
	for x := boundary.Cells(p.Box, side); len(x) > 0; x = x[2:] {
		class, sign := 0, 1.0
		if x[0] > edge {
			class, sign = 1, -1
		}
		p.Predicted = append(p.Predicted, class)
		p.Gaps = append(p.Gaps, math.Abs(x[0]-edge))
		p.Alignments[0] = append(p.Alignments[0], sign)
	}
	return p
}

// A boundary is where the interpolated gap is 0, also between the centres of cells,
// and alignments are not mixed across it.
func TestPlaneInterpolates(t *testing.T) {
	const edge = 0.13
	p := halves(edge, 10)
	for x := -0.99; x < 1; x += 0.01 {
		want := 0
		if x > edge {
			want = 1
		}
		if math.Abs(x-edge) < 1e-9 {
			continue
		}
		if have := p.At(x, 0.3); have != want {
			t.Errorf("class %d at x = %.2f; want %d", have, x, want)
		}
		c := p.around((x+1)/2*10, 3)
		if a, want := p.alignment(0, c, want), float64(1-2*want); math.Abs(a-want) > 1e-12 {
			t.Errorf("alignment %v at x = %.2f; want %v", a, x, want)
		}
	}
	// An oblique boundary, whose gap is linear in both coordinates: so is the interpolation.
	oblique := &Plane{Box: [4]float64{-1, 1, -1, 1}, Side: 10}
	lead := func(x, y float64) float64 { return x - 0.6*y - edge }
	for x := boundary.Cells(oblique.Box, oblique.Side); len(x) > 0; x = x[2:] {
		class := 0
		if lead(x[0], x[1]) > 0 {
			class = 1
		}
		oblique.Predicted, oblique.Gaps = append(oblique.Predicted, class), append(oblique.Gaps, math.Abs(lead(x[0], x[1])))
	}
	for x := -0.89; x < 0.9; x += 0.03 {
		for y := -0.89; y < 0.9; y += 0.03 { // between the outermost centres
			if l, have := lead(x, y), oblique.At(x, y); math.Abs(l) > 1e-9 && (have == 1) != (l > 0) {
				t.Fatalf("class %d at %.2f, %.2f; want the other", have, x, y)
			}
		}
	}
	// The first row is the uppermost.
	up := &Plane{Box: [4]float64{0, 1, 0, 1}, Side: 2, Predicted: []int{1, 1, 0, 0}, Gaps: []float64{1, 1, 1, 1}}
	if up.At(0.5, 0.9) != 1 || up.At(0.5, 0.1) != 0 {
		t.Error("rows are upside down")
	}
}

// pixelsOf returns the colours of an image and how many pixels have them.
func pixelsOf(img image.Image) map[color.NRGBA]int {
	found := make(map[color.NRGBA]int)
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			found[color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)]++
		}
	}
	return found
}

// Regions have the colours of their classes by area, samples theirs, and the margin is
// drawn in black.
func TestRegions(t *testing.T) {
	var found [2]map[color.NRGBA]int
	for i := range found {
		p := Regions("regions", halves(0.5, 20), &Samples{X: []float64{-0.5, 0, 0.8, 0, -0.2, 0.5}, Labels: []int{0, 1, 1}})
		if i == 1 {
			p.Distance(plotter.XY{X: -0.5, Y: 0}, plotter.XY{X: 0.5, Y: 0})
		}
		img, err := mapFigure([][]*Panel{{p}}).Image(200)
		if err != nil {
			t.Fatal(err)
		}
		found[i] = pixelsOf(img)
	}
	if ratio := float64(found[0][Pale(Class(0))]) / float64(found[0][Pale(Class(1))]); ratio < 2.5 || ratio > 3.5 {
		t.Errorf("%.2f times as much area of class 0 as of class 1; want 3", ratio)
	}
	if found[0][Class(0)] == 0 || found[0][Class(1)] == 0 {
		t.Error("no pixels of the samples")
	}
	if found[1][Black] <= found[0][Black] {
		t.Error("no pixels of the margin")
	}
}

// history is that of a run of three recorded epochs.
func history() []record.Entry {
	return []record.Entry{
		{Epoch: 0, Seconds: 1, Metrics: map[string]float64{trainer.LossOf("train"): 1, record.Low(record.LambdaMax): 2, record.SpectrumSeconds: 0.5}},
		{Epoch: 10, Seconds: 2, Metrics: map[string]float64{
			trainer.LossOf("train"): 0.1, record.LearningRate: 0.5, record.LambdaMax: 4, record.Low(record.LambdaMax): 4, record.High(record.LambdaMax): 4.1,
			record.Low(record.Complexity): 0, record.High(record.Complexity): 1, record.Outliers: 3, record.SpectrumSeconds: 0.5,
		}},
		{Epoch: 100, Seconds: 10, Metrics: map[string]float64{trainer.LossOf("train"): 0, record.LearningRate: 0.5}},
	}
}

func recorded(name string) *Run {
	aligned := &boundary.Eigenpairs{Values: []float64{4, 1, 0.1}, Parameters: 3, Complete: true}
	aligned.Alignments = mat.NewDense(4, 3, []float64{0.9, 0.1, 0, 0.8, 0.1, 0, -0.7, 0.6, 0, -0.1, -0.5, 0})
	return &Run{
		Name: name, Record: &record.Run{Model: record.RunModel{Parameters: 30, Classes: 3}}, History: history(),
		Spectra: []Spectrum{
			{Epoch: 0, Values: []float64{2, 1, -0.5}, Plane: halves(0, 5)},
			{Epoch: 10, Values: []float64{4, 1, 0.1, 0}, Plane: halves(0.5, 5), Aligned: aligned, Predicted: []int{0, 0, 1, 2}},
		},
		Margins: []Margin{{Epoch: 10, Rows: []int{0, 2}, Distances: []float64{0.4, -1}, Points: []float64{0.5, 0, 0, 0}, Predicted: []int{0, 1}}},
		Samples: &Samples{X: []float64{-0.5, 0, 0.8, 0, 0.9, 0.5}, Labels: []int{0, 1, 1}},
	}
}

// Every figure is drawn of a run that recorded everything, of two, and of one that has
// zeros where axes are logarithmic; of a run that recorded nothing all are missing and
// tell why.
func TestKinds(t *testing.T) {
	nothing := &Run{Name: "nothing", Record: new(record.Run)}
	for _, kind := range Kinds() {
		if kind.Name == "directions" || kind.Name == "critical" {
			continue // not recorded
		}
		for _, runs := range [][]*Run{{recorded("a")}, {recorded("a"), nothing, recorded("b")}} {
			figure, err := kind.Draw(runs)
			if err != nil {
				t.Errorf("%s of %d runs: %v", kind.Name, len(runs), err)
				continue
			}
			for _, format := range Formats {
				first, err := figure.Encode("." + format)
				if err != nil {
					t.Fatalf("%s of %d runs: %v", kind.Name, len(runs), err)
				}
				drawn, err := kind.Draw(runs)
				if err != nil {
					t.Fatal(err)
				}
				if again, err := drawn.Encode("." + format); err != nil || !bytes.Equal(first, again) {
					t.Errorf("%s of %d runs: %s differs when it is drawn again (error %v)", kind.Name, len(runs), format, err)
				}
			}
		}
		if _, err := kind.Draw([]*Run{nothing}); !IsMissing(err) || len(err.Error()) < 20 {
			t.Errorf("%s: error %v; want a Missing that says why", kind.Name, err)
		}
	}
}

// A single epoch is enough for the curves of what it has.
func TestCurvesOfOneEpoch(t *testing.T) {
	run := &Run{Name: "short", Record: new(record.Run), History: history()[:1]}
	for name, draw := range map[string]func([]*Run) (*Figure, error){"loss": Loss, "eigenvalues": Eigenvalues, "cost": Cost} {
		if _, err := draw([]*Run{run}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A panel without data is empty, on any axes.
func TestEmptyPanel(t *testing.T) {
	for _, log := range []bool{false, true} {
		p := NewPanel("nothing", "x", "y")
		if log {
			p.LogX()
			p.LogY()
		}
		x := p.X
		if widen(&x); !(0 < x.Min && x.Min < x.Max) {
			t.Fatalf("x from %g to %g", x.Min, x.Max)
		}
		if _, err := (&Figure{Rows: [][]*Panel{{p}}}).Encode(".png"); err != nil {
			t.Error(err)
		}
	}
}

// A map is square and in the middle, however wide its part of the figure is.
func TestMapIsSquare(t *testing.T) {
	p := newMap("map", halves(0, 4))
	for _, size := range [][2]vg.Length{{400, 300}, {300, 400}, {350, 350}} {
		c := draw.New(vgimg.New(size[0], size[1]))
		whole, area := p.DataCanvas(c), p.DataCanvas(p.squared(p.Plot, c))
		side := min(whole.Size().X, whole.Size().Y)
		near := func(a, b vg.Length) bool { return math.Abs(float64(a-b)) < 1e-6 }
		if s := area.Size(); !near(s.X, side) || !near(s.Y, side) || !near(area.Center().X, whole.Center().X) || !near(area.Center().Y, whole.Center().Y) {
			t.Errorf("%v: the area %v of %v; want a square of %v in the middle", size, area.Rectangle, whole.Rectangle, side)
		}
	}
}

// The bars of a histogram have the width of a fifth of a decade, with the value in it;
// those of negative values half of it. Zeros have none.
func TestDensityBins(t *testing.T) {
	for _, test := range []struct {
		values []float64
		width  float64 // in bins
	}{{[]float64{3}, 1}, {[]float64{0.03, 0}, 1}, {[]float64{-3}, 0.5}, {[]float64{0, 0}, math.NaN()}} {
		p := (&Spectrum{Values: test.values}).density("", 2)
		if math.IsNaN(test.width) {
			if len(p.legend) > 0 || !math.IsInf(p.X.Min, 1) {
				t.Errorf("bars of %v from %g to %g", test.values, p.X.Min, p.X.Max)
			}
			continue
		}
		left := math.Pow(10, math.Floor(perDecade*math.Log10(math.Abs(test.values[0])))/perDecade)
		if want := left * math.Pow(10, test.width/perDecade); math.Abs(p.X.Min/left-1) > 1e-12 || math.Abs(p.X.Max/want-1) > 1e-12 {
			t.Errorf("%v: bars from %g to %g, want %g to %g", test.values, p.X.Min, p.X.Max, left, want)
		}
	}
}

// Axes reach a little beyond the data, and those of epochs and those from 0 not below.
func TestWiden(t *testing.T) {
	for _, test := range []struct {
		scale     gonum.Normalizer
		low, high float64
		wantLow   float64
		wantHigh  float64
	}{
		{gonum.LinearScale{}, 1, 11, 0.6, 11.4},
		{gonum.LinearScale{}, 0, 10, 0, 10.4},
		{gonum.LinearScale{}, 5, 5, 4.5, 5.5},
		{gonum.LinearScale{}, 100, 100, 96, 104},
		{gonum.LogScale{}, 1, 1e5, math.Pow(10, -0.2), math.Pow(10, 5.2)},
		{gonum.LogScale{}, 1, 2, 1 / 1.1, 2.2},
		{epochScale{}, 100, 200, 96, 204},
	} {
		a := gonum.Axis{Min: test.low, Max: test.high, Scale: test.scale}
		if widen(&a); math.Abs(a.Min-test.wantLow) > 1e-12 || math.Abs(a.Max/test.wantHigh-1) > 1e-12 {
			t.Errorf("%T %g to %g: %g to %g, want %g to %g", test.scale, test.low, test.high, a.Min, a.Max, test.wantLow, test.wantHigh)
		}
	}
}

// The maps of one run fill two rows if they are many; those of several runs have a row
// each.
func TestRowsOfAlignments(t *testing.T) {
	mapped := func(vectors int) *Run {
		plane := halves(0, 4)
		plane.Alignments = slices.Repeat(plane.Alignments, vectors)
		return &Run{Record: new(record.Run), Spectra: []Spectrum{{Values: []float64{1}, Plane: plane}}}
	}
	for _, test := range []struct {
		runs []*Run
		want []int // panels in each row
	}{
		{[]*Run{mapped(2)}, []int{3}},
		{[]*Run{mapped(3)}, []int{2, 2}},
		{[]*Run{mapped(4)}, []int{3, 2}},
		{[]*Run{mapped(4), mapped(1)}, []int{5, 2}},
	} {
		figure, err := Alignments(test.runs)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, row := range figure.Rows {
			got = append(got, len(row))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%d runs: rows of %v panels, want %v", len(test.runs), got, test.want)
		}
	}
}

// Lines, triangles and bands tell values, lower bounds and intervals apart.
func TestEstimate(t *testing.T) {
	p := NewPanel("", "", "")
	if !p.estimate(recorded("a"), record.LambdaMax, "λ₁", Line{Color: Blue}) {
		t.Fatal("nothing was drawn")
	}
	var names []string
	for _, e := range p.legend {
		names = append(names, e.name)
	}
	if got := strings.Join(names, "|"); got != "λ₁|λ₁ ≥" {
		t.Errorf("legend %s; want the value and the lower bound", got)
	}
	if p.X.Max != 10 || p.Y.Min != 2 || p.Y.Max != 4.1 {
		t.Errorf("ranges to %v and %v to %v; want all of bound, value and interval", p.X.Max, p.Y.Min, p.Y.Max)
	}
}

func TestShares(t *testing.T) {
	points := shares(history(), record.SpectrumSeconds)
	if len(points) != 3 || points[0].Y != 50 || points[1].Y != 50 || points[2].Y != 10 {
		t.Errorf("%v; want 50, 50 and 10 %%", points)
	}
}

func TestClassPairs(t *testing.T) {
	pairs, err := recorded("a").ClassPairs()
	if err != nil || len(pairs) != 2 { // 4 and 1 are above 0.4
		t.Fatalf("%v, error %v; want two pairs", pairs, err)
	}
	if p := pairs[0]; p.Along != 0 || p.Against != 1 || math.Abs(p.Means[0]-0.85) > 1e-12 || p.Means[2] != -0.1 {
		t.Errorf("%+v; want classes 0 and 1, and the means 0.85, −0.7 and −0.1", p)
	}
	if p := pairs[1]; p.Along != 1 || p.Against != 2 {
		t.Errorf("%+v; want classes 1 and 2", p)
	}
}

// Each class has a cell in the colour of its mean alignment.
func TestPairs(t *testing.T) {
	run := recorded("a")
	figure, err := Pairs([]*Run{run})
	if err != nil {
		t.Fatal(err)
	}
	if p := figure.Rows[0][0]; p.X.Min != -0.5 || p.X.Max != 2.5 || p.Y.Min != -0.5 || p.Y.Max != 1.5 {
		t.Errorf("axes from %g to %g and %g to %g; want 3 classes and 2 pairs", p.X.Min, p.X.Max, p.Y.Min, p.Y.Max)
	}
	text, err := figure.Encode(".png")
	if err != nil {
		t.Fatal(err)
	}
	img, _, err := image.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	have := pixelsOf(img)
	pairs, err := run.ClassPairs()
	if err != nil {
		t.Fatal(err)
	}
	cell := img.Bounds().Dx() * img.Bounds().Dy() / len(pairs) / len(pairs[0].Means)
	for _, pair := range pairs {
		for class, mean := range pair.Means {
			if c := Diverging(mean); have[c] < cell/4 {
				t.Errorf("class %d: %d pixels have the colour %v of %.2f, want most of %d", class, have[c], c, mean, cell)
			}
		}
	}
}

// The two classes of a pair have frames.
func TestPairIsFramed(t *testing.T) {
	black := func(along, against int) int {
		pair := ClassPair{ClassPair: boundary.ClassPair{Along: along, Against: against}, Means: []float64{0.9, -0.9, 0.1, 0}}
		img, err := mapFigure([][]*Panel{{pairPanel("", []ClassPair{pair})}}).Image(200)
		if err != nil {
			t.Fatal(err)
		}
		return pixelsOf(img)[Black]
	}
	none := black(-1, -1)
	if one, two := black(0, 0)-none, black(0, 1)-none; one < 50 || two < one*19/10 || two > one*21/10 {
		t.Errorf("one frame has %d pixels, two have %d", one, two)
	}
}

func TestTicks(t *testing.T) {
	labels := func(ticker gonum.Ticker, low, high float64) string {
		var text []string
		for _, tick := range ticker.Ticks(low, high) {
			if tick.Label != "" {
				text = append(text, tick.Label)
			}
		}
		return strings.Join(text, " ")
	}
	for _, test := range []struct {
		ticker    gonum.Ticker
		low, high float64
		want      string
	}{
		{epochTicks{}, 0, 2000, "0 1 10 100 1000"},
		{epochTicks{}, 10, 100, "10 20 50 100"},
		{epochTicks{}, 0, 5, "0 1 2 3 4 5"},
		{logTicks{}, 2e-5, 0.3, "1e-4 0.001 0.01 0.1"},
		{logTicks{}, 0.04, 3, "0.05 0.1 0.2 0.5 1 2"},
		{logTicks{}, 1e-12, 1e3, "1e-12 1e-9 1e-6 0.001 1 1000"},
		{logTicks{}, 1.5, 3, "1.5 2 2.5 3"},
		{logTicks{}, 1, 3.9, "1 1.5 2 2.5 3 3.5"},
		{logTicks{}, 1, 4, "1 2"},
		{linearTicks{}, 0, 100, "0 20 40 60 80 100"},
		{linearTicks{}, -1.2, 2.1, "-1 0 1 2"},
		{linearTicks{}, 3, 3, ""},
		{logTicks{}, 0.0035, 0.009, "0.004 0.005 0.006 0.007 0.008 0.009"},
	} {
		if got := labels(test.ticker, test.low, test.high); got != test.want {
			t.Errorf("%T from %g to %g: %s; want %s", test.ticker, test.low, test.high, got, test.want)
		}
	}
	// Marks without a label are multiples of powers of ten, unless these are too many.
	for _, test := range []struct {
		ticker    gonum.Ticker
		low, high float64
		want      int
	}{
		{epochTicks{}, 0, 100, 1 + 2*9 + 1},
		{logTicks{}, 0.01, 100, 4*9 + 1},
		{logTicks{}, 1e-12, 1e3, 16},
	} {
		if got := len(test.ticker.Ticks(test.low, test.high)); got != test.want {
			t.Errorf("%T from %g to %g: %d marks, want %d", test.ticker, test.low, test.high, got, test.want)
		}
	}
}

func TestAnimate(t *testing.T) {
	var b bytes.Buffer
	if err := Animate(&b, recorded("a")); err != nil {
		t.Fatal(err)
	}
	movie, err := gif.DecodeAll(&b)
	if err != nil {
		t.Fatal(err)
	}
	if len(movie.Image) != 2 || movie.Delay[1] <= movie.Delay[0] {
		t.Fatalf("%d frames with the delays %v; want two, the last one longer", len(movie.Image), movie.Delay)
	}
	// The boundary moves from 0 to 0.5, so class 0 gains half as much again.
	first, last := pixelsOf(movie.Image[0])[Pale(Class(0))], pixelsOf(movie.Image[1])[Pale(Class(0))]
	if ratio := float64(last) / float64(first); ratio < 1.4 || ratio > 1.6 {
		t.Errorf("the area of class 0 grows by %.2f; want 1.5", ratio)
	}
	run := recorded("a")
	run.Spectra = run.Spectra[:1]
	if err := Animate(&b, run); !IsMissing(err) {
		t.Errorf("error %v; want a Missing", err)
	}
}

// Damaged arrays are errors that name the file.
func TestReadRefuses(t *testing.T) {
	for _, test := range []struct {
		file   string
		arrays []weights.Array
		want   string
	}{
		{record.SpectrumFile(3), []weights.Array{{Name: "plane_box", Shape: []int{4}, Data: []float64{0, 1, 0, 1}}}, "plane_gap the shape []"},
		{record.SpectrumFile(3), []weights.Array{{Name: "alignments", Shape: []int{1, 1}, Data: []float64{0}}}, "with 0 aligned_values"},
		{record.SpectrumFile(3), []weights.Array{{Name: "density_nodes", Shape: []int{1}, Data: []float64{0}}}, "1 density_nodes and 0 density_weights"},
		{record.SpectrumFile(3), []weights.Array{{Name: "top_values", Shape: []int{1, 1}, Data: []float64{0}}}, "want one dimension"},
		{record.SpectrumFile(3), []weights.Array{{Name: "plane_box", Shape: []int{4}, Data: []float64{0, 1, 0, 1}}, {Name: "plane_predicted", Shape: []int{1, 1}, Data: []float64{-1}}}, `"plane_predicted": -1; want whole numbers`},
		{record.MarginFile(3), []weights.Array{{Name: "margin_distances", Shape: []int{1}, Data: []float64{0}}}, "with 0 margin_rows"},
		{record.MarginFile(3), nil, "not a valid zip file"},
	} {
		folder := record.Folder(t.TempDir())
		write := func(path, text string) {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		write(folder.Run(), `{"status": "finished"}`)
		write(folder.History(), "")
		if err := os.Mkdir(folder.Measurements(), 0o755); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder.Measurements(), test.file)
		if test.arrays == nil {
			write(path, "no archive")
		} else if err := weights.Write(path, test.arrays); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(folder); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.file) {
			t.Errorf("error %v; want %s: … %s", err, test.file, test.want)
		}
	}
}

func TestColours(t *testing.T) {
	dark, light := color.NRGBA{0, 100, 200, 255}, color.NRGBA{100, 50, 250, 255}
	for _, c := range []struct{ got, want color.NRGBA }{
		{Mix(dark, light, 0), dark},
		{Mix(dark, light, 1), light},
		{Mix(dark, light, 0.5), color.NRGBA{50, 75, 225, 255}},
		{Diverging(0), color.NRGBA{255, 255, 255, 255}},
		{Diverging(-1), Blue},
		{Diverging(1), Vermillion},
		{Diverging(-7), Blue},
		{Diverging(7), Vermillion},
		{Diverging(0.5), color.NRGBA{234, 175, 128, 255}},
		{Diverging(0.503), Diverging(0.5)},
		{Class(8), Class(0)},
		{translucent(Blue), color.NRGBA{0, 114, 178, 60}},
	} {
		if c.got != c.want {
			t.Errorf("colour %v, want %v", c.got, c.want)
		}
	}
}

// The axis of epochs of a heat map ends with its cells, not with the lines over it.
// More eigenvalues are a darker grey.
func TestHeatMap(t *testing.T) {
	run := &Run{Record: &record.Run{}, Spectra: []Spectrum{
		{Epoch: 3, Values: []float64{4, 0.401, 0.4, -1}},
		{Epoch: 15, Values: []float64{8, 0.2, 0, -2}},
	}}
	p := heatMap("", run)
	if math.Abs(p.X.Min-3) > 1e-9 || math.Abs(p.X.Max-15) > 1e-9 {
		t.Errorf("epochs %g to %g, want 3 to 15", p.X.Min, p.X.Max)
	}
	if p.Y.Min > 0.2 || p.Y.Min < 0.1 || p.Y.Max < 8 || p.Y.Max > 16 {
		t.Errorf("eigenvalues %g to %g; want a bin more than 0.2 to 8", p.Y.Min, p.Y.Max)
	}
	var names []string
	before := uint8(215)
	for _, e := range p.legend {
		names = append(names, e.name)
		if s, ok := e.thumb.(swatch); ok {
			if s.R != s.G || s.G != s.B || s.R >= before || s.A != 255 {
				t.Errorf("colour %v of %s, after %d", s.NRGBA, e.name, before)
			}
			before = s.R
		}
	}
	if got := strings.Join(names, " "); got != "λ₁ λ₁/10 1 2" {
		t.Errorf("legend %s", got)
	}
}
