package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The programs of docs/your-own-loop.md are built in another module and run.
func TestLoopsFromOutside(t *testing.T) {
	skipShort(t)
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	module, programs := t.TempDir(), loops(t, root)
	for name, source := range programs {
		dir := filepath.Join(module, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "main.go"), source)
	}
	if out, err := goOutside(t, root, module, "build", "-o", module+"/bin/", "./..."); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	run := func(name string, args ...string) string {
		t.Helper()
		command := exec.Command(filepath.Join(module, "bin", name), args...)
		command.Dir = t.TempDir()
		out, err := command.CombinedOutput()
		if err != nil {
			t.Errorf("%s %q: %v:\n%s", name, args, err, out)
		}
		return string(out)
	}
	wantMatch := func(out string, patterns ...string) {
		t.Helper()
		for _, pattern := range patterns {
			if !regexp.MustCompile("(?m)" + pattern).MatchString(out) {
				t.Errorf("no %q in\n%s", pattern, out)
			}
		}
	}

	wantMatch(run("first"), `^ +epoch +step +loss +accuracy +λ₁`, `^ +60 +480 .*[0-9]s$`, `^finished epoch=60 reason=completed .*spectrum/lambda_max=[0-9.]+ `)

	dir := t.TempDir()
	out := run("stop", dir)
	wantMatch(out, `msg=finished by=early_stopping `)
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

	whole := run("resume", t.TempDir())
	wantMatch(whole, `^40 epochs, loss 0\.[0-9]+, weights [0-9a-f]{10,}$`)
	for _, epoch := range []string{"1", "17", "40"} {
		dir := t.TempDir()
		if out, want := run("resume", dir, epoch), "interrupted in epoch "+epoch+"\n"; out != want {
			t.Errorf("%s; want %s", out, want)
		}
		if out, want := run("resume", dir), "goes on after epoch "+epoch+"\n"+whole; out != want {
			t.Errorf("%s; want %s", out, want)
		}
	}
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

// Every piece of Go in the guide is in one of the programs, and these have at most
// ten lines besides imports that a program without hessoscope would not have.
func TestGuideToLoops(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	guide, programs := read(t, root+"/docs/your-own-loop.md"), loops(t, root)
	var texts []string
	for name, source := range programs {
		texts = append(texts, unindented(source))
		if !strings.Contains(guide, "(../trainer/loops/"+name+"/main.go)") {
			t.Errorf("the guide has no link to the program %s", name)
		}
		if added := addedLines(source); added > 10 {
			t.Errorf("%s: %d lines are added; want at most 10", name, added)
		}
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
