package command

import (
	"cmp"
	"encoding/csv"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/hessoscope/hessoscope/callbacks/analysis"
	"github.com/hessoscope/hessoscope/callbacks/margin"
	"github.com/hessoscope/hessoscope/datasets"
)

// analyzeMargin returns the result of analyze --margin for a net, with few eigenvalues.
func analyzeMargin(t *testing.T, args ...string) *analysis.Margin {
	t.Helper()
	args = append([]string{"analyze", "--method", "lanczos", "--top", "3", "--bottom", "0", "--no-complexity", "--json", "-"}, args...)
	found := decode[analysis.Result](t, succeed(t, args...)).Margin
	if found == nil {
		t.Fatalf("hessoscope %q: no margin", args)
	}
	return found
}

// distance is a row of the file that --margins writes.
type distance struct {
	sample, label, predicted, rival int // rival −1 where no boundary was found
	distance, lower                 float64
	converged                       bool
}

func readDistances(t *testing.T, path string) []distance {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(read(t, path))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if header := strings.Join(rows[0], ","); header != "sample,label,predicted,rival,distance,converged,lower" {
		t.Errorf("header %s", header)
	}
	var all []distance
	for _, row := range rows[1:] {
		d := distance{rival: -1, distance: math.Inf(1)}
		var errs [7]error
		d.sample, errs[0] = strconv.Atoi(row[0])
		d.label, errs[1] = strconv.Atoi(row[1])
		d.predicted, errs[2] = strconv.Atoi(row[2])
		if row[3] != "" || row[4] != "" {
			d.rival, errs[3] = strconv.Atoi(row[3])
			d.distance, errs[4] = strconv.ParseFloat(row[4], 64)
		}
		d.converged, errs[5] = strconv.ParseBool(row[5])
		d.lower, errs[6] = strconv.ParseFloat(row[6], 64)
		if err := cmp.Or(errs[:]...); err != nil {
			t.Fatalf("row %q: %v", row, err)
		}
		all = append(all, d)
	}
	return all
}

