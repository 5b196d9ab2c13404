package command

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

// Whoever has a messy table and types the commands of docs/your-own-data.md, in its
// order and with the files that it shows, comes from the table to predictions, and the
// page's Python computes the same.
func TestYourOwnData(t *testing.T) {
	skipShort(t)
	text, err := os.ReadFile("../../../docs/your-own-data.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	chdir(t)
	t.Setenv(asCommand, "1") // for the runs of the sweep
	rng := rand.New(rand.NewPCG(1, 2))
	writeCustomers(t, rng, "customers.csv", 5000, true)
	writeCustomers(t, rng, "new.csv", 60, false)
	for _, name := range []string{"customers", "widths"} {
		writeFile(t, name+".yaml", indentedBlock(t, page, "name: "+name))
	}
	printed := make(map[string]string)
	for _, match := range regexp.MustCompile(`(?m)^    hessoscope (.*?)(?:  +#.*)?$`).FindAllStringSubmatch(page, -1) {
		printed[match[1]] = typed(t, match[1])
	}
	ranking, apart, _ := strings.Cut(printed["select sweeps/widths"], "not ranked:")
	if n := len(regexp.MustCompile(`(?m)^ +[0-9]+ +[0-9]+ .* sweeps/widths/\S+$`).FindAllString(ranking, -1)); n != 24 || apart != "" || !strings.Contains(ranking, "boundary/margin_median ranks in its place") {
		t.Errorf("%d of 24 runs are ranked, by the median distance:\n%s%s", n, ranking, apart)
	}
	run, err := record.ReadRun("runs/customers/run.json")
	if err != nil {
		t.Fatal(err)
	}
	if run.Restored == nil {
		t.Fatalf("the run ended at its best epoch: %+v; want one whose best parameters are put back", run.Stop)
	}
	accuracy := strconv.FormatFloat(run.Restored.Metrics["train/accuracy"], 'g', 6, 64)
	if have := printed["predict runs/customers --split train"]; !strings.Contains(have, "accuracy "+accuracy) || !strings.Contains(have, "3500 samples") {
		t.Errorf("training recorded the accuracy %s of 3500 samples; predict on them:\n%s", accuracy, have)
	}
	comparePython(t, page)
}

// writeCustomers writes a table of 18 columns of numbers and two of words, with gaps,
// and of four classes of 5 % to 60 %.
func writeCustomers(t *testing.T, rng *rand.Rand, path string, rows int, labelled bool) {
	t.Helper()
	classes, colors := []string{"low", "mid", "high", "top"}, []string{"red", "green", "blue"}
	var b strings.Builder
	b.WriteString("id")
	for i := range 18 {
		fmt.Fprintf(&b, ";f%d", i)
	}
	b.WriteString(";color;zip;class\n")
	for id := range rows {
		class := 0
		for u := rng.Float64(); class < 3 && u > []float64{0.6, 0.83, 0.95}[class]; class++ {
		}
		fmt.Fprint(&b, id)
		for i := range 18 {
			x := rng.NormFloat64()
			if i < 6 && i%4 == class {
				x += 2
			}
			if rng.Float64() < 0.02 {
				b.WriteString([]string{";", ";NA", ";?"}[rng.IntN(3)])
			} else {
				fmt.Fprintf(&b, ";%.4f", x)
			}
		}
		color, label := colors[rng.IntN(3)], classes[class]
		switch {
		case !labelled:
			label = ""
		case class == 3 && rng.Float64() < 0.5:
			color = ""
		}
		fmt.Fprintf(&b, ";%s;%d;%s\n", color, 1010*(1+rng.IntN(3)), label)
	}
	writeFile(t, path, b.String())
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// indentedBlock returns the block of a page that begins with a line, without its
// indentation.
func indentedBlock(t *testing.T, page, first string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, "\n    "+first+"\n")
	if !found {
		t.Fatalf("the page has no block that begins with %q", first)
	}
	block := first + "\n"
	for line := range strings.Lines(rest) {
		indented, is := strings.CutPrefix(line, "    ")
		if !is {
			break
		}
		block += indented
	}
	return block
}

// comparePython runs the page's Python, and compares its probabilities with those of
// predicted.csv.
func comparePython(t *testing.T, page string) {
	t.Helper()
	blocks := regexp.MustCompile("(?s)```python\n(.*?)```").FindAllStringSubmatch(page, -1)
	if len(blocks) < 2 {
		t.Fatalf("the page has %d blocks of Python; want those for NumPy and PyTorch", len(blocks))
	}
	want := probabilities(t)
	script := ""
	for i, library := range []string{"numpy", "torch"} {
		script += blocks[i][1]
		t.Run(library, func(t *testing.T) {
			python := pythonWith(library)
			if python == "" {
				t.Skipf("there is no python3 with %s", library)
			}
			writeFile(t, "snippet.py", script+"\njson.dump("+[]string{"p", "q"}[i]+".tolist(), open('probabilities.json', 'w'))\n")
			if out, err := exec.Command(python, "snippet.py").CombinedOutput(); err != nil {
				t.Fatalf("%v:\n%s", err, out)
			}
			text, err := os.ReadFile("probabilities.json")
			if err != nil {
				t.Fatal(err)
			}
			var have [][]float64
			if err := json.Unmarshal(text, &have); err != nil {
				t.Fatal(err)
			}
			if len(have) != len(want) {
				t.Fatalf("%d rows; want %d", len(have), len(want))
			}
			for row := range want {
				for class, p := range want[row] {
					if math.Abs(have[row][class]-p) > 1e-12 {
						t.Fatalf("row %d: probabilities %v; predict has %v", row, have[row], want[row])
					}
				}
			}
		})
	}
}

// probabilities returns those of predicted.csv.
func probabilities(t *testing.T) [][]float64 {
	t.Helper()
	file, err := os.Open("predicted.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	all := make([][]float64, len(rows)-1)
	for column, name := range rows[0] {
		if !strings.HasPrefix(name, "probability_") {
			continue
		}
		for i, row := range rows[1:] {
			p, err := strconv.ParseFloat(row[column], 64)
			if err != nil {
				t.Fatal(err)
			}
			all[i] = append(all[i], p)
		}
	}
	if len(all) != 60 || len(all[0]) != 4 {
		t.Fatalf("predictions of %d rows, %v; want 60 rows of 4 classes", len(all), rows[0])
	}
	return all
}

// pythonWith returns an interpreter that has a library, the empty string if none does.
func pythonWith(library string) string {
	for _, python := range []string{"python3", "/usr/bin/python3", "python"} {
		if exec.Command(python, "-c", "import "+library).Run() == nil {
			return python
		}
	}
	return ""
}
