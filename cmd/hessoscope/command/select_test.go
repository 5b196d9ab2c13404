package command

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/callbacks/selection"
	"github.com/hessoscope/hessoscope/trainer"
)

// recorded is the content of the folder of a run: its values at the last epoch, 20,
// and at other epochs.
type recorded struct {
	name   string
	final  map[string]float64
	epochs map[int]map[string]float64
	change func(*record.Run) // nil for none
}

// newRuns returns five runs whose loss begins at 1 and is halved every ten epochs.
func newRuns() []recorded {
	var all []recorded
	for i := range 5 {
		at := func(epoch int) map[string]float64 {
			loss := math.Pow(0.5, float64(epoch+i)/10)
			return map[string]float64{
				"train/loss": loss, "train/accuracy": 1 - loss/10, "validation/loss": 1.5 * loss,
				"boundary/complexity": 0.01 * float64(1+(2*i+epoch)%5), "boundary/epsilon": 0.1 + float64(i)/100,
				"boundary/margin": 0.1 * float64(1+(3*i)%5), "test/loss": 2*loss + float64(i)/10, "test/accuracy": 0.9 - float64(i)/100,
			}
		}
		r := recorded{name: fmt.Sprintf("r%d", i), final: at(20), epochs: make(map[int]map[string]float64)}
		for epoch := 0; epoch <= 20; epoch += 5 {
			r.epochs[epoch] = at(epoch)
		}
		all = append(all, r)
	}
	return all
}

