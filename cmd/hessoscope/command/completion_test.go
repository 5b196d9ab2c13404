package command

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// completions are what is typed after "hessoscope ", and the one word that completes it.
var completions = map[string]string{
	"sel":                       "select",
	"--ve":                      "--version",
	"help ana":                  "analyze",
	"select --match":            "--match-loss",
	"presets p":                 "print",
	"presets print lene":        "lenet5-cifar",
	"datasets fetch --":         "--dir",
	"datasets describe ir":      "iris",
	"train gauss_adv":           "gauss_adversarial",
	"train iris --name x --res": "--resume",
	"sweep reg":                 "regimes",
	"completion b":              "bash",
	"analyze runs/o":            "runs/one",
	"predict runs/one --split ": "",
}

// shellOf returns the path of a shell, in whose working directory there is a run, and a file
// with the code for it.
func shellOf(t *testing.T, name string) (path, file string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("there is no " + name)
	}
	chdir(t)
	if err := os.MkdirAll("runs/one", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, "code", succeed(t, "completion", name))
	return path, "code"
}

func TestCompletionBash(t *testing.T) {
	bash, file := shellOf(t, "bash")
	for typed, want := range completions {
		words := "(hessoscope " + typed + ")"
		if strings.HasSuffix(typed, " ") {
			words = "(hessoscope " + typed + "'')"
		}
		script := "source " + file + "; COMP_WORDS=" + words + "; COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _hessoscope; echo \"${COMPREPLY[@]}\""
		out, err := exec.CommandContext(t.Context(), bash, "-c", script).CombinedOutput()
		if have := strings.TrimSpace(string(out)); err != nil || have != want {
			t.Errorf("%s: %q, error %v; want %q", typed, have, err, want)
		}
	}
}

// In zsh, words are typed into a terminal, with a tab.
func TestCompletionZsh(t *testing.T) {
	zsh, file := shellOf(t, "zsh")
	var script strings.Builder
	fmt.Fprintf(&script, "zmodload zsh/zpty\nzpty z TERM=dumb %s -f -i\n"+
		"zpty -w z \"PS1=; autoload -U compinit && compinit -u -D; source %s; print REA''DY\"\nzpty -r z out '*READY*'\n", zsh, file)
	for typed, want := range completions {
		if want != "" {
			fmt.Fprintf(&script, "print -r -- %q\nzpty -w -n z $'\\x15hessoscope %s\\t'\nzpty -r z out '*%s*'\n", typed, typed, strings.TrimPrefix(want, "--"))
		}
	}
	script.WriteString("print DONE\nzpty -d z\n")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, zsh, "-f", "-c", script.String()).CombinedOutput(); !strings.Contains(string(out), "DONE") {
		t.Errorf("the last of these is not completed:\n%s(%v)", out, err)
	}
}

func TestCompletionFish(t *testing.T) {
	fish, file := shellOf(t, "fish")
	for typed, want := range completions {
		out, err := exec.CommandContext(t.Context(), fish, "--no-config", "-c", "source "+file+"; complete -C "+quoted("hessoscope "+typed)).Output()
		have := strings.Split(strings.TrimSpace(string(out))+"\n", "\n")[0]
		have, _, _ = strings.Cut(have, "\t")
		if want != "" && (err != nil || strings.TrimSuffix(have, "/") != want) {
			t.Errorf("%s: %q, error %v; want %q", typed, out, err, want)
		}
	}
}

// Help and version are found however they are asked for, and defaults are in the help.
func TestSpelled(t *testing.T) {
	if succeed(t, "--version") != succeed(t, "version") || succeed(t, "help") != succeed(t, "--help") || succeed(t, "help", "presets", "print") != succeed(t, "presets", "print", "--help") {
		t.Error("another way to ask gives another answer")
	}
	if help := strings.Join(strings.Fields(succeed(t, "help", "train")), " "); !strings.Contains(help, "Folder of all runs; runs if not given.") {
		t.Errorf("no default in:\n%s", help)
	}
}
