package command

import (
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// The programs of docs/your-own-loop.md are built in another module and run.
func TestLoopsFromOutside(t *testing.T) {
	skipShort(t)
	root := absolute(t, "../../..")
	sources := make(map[string]string)
	for name, source := range loops(t, root) {
		sources[name+"/main.go"] = source
	}
	bin := buildOutside(t, root, sources)

	wantMatch(t, runIn(t, t.TempDir(), bin+"/first"), `^ +epoch +step +loss +accuracy +λ₁`, `^ +60 +480 .*[0-9]s$`, `^finished epoch=60 reason=completed .*spectrum/lambda_max=[0-9.]+ `)

	dir := t.TempDir()
	out := runIn(t, dir, bin+"/stop", dir)
	wantMatch(t, out, `msg=finished by=early_stopping `)
	found := regexp.MustCompile(`stopped after epoch (\d+) of 2000 by the rule patience, back to epoch (\d+)\n`).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("no stop in\n%s", out)
	}
	last, _ := strconv.Atoi(found[1])
	best, _ := strconv.Atoi(found[2])
	lines := strings.Count(read(t, dir+"/metrics.jsonl"), `"gradient/largest"`)
	if best != last-20 || last >= 2000 || lines != last {
		t.Errorf("stopped after epoch %d, back to %d, %d lines with the program's own metric; want 20 epochs without a better one, and a line for each", last, best, lines)
	}

	whole := runIn(t, dir, bin+"/resume", t.TempDir())
	wantMatch(t, whole, `^40 epochs, loss 0\.[0-9]+, weights [0-9a-f]{10,}$`)
	for _, epoch := range []string{"1", "17", "40"} {
		dir := t.TempDir()
		if out, want := runIn(t, dir, bin+"/resume", dir, epoch), "interrupted in epoch "+epoch+"\n"; out != want {
			t.Errorf("%s; want %s", out, want)
		}
		if out, want := runIn(t, dir, bin+"/resume", dir), "goes on after epoch "+epoch+"\n"+whole; out != want {
			t.Errorf("%s; want %s", out, want)
		}
	}

	// The loss is that of the smoothed targets, which is never below 3.225.
	writeDigits(t, dir, 300)
	wantMatch(t, runIn(t, dir, bin+"/mnist", dir, "20"), `warning: dropout is left out`, `^ +0 +0 +[3-9]\.[0-9]+ `, `^finished epoch=20 reason=completed .*spectrum/lambda_max=[0-9.]+ .*train/accuracy=1\.0000 train/loss=3\.[2-9]`)
}

// writeDigits writes n images in the format of MNIST, of ten patterns of stripes.
func writeDigits(t *testing.T, dir string, n int) {
	t.Helper()
	order := binary.BigEndian
	labels := order.AppendUint32(order.AppendUint32(nil, 0x801), uint32(n))
	images := order.AppendUint32(nil, 0x803)
	for _, size := range []int{n, 28, 28} {
		images = order.AppendUint32(images, uint32(size))
	}
	for i := range n {
		labels = append(labels, byte(i%10))
		for pixel := range 28 * 28 {
			value := byte(7 * (i + pixel) % 50)
			if pixel/28/3 == i%10 || pixel%28/3 == i%10 {
				value += 200
			}
			images = append(images, value)
		}
	}
	write(t, filepath.Join(dir, "train-labels-idx1-ubyte"), string(labels))
	write(t, filepath.Join(dir, "train-images-idx3-ubyte"), string(images))
}