// writeRuns writes the folders of runs, as hooks would, below runs.
func writeRuns(t *testing.T, runs []recorded) {
	t.Helper()
	for i, r := range runs {
		dir := filepath.Join("runs", r.name)
		run := &record.Run{
			Status: record.StatusFinished, Epoch: 20, Epochs: 20, Loss: "cross_entropy",
			Model: record.RunModel{Parameters: 100, Precision: "float64"},
			Data:  record.RunData{Name: "gauss", Fingerprint: "0123456789", Samples: map[string]int{"train": 1e6, "test": 1e6}},
			Final: make(map[string]trainer.Reading), Seed: uint64(i),
		}
		for _, name := range slices.Sorted(maps.Keys(r.final)) {
			better := trainer.Lower
			switch {
			case strings.HasSuffix(name, "accuracy"), strings.HasSuffix(name, "margin"):
				better = trainer.Higher
			case name == "boundary/epsilon":
				better = trainer.Neither
			}
			run.Metrics = append(run.Metrics, trainer.Metric{Name: name, Better: better, Detail: better == trainer.Neither})
			run.Final[name] = trainer.Reading{Value: r.final[name], Epoch: 20}
		}
		if r.change != nil {
			r.change(run)
		}
		write(t, filepath.Join(dir, "run.json"), encode(t, run))
		var history strings.Builder
		for _, epoch := range slices.Sorted(maps.Keys(r.epochs)) {
			history.WriteString(encode(t, record.Entry{Epoch: epoch, Step: epoch, Metrics: r.epochs[epoch]}) + "\n")
		}
		write(t, filepath.Join(dir, "metrics.jsonl"), history.String())
		write(t, filepath.Join(dir, "config.yaml"), fmt.Sprintf("name: %s\nseed: %d\ntraining: {epochs: %d}\nspectrum: {matrix: hessian}\ncomplexity: {}\n", r.name, i, 20+i/3))
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// selected is the result of select, as in its JSON.
func selected(t *testing.T, args ...string) *selection.Selection {
	t.Helper()
	s := decode[selection.Selection](t, succeed(t, append(append([]string{"select"}, args...), "--json", "-")...))
	return &s
}

// order returns the names of the runs of the only group, best first.
func order(t *testing.T, s *selection.Selection) []string {
	t.Helper()
	if len(s.Groups) != 1 {
		t.Fatalf("%d groups; want 1", len(s.Groups))
	}
	var names []string
	for _, r := range s.Groups[0].Runs {
		names = append(names, filepath.Base(r.Run))
	}
	return names
}

func TestSelect(t *testing.T) {
	chdir(t)
	writeRuns(t, newRuns())
	for _, test := range []struct {
		args []string
		want string
	}{
		// Complexity 1, 3, 5, 2, 4 hundredths; margin 1, 4, 2, 5, 3 tenths. r0 is the simplest, r3 the widest: 2
		// times the complexity, 5 times the margin. r1 is worse than r3, r4 than r1, r2 than r4. Accuracy rises with
		// the number, by less than margins differ.
		{[]string{"runs"}, "r3 r0 r1 r4 r2"},
		{[]string{"runs/r4", "runs/r3/", "runs", "./runs/r0"}, "r3 r0 r1 r4 r2"},
		{[]string{"runs", "--by", "complexity"}, "r0 r3 r1 r4 r2"},
		{[]string{"runs", "--by", "boundary/margin"}, "r3 r1 r4 r2 r0"},
		{[]string{"runs/r1", "runs/r2", "--by", "validation/loss"}, "r2 r1"},
		{[]string{"runs", "--by", "train/accuracy,margin"}, "r3 r4 r1 r2 r0"},
	} {
		if have := strings.Join(order(t, selected(t, test.args...)), " "); have != test.want {
			t.Errorf("%q: %s; want %s", test.args, have, test.want)
		}
	}
}

func TestSelectMatchLoss(t *testing.T) {
	chdir(t)
	writeRuns(t, newRuns())
	g := selected(t, "runs", "--match-loss").Groups[0]
	if *g.TargetLoss != 0.25 { // that r0 ends with
		t.Errorf("target %g", *g.TargetLoss)
	}
	for _, r := range g.Runs {
		want := 20
		if name := filepath.Base(r.Run); name == "r3" || name == "r4" { // 3 and 4 epochs ahead: 15 is nearer than 20
			want = 15
		}
		if r.Epoch != want || *r.Mismatch != math.Exp(math.Abs(math.Log(*r.TrainLoss/0.25))) {
			t.Errorf("%s at epoch %d, mismatch %g; want %d", r.Run, r.Epoch, *r.Mismatch, want)
		}
	}
	given := selected(t, "runs", "--match-loss=0.19").Groups[0]
	if *given.TargetLoss != 0.19 || slices.ContainsFunc(given.Runs, func(r selection.Ranked) bool { return r.Epoch != 20 }) {
		t.Errorf("at 0.19: %+v", given)
	}
}

func TestSelectTable(t *testing.T) {
	chdir(t)
	writeRuns(t, append(newRuns(), recorded{name: "killed", change: func(r *record.Run) { r.Status = record.StatusRunning }}))
	write(t, "runs/broken/run.json", "{")
	write(t, "runs/never/config.yaml", "name: never\n")
	write(t, "runs/notes/notes.txt", "not a run")
	out := succeed(t, "select", "runs", "--evaluate", "--csv", "ranks.csv", "--json", "ranks.json")
	for _, want := range []string{
		"gauss (01234567), cross_entropy: lower boundary/complexity and higher boundary/margin, at the end of each run\n",
		"rank  front  score  epoch  train loss  complexity  margin  test acc  accuracy gap  loss gap  run\n",
		"     1      1  0.347     20      0.2031        0.02     0.5    0.8700       +0.1097   +0.5031  runs/r3\n",
		"! ε is calibrated for each run, 0.1 to 0.14: ",
		"Kendall's τ-b of a measure and the generalization gap, over 5 runs, on 1000000 test samples;\n",
		"  5    0%         +0.40           +0.40         lower  boundary/complexity\n", // 7 of 10 pairs
		"! 5 clusters of runs that share data and seed, or start from one another: fewer than 8 say next to nothing",
		"How well a measure tells the accuracy gap, over 5 runs in 5 clusters, by pairs with the same data and loss function;\n10 pairs, and 0 left out",
		"How well a measure tells the loss gap, over 5 runs in 5 clusters, by pairs with the same data and loss function;\n10 pairs, none left out: the losses of single samples are not recorded",
		"pairs that differ in one setting alone: seed 4 (0 left out)\n", // 3 of 20 epochs, 1 of 21
		"max  Δ seed  95 %  better  measure\n",
		"  runs/killed: not finished: running at epoch 20 of 20\n",
		"  runs/broken: runs/broken/run.json: ",
		"  runs/never: open runs/never/run.json: no such file",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(read(t, "ranks.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if last := rows[len(rows)-1]; len(rows) != 1+5+3 || rows[1][5] != "runs/r3" || rows[1][10] != "0.02" || last[5] != "runs/never" || last[2] != "" {
		t.Errorf("rows %q", rows)
	}
	if diff := cmp.Diff(read(t, "ranks.json"), succeed(t, "select", "runs", "--evaluate", "--json", "-")); diff != "" {
		t.Errorf("JSON (-file +output):\n%s", diff)
	}
}

// A complexity whose interval decides nothing is not shown as if it did.
func TestSelectUnknown(t *testing.T) {
	chdir(t)
	runs := newRuns()
	delete(runs[2].final, "boundary/complexity")
	runs[2].final["boundary/complexity_low"], runs[2].final["boundary/complexity_high"] = 3e-4, 1
	writeRuns(t, runs)
	out := succeed(t, "select", "runs")
	for _, want := range []string{"  not known  ", "! boundary/complexity of runs/r2 is not known: needs more pairs; spectrum.resolved: true computes all that matter\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// The examples of the help are valid command lines.
func TestSelectHelp(t *testing.T) {
	help := succeed(t, "select", "--help")
	chdir(t)
	writeRuns(t, newRuns())
	for old, name := range map[string]string{"runs/r0": "runs/a", "runs/r1": "runs/b", "runs/r2": "runs/c"} {
		if err := os.Rename(old, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll("sweeps", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS("sweeps/regimes", os.DirFS("runs")); err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile(`(?m)^ +hessoscope (select .*)$`).FindAllStringSubmatch(help, -1)
	if len(examples) < 4 {
		t.Fatalf("examples %q", examples)
	}
	for _, e := range examples {
		args := strings.Fields(e[1])
		for i, arg := range args {
			args[i] = replaceLoss.ReplaceAllString(arg, "--match-loss=0.2") // that these runs had
		}
		succeed(t, args...)
	}
}

var replaceLoss = regexp.MustCompile(`^--match-loss=.*`)

// The fields of the JSON and the columns of the CSV are those in
// docs/formats.md.
func TestSelectFields(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "../../../docs/formats.md"), "## The JSON of select")
	section, _, _ = strings.Cut(section, "\n## ")
	chdir(t)
	runs := newRuns()
	for _, values := range append(slices.Collect(maps.Values(runs[2].epochs)), runs[2].final) { // so that it has unknown ones
		delete(values, "boundary/complexity")
		values["boundary/complexity_low"], values["boundary/complexity_high"] = 0, 1
	}
	writeRuns(t, append(runs, recorded{name: "killed", change: func(r *record.Run) { r.Status = record.StatusRunning }}))
	var want []string
	for row := range strings.Lines(section) {
		if cells := strings.Split(row, "|"); len(cells) > 2 {
			for _, quoted := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
				want = append(want, quoted[1])
			}
		}
	}
	have := elements("", decode[map[string]any](t, succeed(t, "select", "runs", "--match-loss", "--evaluate", "--json", "-", "--csv", "ranks.csv")))
	slices.Sort(want)
	slices.Sort(have)
	if diff := cmp.Diff(want, slices.Compact(have)); diff != "" {
		t.Errorf("fields (-documented +written):\n%s", diff)
	}
	header, _, _ := strings.Cut(read(t, "ranks.csv"), "\n")
	for name := range strings.SplitSeq(header, ",") {
		if name = regexp.MustCompile(`.*/.*_`).ReplaceAllString(name, "METRIC_"); !strings.Contains(section, "`"+name+"`") {
			t.Errorf("docs/formats.md does not name the column %s", name)
		}
	}
}

// elements returns the keys of an object, at all depths and in lists, without the keys
// of values, which are metrics.
func elements(path string, value any) []string {
	var all []string
	switch v := value.(type) {
	case map[string]any:
		if strings.HasSuffix(path, ".values") {
			return []string{path}
		}
		for key, value := range v {
			all = append(all, elements(strings.TrimPrefix(path+"."+key, "."), value)...)
		}
	case []any:
		for _, value := range v {
			all = append(all, elements(path+"[]", value)...)
		}
	default:
		return []string{path}
	}
	return all
}

// Where there is nothing to tell, a sentence says so in place of tables of dashes.
func TestSelectEvaluatesTooFew(t *testing.T) {
	chdir(t)
	all := newRuns()
	writeRuns(t, all)
	out := succeed(t, "select", "runs/r0", "runs/r1", "runs/r2", "--evaluate")
	if want := "no Kendall's τ over 3 runs, on 1000000 test samples: 3 with a test accuracy are too few; it takes 4 runs to say anything, and 8 of different seeds"; !strings.Contains(out, want) || strings.Contains(out, "Ψ") {
		t.Errorf("no %q, or a table, in\n%s", want, out)
	}
	for i := range all {
		all[i].change = func(r *record.Run) { r.Data.Samples["test"] = 20 }
	}
	writeRuns(t, all)
	out = succeed(t, "select", "runs", "--evaluate")
	want := "How well a measure tells the accuracy gap is not known: no two of 5 runs with the same data and loss function have gaps that differ by 2 standard errors: a larger"
	if !strings.Contains(out, want) || strings.Count(out, "CMI  90 %") != 1 { // the table of the loss gap
		t.Errorf("no %q, or not one table, in\n%s", want, out)
	}
}

// The metrics of the test split only change the results that are added after the
// ranking. With other metrics in the folders, or none, the ranking is the same, byte
// for byte.
func TestSelectDoesNotLookAtTestData(t *testing.T) {
	chdir(t)
	ranking := func(change func(values map[string]float64)) (plain, csv string) {
		runs := newRuns()
		for i := range runs {
			change(runs[i].final)
			for _, values := range runs[i].epochs {
				change(values)
			}
		}
		if err := os.RemoveAll("runs"); err != nil {
			t.Fatal(err)
		}
		writeRuns(t, runs)
		for _, args := range [][]string{nil, {"--match-loss"}, {"--by", "validation/loss"}} {
			plain += succeed(t, append([]string{"select", "runs", "--json", "-", "--csv", "ranks.csv"}, args...)...)
			csv += read(t, "ranks.csv")
			plain += succeed(t, append([]string{"select", "runs"}, args...)...)
		}
		s := selected(t, "runs", "--evaluate")
		return plain + strings.Join(order(t, s), " "), csv
	}
	plain, table := ranking(func(map[string]float64) {})
	for name, change := range map[string]func(values map[string]float64){
		"changed": func(values map[string]float64) { values["test/accuracy"], values["test/loss"] = 0.1, -1e9 },
		"removed": func(values map[string]float64) { delete(values, "test/accuracy"); delete(values, "test/loss") },
	} {
		if p, c := ranking(change); p != plain || c != table {
			t.Errorf("%s:\n%s", name, cmp.Diff(plain+table, p+c))
		}
	}
}

func TestSelectBadInput(t *testing.T) {
	runs := func(change func([]recorded)) func(*testing.T) {
		return func(t *testing.T) {
			all := newRuns()
			change(all)
			writeRuns(t, all)
		}
	}
	good := runs(func([]recorded) {})
	testBadInputs(t, []badInput{
		{"no argument", nil, []string{"select"}, []string{"expected"}},
		{"no such folder", good, []string{"select", "runs/r0", "runs/r9"}, []string{"runs/r9"}},
		{"not a run", good, []string{"select", "tmp"}, []string{"tmp is not the folder of a run, nor of runs: it has no run.json"}},
		{"broken", func(t *testing.T) { write(t, "runs/r/run.json", "[]") }, []string{"select", "runs"}, []string{"runs/r/run.json: "}},
		{"broken history", func(t *testing.T) {
			good(t)
			write(t, "runs/r0/metrics.jsonl", "{\n")
		}, []string{"select", "runs/r0", "--match-loss"}, []string{"runs/r0/metrics.jsonl:1: "}},
		{"broken settings", func(t *testing.T) {
			good(t)
			write(t, "runs/r0/config.yaml", "a: [\n")
		}, []string{"select", "runs/r0"}, []string{"runs/r0/config.yaml: "}},
		{"none finished", runs(func(all []recorded) {
			for i := range all {
				all[i].change = func(r *record.Run) { r.Status = record.StatusInterrupted }
			}
		}), []string{"select", "runs"}, []string{"none of 5 runs can be ranked", "runs/r0: not finished"}},
		{"no margins", runs(func(all []recorded) {
			for _, r := range all {
				delete(r.final, "boundary/margin")
			}
		}), []string{"select", "runs"}, []string{`--by: `, `no run has a metric "margin"`}},
		{"unknown metric", good, []string{"select", "runs", "--by", "complexty"}, []string{`no run has a metric "complexty"; did you mean "complexity"?`}},
		{"test data", good, []string{"select", "runs", "--by", "test/accuracy"}, []string{"test/accuracy belongs to the test split"}},
		{"loss", good, []string{"select", "runs", "--match-loss=zero"}, []string{`--match-loss: "zero"; want a positive loss`}},
		{"negative loss", good, []string{"select", "runs", "--match-loss=-1"}, []string{`want a positive loss`}},
		{"loss that none had", good, []string{"select", "runs", "--match-loss=0.001"}, []string{"none of 5 runs can be ranked", "0.001 is more than a factor of 1.5 away"}},
		{"no folder for the JSON", good, []string{"select", "runs", "--json", "no/such/file"}, []string{"there is no folder no/such"}},
		{"no name for the CSV", good, []string{"select", "runs", "--csv", "-"}, []string{"--csv wants the name of a file"}},
	})
}