// quantileOf interpolates between the order statistics.
func quantileOf(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-2)
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// The margin in the JSON agrees with the distances of the samples in the file.
func TestAnalyzeMargin(t *testing.T) {
	for _, net := range nets {
		t.Run(net.name, func(t *testing.T) {
			if testing.Short() && net.name == "gauss_small" {
				t.Skip("with the race detector it takes a minute")
			}
			path := filepath.Join(t.TempDir(), "d.csv")
			m := analyzeMargin(t, "--weights", net.weights, "--data", net.data, "--margins", path)
			data, err := datasets.Load(t.Context(), net.data, datasets.Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkMargin(t, m, &data.Splits[0], readDistances(t, path))
			if m.Samples != data.Splits[0].Len() || m.Misclassified != 0 {
				t.Errorf("%d samples, %d misclassified; want all of %d and none", m.Samples, m.Misclassified, data.Splits[0].Len())
			}
			checkEigenvector(t, "eigenvector", m.Eigenvector, *m.Min, &data.Splits[0])
			checkEigenvector(t, "paper", m.Paper, *m.Min, &data.Splits[0])
			if m.Paper.Starts != 1 || m.Paper.Vector != 1 || math.Abs(m.Eigenvector.Gap) > 1e-6 || m.Eigenvector.Starts < 2 {
				t.Errorf("eigenvector %+v, paper %+v", m.Eigenvector, m.Paper)
			}
		})
	}
}

// checkMargin compares m with the rows of its file.
func checkMargin(t *testing.T, m *analysis.Margin, split *datasets.Split, rows []distance) {
	t.Helper()
	var right []float64
	var nearest distance
	wrong, unconverged, unbounded, certified := 0, 0, 0, 0
	for i, d := range rows {
		if d.label != split.Labels[d.sample] || i > 0 && d.sample <= rows[i-1].sample {
			t.Errorf("row %d: %+v; want the label %d, and samples in order", i, d, split.Labels[d.sample])
		}
		switch {
		case d.predicted != d.label:
			wrong++
			continue
		case d.rival < 0:
			unbounded++
			continue
		case !d.converged:
			unconverged++
		}
		if d.lower >= d.distance*(1-1e-6) {
			certified++
		}
		if d.lower > d.distance || m.MinLower == nil || d.lower < *m.MinLower {
			t.Errorf("row %d: %+v; want a lower bound, and at least that of the margin", i, d)
		}
		if len(right) == 0 || d.distance < nearest.distance {
			nearest = d
		}
		right = append(right, d.distance)
	}
	if m.Samples != len(rows) || m.Misclassified != wrong || m.Unconverged != unconverged || m.Unbounded != unbounded || m.Certified != certified {
		t.Errorf("%+v; want %d samples, %d misclassified, %d not converged, %d without boundary, %d certified", m.Summary, len(rows), wrong, unconverged, unbounded, certified)
	}
	if m.Min == nil || m.Logit.Min == nil || m.Input.Min == nil {
		t.Fatalf("%+v; want a margin", m)
	}
	if *m.Min != nearest.distance || m.Sample != nearest.sample || m.Rival != nearest.rival {
		t.Errorf("margin %v of sample %d to class %d; want %+v", *m.Min, m.Sample, m.Rival, nearest)
	}
	width := len(m.Point)
	if d := floats.Distance(m.Point, split.X[m.Sample*width:(m.Sample+1)*width], 2); math.Abs(d-*m.Min) > 1e-12 {
		t.Errorf("the point is %v from its sample, want %v", d, *m.Min)
	}
	slices.Sort(right)
	for p, have := range map[float64]*float64{0.05: m.Q05, 0.25: m.Q25, 0.5: m.Median} {
		if want := quantileOf(right, p); math.Abs(*have-want) > 1e-14*want {
			t.Errorf("quantile %v is %v, want %v", p, *have, want)
		}
	}
	for name, q := range map[string]margin.Quantiles{"logit": m.Logit, "input": m.Input} {
		if !(*q.Min <= *q.Q05 && *q.Q05 <= *q.Median) {
			t.Errorf("%s: quantiles %v, %v, %v", name, *q.Min, *q.Q05, *q.Median)
		}
	}
	if (*m.Logit.Min < 0) != (wrong > 0) {
		t.Errorf("least logit margin %v with %d misclassified", *m.Logit.Min, wrong)
	}
}

func checkEigenvector(t *testing.T, name string, e *margin.Eigenvector, least float64, split *datasets.Split) {
	t.Helper()
	if e == nil || e.Excess == nil {
		t.Fatalf("%s: %+v; want a value and its excess", name, e)
	}
	width := len(e.Point)
	if d := floats.Distance(e.Point, split.X[e.Sample*width:(e.Sample+1)*width], 2); math.Abs(d-e.Value) > 1e-12*d {
		t.Errorf("%s: the point is %v from sample %d, want %v", name, d, e.Sample, e.Value)
	}
	if want := e.Value/least - 1; math.Abs(*e.Excess-want) > 1e-12 || !(e.Alignment > 0 && e.Alignment <= 1+1e-12) {
		t.Errorf("%s: excess %v, alignment %v; want %v and a squared cosine", name, *e.Excess, e.Alignment, want)
	}
}

// One net misclassifies some samples, the other one all.
func TestAnalyzeMarginOfMisclassified(t *testing.T) {
	skipShort(t)
	file, err := filepath.Abs(nets[0].weights) // of one input and two classes, with a boundary at 1.33
	if err != nil {
		t.Fatal(err)
	}
	chdir(t)
	write(t, "some.csv", "x,label\n-1,0\n0,0\n0.5,0\n1,1\n1.2,0\n1.5,0\n2,1\n")
	m := analyzeMargin(t, "--weights", file, "--data", "some.csv", "--margins", "d.csv")
	split := &datasets.Split{X: []float64{-1, 0, 0.5, 1, 1.2, 1.5, 2}, Labels: []int{0, 0, 0, 1, 0, 0, 1}}
	rows := readDistances(t, "d.csv")
	if len(rows) != 7 {
		t.Fatalf("%d rows, want 7", len(rows))
	}
	checkMargin(t, m, split, rows)
	if m.Misclassified == 0 || m.Misclassified == 7 {
		t.Errorf("%d misclassified; want some", m.Misclassified)
	}
	var all strings.Builder
	all.WriteString("x,label\n")
	for _, d := range rows {
		all.WriteString(strconv.FormatFloat(split.X[d.sample], 'g', -1, 64) + "," + strconv.Itoa(1-d.predicted) + "\n")
	}
	write(t, "all.csv", all.String())
	m = analyzeMargin(t, "--weights", file, "--data", "all.csv", "--margin")
	if m.Min != nil || m.Q05 != nil || m.Median != nil || m.Sample != -1 || m.Rival != -1 || m.Point != nil || m.Misclassified != 7 || m.Logit.Median == nil {
		t.Errorf("%+v; want no margin, and 7 misclassified", m)
	}
	if e := m.Eigenvector; e != nil && e.Excess != nil {
		t.Errorf("excess %v over no margin", *e.Excess)
	}
	if table := succeed(t, "analyze", "--weights", file, "--data", "all.csv", "--margin"); !strings.Contains(table, "none: no rightly classified sample of 7 has a boundary within reach") {
		t.Errorf("the table does not say that there is no margin\n%s", table)
	}
}

// A smaller number of samples is drawn with the seed. The results do not depend on the
// number of workers.
func TestAnalyzeMarginSame(t *testing.T) {
	skipShort(t)
	analyze := func(net int, args ...string) string {
		out := succeed(t, append([]string{
			"analyze", "--weights", nets[net].weights, "--data", nets[net].data, "--method", "lanczos", "--top", "3", "--bottom", "0", "--no-complexity",
		}, args...)...)
		return timePattern.ReplaceAllString(out, "${1}0")
	}
	first, again := filepath.Join(t.TempDir(), "d.csv"), filepath.Join(t.TempDir(), "d.csv")
	few := []string{"--margin-samples", "20", "--json", "-"}
	want := analyze(1, append(few, "--margin", "--workers", "3")...)
	if have := analyze(1, append(few, "--margins", first, "--workers", "1")...); have != want {
		t.Errorf("by one worker, and to a file:\n%s\nwant, as by three:\n%s", have, want)
	}
	other := decode[analysis.Result](t, analyze(1, append(few, "--margins", again, "--seed", "9", "--top", "0", "--bottom", "1")...)).Margin
	if other.Eigenvector != nil || other.Paper != nil {
		t.Errorf("margins %+v and %+v of eigenvectors, without one", other.Eigenvector, other.Paper)
	}
	data, err := datasets.Load(t.Context(), nets[1].data, datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rows, redrawn := readDistances(t, first), readDistances(t, again)
	if len(rows) != 20 || len(redrawn) != 20 || slices.Equal(rows, redrawn) || other.Samples != 20 {
		t.Errorf("%d and %d rows, drawn by different seeds; want 20 each, and different", len(rows), len(redrawn))
	}
	checkMargin(t, decode[analysis.Result](t, want).Margin, &data.Splits[0], rows)
	table := analyze(0, "--margin")
	for _, want := range []string{"margin           ", "measured         6 samples, 0 misclassified", "logit margin     ", "by eigenvectors  ", "as published     "} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in the table\n%s", want, table)
		}
	}
	if without := decode[analysis.Result](t, analyze(0, "--json", "-")); without.Margin != nil {
		t.Error("a margin that was not asked for")
	}
}