// Gorgonia's own examples are changed by the scripts in testdata/loops, built in
// another module and run. Two of their Hessians are known: that of iris at every θ,
// and that of logisticregression at the weights 0. That of convnet is compared with
// differences of Gorgonia's gradient.
func TestGorgoniaExamples(t *testing.T) {
	skipShort(t)
	root := absolute(t, "../../..")
	examples := gorgoniaExamples(t)
	sources := map[string]string{"frames/frames.go": read(t, "testdata/loops/frames.go"), "pb/pb.go": read(t, "testdata/loops/pb.go")}
	for name, script := range edits(t) {
		files, err := filepath.Glob(filepath.Join(examples, name, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, error %v", name, len(files), err)
		}
		for _, file := range files {
			source := read(t, file)
			if filepath.Base(file) == "main.go" {
				if source, err = edited(source, script); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			sources[name+"/"+filepath.Base(file)] = source
		}
	}
	bin := buildOutside(t, root, sources)
	dir := t.TempDir()
	iris := read(t, filepath.Join(examples, "iris/iris.csv"))
	write(t, dir+"/iris.csv", iris)
	_, rows, _ := strings.Cut(iris, "\n") // without the names of the columns
	biased := regexp.MustCompile(`,[a-z]+`).ReplaceAllString(rows, ",1")
	hessian := gram(t, biased) // that of mean (Xθ - y)² is 2/n·XᵀX
	hessian.ScaleSym(2, hessian)
	out := runIn(t, dir, bin+"/iris")
	wantMatch(t, out, `^finished epoch=10000 reason=completed .*train/loss=0\.[0-9]+`)
	wantLambda(t, out, 0, hessian)
	wantLambda(t, out, 10000, hessian)

	const n, features = 26733, 10
	var inputs, ones, targets strings.Builder
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		var row []string
		for j := range features {
			row = append(row, strconv.FormatFloat(rng.NormFloat64()*float64(j+1)/5, 'g', -1, 64))
		}
		fmt.Fprintln(&inputs, strings.Join(row, ","))
		fmt.Fprintln(&ones, strings.Join(append(row, "1"), ","))
		fmt.Fprintln(&targets, i%2)
	}
	if err := os.Mkdir(dir+"/testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/testdata/X_ds1.10.csv", inputs.String())
	write(t, dir+"/testdata/Y_ds1.10.csv", targets.String())
	write(t, dir+"/testdata/W_ds1.10.csv", strings.Repeat("0\n", features))
	hessian = gram(t, ones.String()) // at w = 0: p(1-p)/n·XᵀX = 1/4/n·XᵀX, and 2·0.01 for the decay of w
	hessian.ScaleSym(0.25, hessian)
	for j := range features {
		hessian.SetSym(j, j, hessian.At(j, j)+0.02)
	}
	out = runIn(t, dir, bin+"/logisticregression", "-static")
	wantMatch(t, out, `model=.* parameters=11 samples/train=26733$`, `^ +0 +0 +0\.6931 +0\.5000 `, `^finished epoch=500 reason=completed .*train/accuracy=0\.[45][0-9]+ train/loss=0\.69[0-9]+`, `^Time taken`)
	wantLambda(t, out, 0, hessian)

	const images, batch = 100, 50
	if err := os.MkdirAll(dir+"/testdata/mnist", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir+"/convnet", 0o755); err != nil {
		t.Fatal(err)
	}
	writeDigits(t, dir+"/testdata/mnist", images)
	out = runIn(t, dir+"/convnet", bin+"/convnet", "-epochs", "1", "-batchsize", strconv.Itoa(batch))
	wantMatch(t, out, `parameters=818698 samples/train=100$`, `^warning: dropout is left out`, `^ +0 +0 +[0-9.]+ +[0-9.]+ +[0-9.]+ `, `^finished epoch=1 reason=completed .*spectrum/lambda_max=[0-9.]+ .*train/loss=[0-9]`)
	wantEigenpair(t, newConvNet(t, dir+"/testdata/mnist", dir+"/convnet/run/last.npz"), dir+"/convnet/run/spectrum-000001.npz")
}

// gram is 1/n·XᵀX of n rows of X in the format CSV.
func gram(t *testing.T, rows string) *mat.SymDense {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(rows)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	sum := mat.NewSymDense(len(records[0]), nil)
	x := mat.NewVecDense(len(records[0]), nil)
	for _, record := range records {
		for j, text := range record {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			x.SetVec(j, v)
		}
		sum.SymRankOne(sum, 1/float64(len(records)), x)
	}
	return sum
}

// wantLambda compares λ₁ of an epoch with the largest eigenvalue of the Hessian, to
// the digits that are printed. The last epoch is in the last line, the others are
// rows of the table.
func wantLambda(t *testing.T, out string, epoch int, hessian *mat.SymDense) {
	t.Helper()
	var eigen mat.EigenSym
	if !eigen.Factorize(hessian, false) {
		t.Fatal("no eigenvalues")
	}
	values := eigen.Values(nil)
	want := values[len(values)-1]
	found := regexp.MustCompile(fmt.Sprintf(`(?m)^ +%d +%[1]d .* ([0-9.]+) +[0-9]+ +[0-9.]+s$|^finished epoch=%[1]d .*spectrum/lambda_max=([0-9.]+) `, epoch)).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("no λ₁ of epoch %d in\n%s", epoch, out)
	}
	got, err := strconv.ParseFloat(found[1]+found[2], 64)
	if err != nil || math.Abs(got-want) > 1e-4*want {
		t.Errorf("epoch %d: λ₁ %v, error %v; want %v", epoch, got, err, want)
	}
}

