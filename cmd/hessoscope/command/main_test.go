package command

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// asCommand is an environment variable that makes the test binary run the command,
// for tests that interrupt or kill it.
const asCommand = "HESSOSCOPE_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

// result is the outcome of a command line.
type result struct {
	status         int
	stdout, stderr string
}

// hessoscope runs a command line in this process.
func hessoscope(args ...string) result {
	var stdout, stderr bytes.Buffer
	status := Main(args, &stdout, &stderr)
	return result{status, stdout.String(), stderr.String()}
}

// succeed runs a command line that must succeed, and returns what it printed.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	r := hessoscope(args...)
	if r.status != 0 || r.stderr != "" {
		t.Fatalf("hessoscope %q: status %d, error %q", args, r.status, r.stderr)
	}
	return r.stdout
}

// chdir makes a new folder the working directory and the folder of temporary and
// cached files, and returns it.
func chdir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for variable, folder := range map[string]string{"TMPDIR": "tmp", "XDG_CACHE_HOME": "cache"} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv(variable, filepath.Join(dir, folder))
	}
	return dir
}

// tree returns everything below the working directory, by path: the content of files,
// and "folder" for folders.
func tree(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			all[path] = "folder"
			return err
		}
		all[path] = read(t, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// write writes a file and creates its folder.
func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// edit replaces a text in a file. The file must contain the text.
func edit(t *testing.T, path, old, replacement string) {
	t.Helper()
	write(t, path, replace(t, read(t, path), old, replacement))
}

// editRecord replaces a text in a run.json, and takes its checksum away, which would tell.
func editRecord(t *testing.T, path, old, replacement string) {
	t.Helper()
	text, _, sealed := strings.Cut(read(t, path), ",\n  \"crc32\": ")
	if sealed {
		text += "\n}\n"
	}
	write(t, path, replace(t, text, old, replacement))
}

// withoutBegun returns the text of a config.yaml without what tells how the run began.
func withoutBegun(config string) string {
	settings, _, _ := strings.Cut(config, "\nbegun:")
	return settings
}

func replace(t *testing.T, text, old, replacement string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("there is no %q in %q", old, text)
	}
	return strings.Replace(text, old, replacement, 1)
}

func TestHelp(t *testing.T) {
	for _, test := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"hessoscope", "train", "analyze", "datasets", "presets", "version"}},
		{[]string{"--help"}, []string{"Usage: hessoscope <command>"}},
		{[]string{"train", "--help"}, []string{"hessoscope train iris\n", "--resume\n", "--set 'spectrum.schedule={every: 50}'", "presets print gauss > mine.yaml"}},
		{[]string{"analyze", "--help"}, []string{"hessoscope analyze runs/iris\n", "--weights W.npz --data D.csv"}},
		{[]string{"stop-study", "--help"}, []string{"hessoscope stop-study runs/gauss\n", "--rules", "- {monitor: train/accuracy, at_least: 1}\n"}},
		{[]string{"predict", "--help"}, []string{"hessoscope predict runs/iris --data new.csv\n", "--distances"}},
		{[]string{"export", "--help"}, []string{"hessoscope export runs/iris iris.safetensors\n"}},
		{[]string{"fsck", "--help"}, []string{"hessoscope fsck runs/iris\n", "--repair", "--json"}},
		{[]string{"datasets"}, []string{"SET", "iris", "mnist", "120 train, 30 test"}},
		{[]string{"datasets", "--help"}, []string{"list", "describe", "fetch"}},
		{[]string{"datasets", "describe", "iris"}, []string{"setosa, versicolor, virginica", "petal_width", "data.per_class"}},
		{[]string{"presets"}, []string{"PRESET", "iris", "gauss_random_labels", "SWEEP", "regimes"}},
		{[]string{"presets", "print", "regimes"}, []string{"name: regimes\n"}},
		{[]string{"sweep", "--help"}, []string{"hessoscope sweep regimes --evaluate\n", "grid: {model.hidden", "--jobs"}},
		{[]string{"presets", "print", "gauss_adversarial"}, []string{"name: gauss_adversarial\n", `weights: "@gauss_random_labels"`}},
		{[]string{"reproduce", "--help"}, []string{"hessoscope reproduce all\n", "fig6  three digits", "--quick"}},
		{[]string{"presets", "--help"}, []string{"list", "print"}},
		{[]string{"version"}, []string{"hessoscope ", "go1."}},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			chdir(t)
			out := succeed(t, test.args...)
			for _, want := range test.want {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
		})
	}
}

// skipShort skips a test in short mode, because it takes seconds, and much longer with
// the race detector.
func skipShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes some seconds")
	}
}
