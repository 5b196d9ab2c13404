package command

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// pasted gives a shell a command that the program told the user to type.
func pasted(t *testing.T, hint string) result {
	t.Helper()
	var stdout, stderr strings.Builder
	c := exec.Command("sh", "-c", `hessoscope() { "$PROGRAM" "$@"; }; `+hint)
	c.Env = append(os.Environ(), asCommand+"=1", "PROGRAM="+os.Args[0])
	c.Stdout, c.Stderr = &stdout, &stderr
	_ = c.Run()
	return result{c.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// The commands that an interrupted run and an interrupted sweep tell work in a shell,
// whatever the names.
func TestHintsInAShell(t *testing.T) {
	if testing.Short() {
		t.Skip("with the race detector it takes half a minute")
	}
	chdir(t)
	const out = "it's $here"
	write(t, "my quick.yaml", quick+"seed: 3\n")
	write(t, "my sweep.yaml", strings.ReplaceAll(slow, "quick.yaml", "'my quick.yaml'"))
	for _, test := range []struct {
		args        []string
		waitsFor    string
		hint, wrote string
	}{
		{long("--name", "my; run", "--out", out), out + "/my; run/checkpoints/last.npz", "resume with: ", "run " + out + "/my; run\n"},
		{[]string{"sweep", "my sweep.yaml", "--out", out}, out + "/slow/a-seed_0/checkpoints/last.npz", "the same command: ", "b-seed_1"},
	} {
		p := start(t, test.args...)
		until(t, "a checkpoint", func() bool { return exists(test.waitsFor) })
		p.signal(t, os.Interrupt)
		if status := p.end(t); status != exitInterrupted {
			t.Fatalf("status %d: %s", status, p.stderr.String())
		}
		_, hint, ok := strings.Cut(p.stderr.String(), test.hint)
		if !ok {
			t.Fatalf("no hint in %q", p.stderr.String())
		}
		if r := pasted(t, hint); r.status != 0 || !strings.Contains(r.stdout, test.wrote) {
			t.Errorf("%sstatus %d, output %q, error %q", hint, r.status, r.stdout, r.stderr)
		}
	}
}