// gorgoniaExamples is the folder of Gorgonia's examples in the module cache.
func gorgoniaExamples(t *testing.T) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "gorgonia.org/gorgonia").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(dir)), "examples")
}

// edits are the scripts in testdata/loops by the name of the example that they
// change.
func edits(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/loops/*.edit")
	if err != nil || len(files) != 3 {
		t.Fatalf("scripts %v, error %v; want those of convnet, iris and logisticregression", files, err)
	}
	scripts := make(map[string]string)
	for _, file := range files {
		scripts[strings.TrimSuffix(filepath.Base(file), ".edit")] = read(t, file)
	}
	return scripts
}

// edited is a source changed by a script. "after", "before" or "instead of" with a
// part of one line of the source, the anchor, says where the lines go that follow
// it and begin with a tab. Lines that begin with # are comments.
func edited(source, script string) (string, error) {
	lines := strings.SplitAfter(source, "\n")
	at := 0 // the place in lines of the next one to be added
	for text := range strings.Lines(script) {
		switch {
		case text == "\n" || text[0] == '#':
			continue
		case text[0] == '\t':
			lines = slices.Insert(lines, at, text)
			at++
			continue
		}
		where := regexp.MustCompile(`^(after|before|instead of) (.+)\n$`).FindStringSubmatch(text)
		if where == nil {
			return "", fmt.Errorf("%q is neither a line to add, after a tab, nor says where", text)
		}
		hasAnchor := func(line string) bool { return strings.Contains(line, where[2]) }
		at = slices.IndexFunc(lines, hasAnchor)
		if at < 0 || slices.ContainsFunc(lines[at+1:], hasAnchor) {
			return "", fmt.Errorf("%q is not in exactly one line", where[2])
		}
		switch where[1] {
		case "after":
			at++
		case "instead of":
			lines = slices.Delete(lines, at, at+1)
		}
	}
	return strings.Join(lines, ""), nil
}

func TestEdited(t *testing.T) {
	const source = "a 1\nb 2\nc 3\n"
	got, err := edited(source, "# why\nafter a\n\tx\n\ty\n\ninstead of 2\n\tz\nbefore c 3\n\tw\n")
	if want := "a 1\n\tx\n\ty\n\tz\n\tw\nc 3\n"; got != want || err != nil {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	for script, want := range map[string]string{
		"after d\n\tx\n":       `"d" is not in exactly one line`,
		"after  \n\tx\n":       `" " is not in exactly one line`,
		"in place of b\n\tx\n": `"in place of b\n" is neither`,
	} {
		if _, err := edited(source, script); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v; want %s", script, err, want)
		}
	}
}

// buildOutside builds commands from source files, by path, in another module, and
// returns their folder.
func buildOutside(t *testing.T, root string, sources map[string]string) (bin string) {
	t.Helper()
	module := t.TempDir()
	for path, source := range sources {
		path = filepath.Join(module, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, path, source)
	}
	bin = filepath.Join(module, "bin")
	if out, err := goOutside(t, root, module, "build", "-o", bin+"/", "./..."); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	return bin
}

// runIn runs a program in a folder and returns what it prints.
func runIn(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	command := exec.Command(program, args...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("%s %q: %v:\n%s", filepath.Base(program), args, err, out)
	}
	return string(out)
}

func wantMatch(t *testing.T, out string, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		if !regexp.MustCompile("(?m)" + pattern).MatchString(out) {
			t.Errorf("no %q in\n%s", pattern, out)
		}
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// loops are the programs in trainer/loops, by name.
func loops(t *testing.T, root string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(root + "/trainer/loops/*/main.go")
	if err != nil || len(files) < 3 {
		t.Fatalf("programs %v, error %v", files, err)
	}
	programs := make(map[string]string)
	for _, file := range files {
		programs[filepath.Base(filepath.Dir(file))] = read(t, file)
	}
	return programs
}

