//go:build unix

package command

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// most is the memory, in bytes, that a command may allocate in all before it refuses a
// file.
const most = 400 << 20

// hostile checks that a command ends with one line, without much memory.
func hostile(t *testing.T, args []string, want ...string) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	result := hessoscope(args...)
	runtime.ReadMemStats(&after)
	refused(t, result, want...)
	if used := after.TotalAlloc - before.TotalAlloc; used > most {
		t.Errorf("%v: %d MB were allocated", args, used>>20)
	}
	if len(result.stderr) > 700 {
		t.Errorf("an error of %d bytes: %s", len(result.stderr), result.stderr)
	}
}

// trained returns a folder with an experiment, a network and a run, all of the name good.
func trained(t *testing.T) fs.FS {
	t.Helper()
	dir := filepath.Join(chdir(t), "good")
	mkdir(t, dir)
	t.Chdir(dir)
	write(t, "good.yaml", small)
	write(t, "good.npz", network(2, 3))
	if r := hessoscope("train", "good.yaml", "--name", "good"); r.status != 0 {
		t.Fatal(r.stderr)
	}
	return os.DirFS(dir)
}

// What is no regular file is refused wherever a file is read: reading it would wait, or
// have no end.
func TestHostileKinds(t *testing.T) {
	good := trained(t)
	kinds := map[string]func(t *testing.T, path string){
		"is a folder, not": func(t *testing.T, path string) { mkdir(t, path) },
		"is a pipe or a device, not": func(t *testing.T, path string) {
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"a pipe or a device": func(t *testing.T, path string) {
			if err := os.Symlink("/dev/zero", path); err != nil {
				t.Fatal(err)
			}
		},
	}
	for _, test := range []struct {
		file string
		args []string
	}{
		{"e.yaml", []string{"train", "e.yaml"}},
		{"e.yaml", []string{"doctor", "e.yaml"}},
		{"d.csv", []string{"train", "good.yaml", "--data", "d.csv"}},
		{"d.npz", []string{"train", "good.yaml", "--data", "d.npz"}},
		{"net.yaml", []string{"train", "good.yaml", "--set", "model={file: net.yaml}"}},
		{"w.npz", []string{"train", "good.yaml", "--set", "model.weights=w.npz"}},
		{"s.yaml", []string{"sweep", "s.yaml"}},
		{"rules.yaml", []string{"stop-study", "runs/good", "--rules", "rules.yaml"}},
		{"w.npz", []string{"analyze", "--weights", "w.npz", "--data", "gauss"}},
		{"w.safetensors", []string{"analyze", "--weights", "w.safetensors", "--data", "gauss"}},
		{"d.csv", []string{"analyze", "--weights", "good.npz", "--data", "d.csv"}},
		{"d.npz", []string{"analyze", "--weights", "good.npz", "--data", "d.npz"}},
		{"d.csv", []string{"predict", "runs/good", "--data", "d.csv"}},
		{"runs/good/run.json", []string{"report", "runs/good"}},
		{"runs/good/metrics.jsonl", []string{"report", "runs/good"}},
		{"runs/good/metrics.jsonl", []string{"stop-study", "runs/good"}},
		{"runs/good/config.yaml", []string{"analyze", "runs/good"}},
		{"runs/good/checkpoints/last.npz", []string{"analyze", "runs/good"}},
		{"runs/good/checkpoints/last.npz", []string{"export", "runs/good", "m.safetensors"}},
	} {
		for want, place := range kinds {
			t.Run(strings.Join(test.args, " ")+" "+want, func(t *testing.T) {
				chdir(t)
				if err := os.CopyFS(".", good); err != nil {
					t.Fatal(err)
				}
				if err := os.RemoveAll(test.file); err != nil {
					t.Fatal(err)
				}
				place(t, test.file)
				hostile(t, test.args, filepath.Base(test.file), want)
			})
		}
	}
}

// claimed is an .npz of about a kilobyte whose arrays have 100 GB by their headers and by
// the directory.
func claimed(t *testing.T, names ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i, name := range names {
		shape := []string{"(12500000, 1000)", "(12500000,)"}[i]
		header := npy("<f8", shape, "")
		w, err := z.CreateRaw(&zip.FileHeader{
			Name: name + ".npy", Method: zip.Store,
			CompressedSize64:   uint64(len(header)),
			UncompressedSize64: uint64(len(header)) + []uint64{1e11, 1e8}[i],
		})
		if err == nil {
			_, err = fmt.Fprint(w, header)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// bomb is an .npz whose entries are deflated zeros after what they begin with.
func bomb(t *testing.T, zeros int, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		w, err := z.Create(e.name)
		if err == nil {
			_, err = fmt.Fprint(w, e.content)
		}
		for left := zeros; err == nil && left > 0; left -= 1 << 20 {
			_, err = w.Write(make([]byte, min(left, 1<<20)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHostileFiles(t *testing.T) {
	train := func(file string) []string { return []string{"train", "good.yaml", "--data", file} }
	analyze := []string{"analyze", "--weights", "w.npz", "--data", "gauss"}
	const zeros = 64 << 20
	lines := strings.Repeat("x\n", 4<<20)
	good := trained(t)
	for _, test := range []struct {
		name, file, content string
		args                []string
		want                string
	}{
		{"npz that claims 100 GB", "d.npz", claimed(t, "x", "y"), train("d.npz"), "d.npz: array \"x\": is damaged: 100000000128 bytes cannot be stored in 128 of a file of "},
		{"weights that claim 100 GB", "w.npz", claimed(t, "fc1.weight", "fc1.bias"), analyze, "w.npz: entry \"fc1.weight.npy\": is damaged: 100000000128 bytes cannot be stored in 128 of a file of "},
		{"deflated data", "d.npz", bomb(t, zeros, entry{"x.npy", npy("|u1", "(67108864,)", "")}, entry{"y.npy", npy("|u1", "(67108864,)", "")}), append(train("d.npz"), "--set", "data.max_gb=0.1"), "needs 0.604 GB of memory, more than the 0.1 GB"},
		{"deflated weights", "w.npz", bomb(t, zeros, entry{"fc1.weight.npy", npy("|u1", "(8192, 8192)", "")}), analyze, `w.npz: array "fc1.weight": shape (8192, 8192) needs 0.537 GB`},
		{"row without an end", "d.csv", "a,label\n" + strings.Repeat("1", 8<<20), train("d.csv"), "d.csv:2:1: the row that begins with \"1111"},
		{"header without an end", "d.csv", strings.Repeat("a,", 4<<20), train("d.csv"), "d.csv:1:1: the row that begins with \"a,a,"},
		{"open quote", "d.csv", "a,label\n\"" + lines, train("d.csv"), "d.csv:2:1: the row that begins with \"\\\"x"},
		{"CSV in UTF-16", "d.csv", "\xff\xfea\x00", train("d.csv"), "d.csv: is UTF-16 text; save it as UTF-8"},
		{"experiment in UTF-16", "e.yaml", "\xff\xfen\x00", []string{"train", "e.yaml"}, "e.yaml: is UTF-16 text; save it as UTF-8"},
		{"run.json in UTF-16", "runs/good/run.json", "\xff\xfe{\x00", []string{"report", "runs/good"}, "run.json: is UTF-16 text; save it as UTF-8"},
		{"lists in lists", "e.yaml", strings.Repeat("- ", 30_000), []string{"train", "e.yaml"}, "e.yaml:1:41: more than 20 nested lists"},
		{"brackets in brackets", "e.yaml", strings.Repeat("[", 60_000), []string{"train", "e.yaml"}, "e.yaml:1:21: more than 20 nested brackets"},
		{"keys in keys", "e.yaml", strings.Repeat("? ", 30_000), []string{"train", "e.yaml"}, "e.yaml:1:41: more than 20 nested lists"},
		{"aliases of aliases", "e.yaml", "a: &a [x, x]\nb: &b [*a, *a]\n", []string{"train", "e.yaml"}, "e.yaml:2:8: "},
		{"large experiment", "e.yaml", strings.Repeat("# 345678\n", 10_000), []string{"train", "e.yaml"}, "e.yaml: has 90000 bytes; want at most 65536"},
		{"large run.json", "runs/good/run.json", strings.Repeat(" ", 17<<20), []string{"report", "runs/good"}, "run.json: has 17825792 bytes; want at most 16777216"},
		{"long line of a history", "runs/good/metrics.jsonl", `{"metrics": {"` + strings.Repeat("a", 2<<20) + "\n", []string{"report", "runs/good"}, `metrics.jsonl:1: the line that begins with "{\"metrics\": {\"aaa`},
		{"safetensors with a long header", "w.npz", string(binary.LittleEndian.AppendUint64(nil, 1<<40)) + "{", analyze, "the .safetensors header has 1099511627776 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			chdir(t)
			if err := os.CopyFS(".", good); err != nil {
				t.Fatal(err)
			}
			write(t, test.file, test.content)
			hostile(t, test.args, test.want)
		})
	}
}

// What measuring needs of memory is told before it begins, with what fits.
func TestAnalyzeTellsMemory(t *testing.T) {
	chdir(t)
	write(t, "w.npz", npz(append(layer("fc1", 1500, 2), append(layer("fc2", 1000, 1500), layer("fc3", 3, 1000)...)...)...))
	analyze := []string{"analyze", "--weights", "w.npz", "--data", "gauss", "--no-complexity", "--bottom", "0", "--memory-gb", "1.2"}
	r := hessoscope(append(analyze, "--top", "30")...)
	refused(t, r, "about 1.8", "Needed for the spectrum 1.", "--method lanczos --top ", " goes on nevertheless")
	// It is rounded up from what is needed and what this process holds, which varies.
	if enough := regexp.MustCompile(` fits; --memory-gb=(1\.9|2) goes on`); !enough.MatchString(r.stderr) {
		t.Errorf("error %q; want it to match %s", r.stderr, enough)
	}
	refused(t, hessoscope(append(analyze, "--memory-gb", "0.1")...), "A smaller model or split fits")
}
