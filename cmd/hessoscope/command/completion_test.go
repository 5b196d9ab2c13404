package command

import (
	"os/exec"
	"strings"
	"testing"
)

// In bash, words are completed as the code says.
func TestCompletion(t *testing.T) {
	code := succeed(t, "completion", "bash")
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	for typed, want := range map[string]string{
		"sel":                     "select",
		"select --match":          "--match-loss",
		"presets p":               "print",
		"datasets fetch --":       "--dir",
		"train iris --name x --r": "--resume",
		"completion b":            "",
	} {
		words := strings.Fields(typed)
		script := code + "COMP_WORDS=(hessoscope " + typed + "); COMP_CWORD=" + string(rune('0'+len(words))) + "; _hessoscope; echo \"${COMPREPLY[@]}\""
		out, err := exec.CommandContext(t.Context(), bash, "-c", script).CombinedOutput()
		if have := strings.TrimSpace(string(out)); err != nil || have != want {
			t.Errorf("%s: %q, error %v; want %q", typed, have, err, want)
		}
	}
	if zsh := succeed(t, "completion", "zsh"); !strings.HasSuffix(zsh, code) {
		t.Error("zsh has other words than bash")
	}
	fish := succeed(t, "completion", "fish")
	for _, want := range []string{"-n __fish_use_subcommand -f -a select -d 'Choose", "-n '__fish_seen_subcommand_from select' -l match-loss -d 'Compare", `experiment\'s`} {
		if !strings.Contains(fish, want) {
			t.Errorf("fish has no %q", want)
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