// The results for a run are those that the run itself measured.
func TestAnalyzeMarginOfARun(t *testing.T) {
	chdir(t)
	succeed(t, "train", "gauss", "--no-progress", "--set", "training.epochs=4", "--set", "model.hidden=[8]", "--set", "spectrum.off=true", "--set", "seed=5")
	want := readLines(t, "runs/gauss/metrics.jsonl")[4].Metrics
	m := analyzeMargin(t, "runs/gauss", "--margin", "--seed", "5", "--top", "0", "--bottom", "1")
	if m.Min == nil || m.Logit.Median == nil || m.Input.Min == nil {
		t.Fatalf("%+v; want a margin", m)
	}
	for metric, have := range map[string]float64{
		"boundary/margin": *m.Min, "boundary/margin_q25": *m.Q25, "boundary/misclassified": float64(m.Misclassified),
		"boundary/logit_margin_median": *m.Logit.Median, "boundary/input_margin_min": *m.Input.Min,
	} {
		if value, ok := want[metric]; !ok || value != have {
			t.Errorf("%s is %v, and was %v in the run", metric, have, value)
		}
	}
}

func TestBadMarginFlags(t *testing.T) {
	analyze := func(args ...string) []string {
		return append([]string{"analyze", "--weights", "w.npz", "--data", "iris"}, args...)
	}
	testBadInputs(t, []badInput{
		{"distances by another name", nil, analyze("--margins", "d.npz"), []string{"--margins d.npz: want a name that ends in .csv"}},
		{"distances to the output", nil, analyze("--margins", "-"), []string{"--margins -: want a name that ends in .csv"}},
		{"distances into a missing folder", nil, analyze("--margins", "a/d.csv"), []string{"a/d.csv: there is no folder a"}},
		{"distances onto a folder", func(t *testing.T) { mkdir(t, "d.csv") }, analyze("--margins", "d.csv"), []string{"d.csv is a folder; want the name of a file"}},
		{"negative samples", nil, analyze("--margin", "--margin-samples=-1"), []string{"--margin-samples -1: want 0, for all of at most 1000, or more"}},
		{"word for samples", nil, analyze("--margin", "--margin-samples", "few"), []string{`--margin-samples: expected a valid 64 bit int but got "few"`}},
		{"negative samples in a run", nil, []string{"train", "iris", "--set", "margin.samples=-1"}, []string{"margin.samples is -1; want 0, for all of at most 1000, or more"}},
	})
}
