package command

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every extension that docs/extending.md lists compiles and runs in another module.
// The extensions are the files example_own_*_test.go, which are copied there.
func TestExtensionsFromOutside(t *testing.T) {
	skipShort(t)
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	module, docs := t.TempDir(), read(t, root+"/docs/extending.md")
	copied := 0
	err = filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		name := filepath.Base(path)
		if err != nil || !strings.HasPrefix(name, "example_own_") {
			return err
		}
		below, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		copied++
		if err := os.MkdirAll(filepath.Dir(filepath.Join(module, below)), 0o755); err != nil {
			return err
		}
		write(t, filepath.Join(module, below), read(t, path))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range strings.Split(docs, "(../")[1:] {
		file, _, _ := strings.Cut(link, ")")
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			t.Errorf("docs/extending.md: %v", err)
		}
	}
	if copied < 9 {
		t.Errorf("%d examples of extensions, want one for each of the nine", copied)
	}
	out, err := goOutside(t, root, module, "test", "-vet=off", "./...")
	if passed := strings.Count("\n"+out, "\nok "); err != nil || passed < 7 {
		t.Errorf("%d packages pass, error %v:\n%s", passed, err, out)
	}
}

// goOutside runs the go command in a folder that it makes a module of its own,
// which requires this one.
func goOutside(t *testing.T, root, module string, args ...string) (string, error) {
	t.Helper()
	_, requirements, _ := strings.Cut(read(t, root+"/go.mod"), "\n")
	write(t, filepath.Join(module, "go.mod"), "module outside\n"+requirements+
		"\nrequire github.com/hessoscope/hessoscope v0.0.0\n\nreplace github.com/hessoscope/hessoscope => "+root+"\n")
	write(t, filepath.Join(module, "go.sum"), read(t, root+"/go.sum"))
	command := exec.Command("go", args...)
	command.Dir = module
	command.Env = append(os.Environ(), "GOFLAGS=-mod=mod")
	out, err := command.CombinedOutput()
	return string(out), err
}
