package command

import (
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/boundary"
	"github.com/hessoscope/hessoscope/datasets"
	"github.com/hessoscope/hessoscope/models/weights"
)

// alignAt runs analyze --alignment on a reference net, from few eigenvalues.
func alignAt(t *testing.T, net int, path string, args ...string) analysis.Result {
	t.Helper()
	return decode[analysis.Result](t, succeed(t, append([]string{
		"analyze", "--weights", nets[net].weights, "--data", nets[net].data, "--method", "lanczos", "--top", "4", "--bottom", "0",
		"--no-complexity", "--json", "-", "--alignment", path,
	}, args...)...))
}

// readTable returns the header and the columns of a CSV file of numbers.
func readTable(t *testing.T, path string) (header []string, columns map[string][]float64) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(read(t, path))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns = make(map[string][]float64)
	for _, row := range rows[1:] {
		for i, cell := range row {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatal(err)
			}
			columns[rows[0][i]] = append(columns[rows[0][i]], v)
		}
	}
	return rows[0], columns
}

// The grid covers the samples, and the CSV and .npz files hold the same numbers.
func TestAlignmentGrid(t *testing.T) {
	if testing.Short() {
		t.Skip("with the race detector it takes two minutes")
	}
	dir := t.TempDir()
	r := alignAt(t, 1, filepath.Join(dir, "a.csv"), "--alignment-points", "7")
	alignAt(t, 1, filepath.Join(dir, "a.npz"), "--alignment-points", "7", "--alignment-at", "grid")
	header, columns := readTable(t, filepath.Join(dir, "a.csv"))
	if got := strings.Join(header, ","); got != "x0,x1,predicted,gap,A1,A2,outlier_energy" {
		t.Errorf("header %s", got)
	}
	data, err := datasets.Load(t.Context(), nets[1].data, datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := boundary.Square(data.Splits[0].X)
	x0, x1 := columns["x0"], columns["x1"]
	corners := []float64{x0[0], x0[6], x1[0], x1[len(x1)-1], x1[6]}
	if len(x0) != 49 || !floats.EqualApprox(corners, append(b[:], b[2]), 1e-14) { // rounding
		t.Errorf("x0 %v and x1 %v; want 7 × 7 points of %v", x0, x1, b)
	}
	found := make(map[string]weights.Array)
	for _, a := range arrays(t, filepath.Join(dir, "a.npz")) {
		found[a.Name] = a
	}
	if len(found) != 5 || !slices.Equal(found["points"].Shape, []int{49, 2}) || !slices.Equal(found["alignments"].Shape, []int{49, 2}) {
		t.Errorf("arrays %v", found)
	}
	a := mat.NewDense(49, 2, found["alignments"].Data)
	for name, want := range map[string][]float64{
		"predicted": found["predicted"].Data, "gap": found["gaps"].Data, "outlier_energy": found["outlier_energy"].Data,
		"A1": mat.Col(nil, 0, a), "A2": mat.Col(nil, 1, a), "x0": mat.Col(nil, 0, mat.NewDense(49, 2, found["points"].Data)),
	} {
		if !slices.Equal(columns[name], want) {
			t.Errorf("%s: %v in the CSV file, %v in the .npz file", name, columns[name], want)
		}
	}
	for i, energy := range columns["outlier_energy"] {
		if want := math.Pow(columns["A1"][i], 2) + math.Pow(columns["A2"][i], 2); math.Abs(energy-want) > 1e-15 || columns["gap"][i] < 0 {
			t.Errorf("point %d: energy %v, gap %v; want %v, and no negative gap", i, energy, columns["gap"][i], want)
		}
	}
	if r.Alignment.Boundary.Points != 150 || r.Alignment.Vectors != 2 {
		t.Errorf("%+v; want 150 boundary points and 2 vectors", r.Alignment)
	}
}

// A line goes through two samples, and half their distance beyond.
func TestAlignmentLine(t *testing.T) {
	data, err := datasets.Load(t.Context(), nets[2].data, datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	train := &data.Splits[0]
	path := filepath.Join(t.TempDir(), "a.csv")
	rows := []int{slices.Index(train.Labels, 0), slices.Index(train.Labels, 2)}
	alignAt(t, 2, path, "--alignment-at", "line:"+strconv.Itoa(rows[0])+","+strconv.Itoa(rows[1]), "--alignment-points", "9", "--alignment-vectors", "3")
	header, columns := readTable(t, path)
	if got := strings.Join(header, ","); got != "t,sepal_length,sepal_width,petal_length,petal_width,predicted,gap,A1,A2,A3,outlier_energy" {
		t.Errorf("header %s", got)
	}
	if want := []float64{-0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5}; !floats.EqualApprox(columns["t"], want, 1e-15) {
		t.Errorf("t is %v, want %v", columns["t"], want)
	}
	for i, name := range data.Features {
		from, to := train.X[4*min(rows[0], rows[1])+i], train.X[4*max(rows[0], rows[1])+i]
		if c := columns[name]; len(c) == 9 && (math.Min(math.Abs(c[2]-from), math.Abs(c[6]-from)) > 1e-14 || math.Min(math.Abs(c[2]-to), math.Abs(c[6]-to)) > 1e-14) {
			t.Errorf("%s: %v; want %v and %v at 0 and 1", name, c, from, to)
		}
	}
	if p := columns["predicted"]; p[2] == p[6] {
		t.Errorf("classes %v on a line between two", p)
	}
	// Without rows, the line is between the nearest samples of two predicted classes.
	alignAt(t, 2, path, "--alignment-at", "line", "--alignment-points", "5")
	_, columns = readTable(t, path)
	length := 0.0
	for _, name := range data.Features {
		length = math.Hypot(length, columns[name][3]-columns[name][1])
	}
	alignAt(t, 2, path, "--alignment-at", "train")
	_, columns = readTable(t, path)
	nearest := math.Inf(1)
	for i, a := range columns["predicted"] {
		for j, b := range columns["predicted"] {
			if a != b {
				nearest = min(nearest, floats.Distance(train.X[4*i:4*i+4], train.X[4*j:4*j+4], 2))
			}
		}
	}
	if math.Abs(length-nearest) > 1e-14 { // rounding
		t.Errorf("the line is between samples at a distance of %v; want %v", length, nearest)
	}
}

// The samples of the split are the default where inputs are not in the plane; the
// same inputs as new data, without labels and with other columns, give the same.
func TestAlignmentAtSamplesAndNewData(t *testing.T) {
	if testing.Short() {
		t.Skip("with the race detector it takes half a minute")
	}
	data, err := datasets.Load(t.Context(), nets[2].data, datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file, err := filepath.Abs(nets[2].weights)
	if err != nil {
		t.Fatal(err)
	}
	chdir(t)
	var text strings.Builder
	text.WriteString("\ufeffnote,petal_width,petal_length,sepal_width,sepal_length\n")
	test := &data.Splits[1]
	for i := range test.Len() {
		text.WriteString("flower")
		for j := range 4 {
			text.WriteString("," + formatFloat(test.X[4*i+3-j]))
		}
		text.WriteString("\n")
	}
	write(t, "new.csv", text.String())
	run := func(path string, args ...string) {
		succeed(t, append([]string{"analyze", "--weights", file, "--data", "iris", "--method", "lanczos", "--top", "4", "--no-complexity", "--alignment", path}, args...)...)
	}
	run("default.csv")
	run("train.csv", "--alignment-at", "train")
	run("test.csv", "--alignment-at", "test")
	run("again.csv", "--alignment-at", "new.csv")
	if read(t, "default.csv") != read(t, "train.csv") || read(t, "test.csv") != read(t, "again.csv") {
		t.Error("the files of the same points differ")
	}
	header, columns := readTable(t, "test.csv")
	if got := strings.Join(header, ","); !strings.HasPrefix(got, "row,predicted,gap,A1,A2,") || len(columns["row"]) != 30 || columns["row"][29] != 29 {
		t.Errorf("header %s, %d rows; want 30", got, len(columns["row"]))
	}
}

// The columns of points are those of the user's table: words, gaps and all.
func TestAlignmentAtTable(t *testing.T) {
	chdir(t)
	table := customers(300)
	write(t, "customers.csv", table)
	write(t, "customers.yaml", customersExperiment)
	succeed(t, "train", "customers.yaml", "--no-progress", "--set", "training.epochs=2", "--set", "model.hidden=[4]", "--set", "data.split_shares={}", "--set", "training.class_weights=")
	lines := strings.Split(table, "\n")
	write(t, "points.csv", strings.Join(lines[:6], "\n")+"\n")
	quick := []string{"--method", "lanczos", "--top", "3", "--no-complexity", "--alignment"}
	for path, at := range map[string]string{"a.csv": "points.csv", "b.csv": "train"} {
		if r := hessoscope(append([]string{"analyze", "runs/customers", "--alignment-at", at}, append(quick, path)...)...); r.status != 0 {
			t.Fatal(r.stderr)
		}
	}
	_, points := readTable(t, "a.csv")
	_, split := readTable(t, "b.csv")
	for _, column := range []string{"row", "predicted", "gap"} {
		if n := len(points[column]); n != 5 || !floats.EqualApprox(points[column], split[column][:n], 1e-12) {
			t.Errorf("%s of the first five rows as points is %v; of the split %v", column, points[column], split[column][:n])
		}
	}
}

// A table with gaps and words is read by the settings of an experiment, or by those that
// a model file tells.
func TestAnalyzeTable(t *testing.T) {
	chdir(t)
	write(t, "customers.csv", customers(300))
	write(t, "customers.yaml", customersExperiment)
	succeed(t, "train", "customers.yaml", "--no-progress", "--set", "training.epochs=2", "--set", "model.hidden=[4]", "--set", "training.class_weights=")
	succeed(t, "export", "runs/customers", "m.safetensors")
	weights := read(t, "m.safetensors")
	var size uint64
	for i := 7; i >= 0; i-- {
		size = size<<8 | uint64(weights[i])
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal([]byte(weights[8:8+size]), &header); err != nil {
		t.Fatal(err)
	}
	delete(header, "__metadata__") // weights alone
	alone, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	write(t, "w.safetensors", string(binary.LittleEndian.AppendUint64(nil, uint64(len(alone))))+string(alone)+weights[8+size:])
	losses := make(map[string]float64)
	for name, args := range map[string][]string{
		"run":  {"runs/customers"},
		"file": {"--weights", "m.safetensors", "--data", "customers.csv"},
		"weights": {
			"--weights", "w.safetensors", "--data", "customers.csv", "--label", "class", "--standardize", "--set", "data.delimiter=;", "--set", "data.exclude=[id]",
			"--set", "data.missing=median", "--set", "data.categorical=[zip]", "--set", "data.split_shares={validation: 0.15, test: 0.15}",
		},
	} {
		r := hessoscope(append([]string{"analyze", "--no-complexity", "--method", "lanczos", "--top", "1", "--bottom", "0", "--tolerance", "1e-2", "--json", "-"}, args...)...)
		var found analysis.Result
		if err := json.Unmarshal([]byte(r.stdout), &found); err != nil {
			t.Fatalf("%s: %v, error %s", name, err, r.stderr)
		}
		if name != "run" && !strings.Contains(r.stderr, "gaps are filled") {
			t.Errorf("%s: gaps are not told: %q", name, r.stderr)
		}
		losses[name] = found.Loss
	}
	if losses["weights"] != losses["run"] {
		t.Errorf("losses %v; want that of the run for the weights", losses)
	}
	for _, bad := range [][2]string{{"training.epochs=3", "want a setting of the data, such as data.missing=median"}, {"data.missing=mean", `data.missing is "mean"; want error, median`}} {
		r := hessoscope("analyze", "--weights", "w.safetensors", "--data", "customers.csv", "--set", bad[0])
		if r.status != exitFault || !strings.Contains(r.stderr, bad[1]) {
			t.Errorf("--set %s: status %d, error %q", bad[0], r.status, r.stderr)
		}
	}
}

// New data of a run with standardized data are in the units of the source.
func TestAlignmentOfStandardizedData(t *testing.T) {
	chdir(t)
	succeed(t, "train", "gauss", "--no-progress", "--set", "training.epochs=3", "--set", "model.hidden=[8]", "--set", "data.standardize=true",
		"--set", "spectrum.off=true", "--set", "margin.off=true")
	data, err := datasets.Load(t.Context(), "gauss", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	test, err := data.Split(datasets.Test)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	text.WriteString("x0,x1\n")
	for i := range test.Len() {
		text.WriteString(formatFloat(test.X[2*i]) + "," + formatFloat(test.X[2*i+1]) + "\n")
	}
	write(t, "new.csv", text.String())
	for path, at := range map[string]string{"a.csv": "new.csv", "b.csv": "test"} {
		succeed(t, "analyze", "runs/gauss", "--alignment", path, "--alignment-at", at)
	}
	if read(t, "a.csv") != read(t, "b.csv") {
		t.Error("the test split differs from its points as new data")
	}
}

func TestBadAlignmentFlags(t *testing.T) {
	iris, err := filepath.Abs(nets[2].weights)
	if err != nil {
		t.Fatal(err)
	}
	analyze := func(args ...string) []string {
		return append([]string{"analyze", "--weights", iris, "--data", "iris", "--method", "lanczos", "--top", "4", "--no-complexity"}, args...)
	}
	at := func(at string) []string { return analyze("--alignment", "a.csv", "--alignment-at", at) }
	file := func(text string) func(*testing.T) {
		return func(t *testing.T) { write(t, "new.csv", text) }
	}
	testBadInputs(t, []badInput{
		{"more vectors than pairs", nil, analyze("--alignment", "a.csv", "--alignment-vectors", "5"), []string{"alignment with 5 eigenvectors: those of the 4 largest eigenvalues are known"}},
		{"negative vectors", nil, analyze("--alignment", "a.csv", "--alignment-vectors=-1"), []string{"--alignment-vectors -1: want 0, for those of the outliers, or more"}},
		{"one point", nil, analyze("--alignment", "a.csv", "--alignment-points", "1"), []string{"--alignment-points 1: want 2 to 1000"}},
		{"points without a file", nil, analyze("--alignment-at", "train"), []string{"--alignment-at and --alignment-vectors belong to --alignment FILE"}},
		{"another name", nil, analyze("--alignment", "a.txt"), []string{"--alignment a.txt: want a name that ends in .csv or .npz"}},
		{"a missing folder", nil, analyze("--alignment", "a/a.csv"), []string{"a/a.csv: there is no folder a"}},
		{"a grid in four dimensions", nil, at("grid"), []string{"--alignment-at grid: the inputs have 4 values; a grid wants 2"}},
		{"an unknown split", nil, at("tests"), []string{"--alignment-at tests: want grid, line, line:I,J, the name of a split, or a .csv file", "it has train, test"}},
		{"a line of one row", nil, at("line:3"), []string{"--alignment-at line:3: want two rows of the split, as line:3,17"}},
		{"a line of three rows", nil, at("line:3,17,4"), []string{"--alignment-at line:3,17,4: want two rows of the split"}},
		{"a line of one class", nil, at("line:0,0"), []string{"--alignment-at line:0,0: both rows are predicted as class ", "want rows of two predicted classes"}},
		{"a line to a missing row", nil, at("line:0,120"), []string{"row 120 is outside split \"train\", which has 120"}},
		{"a missing file", nil, at("new.csv"), []string{"--alignment-at ", "new.csv: no such file"}},
		{"an empty file", file(""), at("new.csv"), []string{"new.csv: the file is empty"}},
		{"other columns", file("x0,x1\n1,2\n"), at("new.csv"), []string{`new.csv:1: no feature column "sepal_length": there are "x0", "x1"`}},
		{"no rows", file("sepal_length,sepal_width,petal_length,petal_width\n"), at("new.csv"), []string{"new.csv: no rows after the line of column names"}},
		{"a short row", file("sepal_length,sepal_width,petal_length,petal_width\n1,2\n"), at("new.csv"), []string{"new.csv:2:3: row has 2 fields, want 4"}},
		{"no number", file("sepal_length,sepal_width,petal_length,petal_width\n1,2,NaN,4\n"), at("new.csv"), []string{`new.csv:2:5: column "petal_length": the value is missing`}},
	})
}