// Every piece of Go in the guide is in one of the programs or scripts, and these
// have at most seven lines besides imports that a program without hessoscope would
// not have.
func TestGuideToLoops(t *testing.T) {
	root := absolute(t, "../../..")
	guide := read(t, root+"/docs/your-own-loop.md")
	var texts []string
	check := func(link, text string, added int) {
		t.Helper()
		texts = append(texts, unindented(text))
		if !strings.Contains(guide, "(../"+link+")") {
			t.Errorf("the guide has no link to %s", link)
		}
		if added > 7 {
			t.Errorf("%s: %d lines are added; want at most 7", link, added)
		}
	}
	for name, source := range loops(t, root) {
		check("trainer/loops/"+name+"/main.go", source, addedLines(source))
	}
	for name, script := range edits(t) {
		lines, imports := regexp.MustCompile(`(?m)^\t`), regexp.MustCompile(`(?m)^\t(\w+ )?"`)
		added := len(lines.FindAllString(script, -1)) - len(imports.FindAllString(script, -1))
		check("cmd/hessoscope/command/testdata/loops/"+name+".edit", script, added)
	}
	pieces := strings.Split(guide, "```go\n")[1:]
	for _, piece := range pieces {
		piece, _, _ = strings.Cut(piece, "```")
		for part := range strings.SplitSeq(unindented(piece), "…\n") {
			if !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, part) }) {
				t.Errorf("no program has\n%s", part)
			}
		}
	}
	if len(pieces) < 5 {
		t.Errorf("%d pieces of Go in the guide", len(pieces))
	}
}

// unindented is a text without the white space that begins its lines.
func unindented(text string) string {
	return regexp.MustCompile(`(?m)^\s+`).ReplaceAllString(text, "")
}

// addedLines counts the lines that are marked as added: those that follow "//
// Added.", up to a blank line or the end of the function, and one after each "//
// Was:".
func addedLines(source string) (count int) {
	added := false
	for line := range strings.Lines(source) {
		switch text := strings.TrimSpace(line); {
		case text == "// Added.":
			added = true
		case strings.HasPrefix(text, "// Was:"):
			count++
			added = false
		case text == "" || line == "}\n":
			added = false
		case added:
			count++
		}
	}
	return count
}

func TestAddedLines(t *testing.T) {
	const source = "a\n\t// Added.\n\tb\n\tc\n\n\td\n\t// Was: e\n\tf\n\tg\n\t// Added.\n\th\n}\ni\n"
	if n := addedLines(source); n != 4 {
		t.Errorf("%d lines; want b, c, f, h", n)
	}
}
