package record_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks/record"
)

func TestReadHistoryText(t *testing.T) {
	const first, second = `{"epoch": 0, "step": 0, "seconds": 0.5, "metrics": {"a": 1}}`, `{"epoch": 20, "step": 60, "seconds": 1.5, "metrics": {}}`
	for _, test := range []struct {
		name, text string
		epochs     []int
		want       string // of the error, behind the path
	}{
		{"empty", "", nil, ""},
		{"epochs with gaps", first + "\n" + second + "\n", []int{0, 20}, ""},
		{"line without an end", first + "\n" + second, []int{0}, ""},
		{"half a line", first + "\n" + second[:30], []int{0}, ""},
		{"half a line alone", first[:30], nil, ""},
		{"broken line", first + "\n" + second[:30] + "\n", nil, ":2: unexpected end of JSON input"},
		{"blank line", first + "\n\n" + second + "\n", nil, ":2: unexpected end of JSON input"},
		{"not JSON", "epoch,step\n", nil, ":1: invalid character"},
		{"not an object", "[1]\n", nil, ":1: json: cannot unmarshal array"},
		{"no epoch", "{}\n", nil, ":1: epoch -1; want epochs that count up from 0"},
		{"epoch twice", first + "\n" + first + "\n", nil, ":2: epoch 0; want epochs that count up"},
		{"epoch again with more metrics", first + "\n" + strings.Replace(first, `"a": 1`, `"a": 1, "b": 2`, 1) + "\n" + second + "\n", []int{0, 20}, ""},
		{"epoch again with fewer metrics", first + "\n" + strings.Replace(first, `"a": 1`, "", 1) + "\n", nil, ":2: epoch 0; want epochs that count up"},
		{"epochs backwards", second + "\n" + first + "\n", nil, ":2: epoch 0; want epochs that count up"},
		{"fraction of an epoch", `{"epoch": 1.5}` + "\n", nil, ":1: json: cannot unmarshal number 1.5"},
		{"word for a value", `{"epoch": 1, "metrics": {"a": "NaN"}}` + "\n", nil, ":1: json: cannot unmarshal string"},
		{"value too large", `{"epoch": 1, "metrics": {"a": 1e999}}` + "\n", nil, ":1: json: cannot unmarshal number 1e999"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "metrics.jsonl")
			if err := os.WriteFile(path, []byte(test.text), 0o644); err != nil {
				t.Fatal(err)
			}
			history, err := record.ReadHistory(path)
			if test.want != "" {
				if err == nil || !strings.HasPrefix(err.Error(), path+test.want) {
					t.Errorf("error %v, want %s", err, path+test.want)
				}
				return
			}
			var epochs []int
			for _, entry := range history {
				epochs = append(epochs, entry.Epoch)
			}
			if diff := cmp.Diff(test.epochs, epochs); diff != "" || err != nil {
				t.Errorf("error %v, epochs (-want +have):\n%s", err, diff)
			}
		})
	}
	if _, err := record.ReadHistory(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want one of a file that does not exist", err)
	}
}

func FuzzReadHistory(f *testing.F) {
	for _, text := range []string{
		"", "\n", "{}\n", "{\"epoch\": 0}\n{\"epoch\": 1, \"metrics\": {\"a\": 1e-308}}\n", "{\"epoch\": 0, \"metrics\": null}\n{",
		"{\"epoch\": 9223372036854775807}\n{\"epoch\": -9223372036854775808}\n", "{\"epoch\":0}\r\n{\"EPOCH\":1}\n", "\xff\xfe\n", "[[[[[[\n",
	} {
		f.Add([]byte(text))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "metrics.jsonl")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		history, err := record.ReadHistory(path)
		if err != nil {
			if !strings.HasPrefix(err.Error(), path+":") {
				t.Errorf("error %q does not name the file and line", err)
			}
			return
		}
		// A history that is accepted can be written and read again.
		var text []byte
		for _, entry := range history {
			line, err := json.Marshal(entry)
			if err != nil {
				t.Fatal(err)
			}
			text = append(append(text, line...), '\n')
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		again, err := record.ReadHistory(path)
		if diff := cmp.Diff(history, again); diff != "" || err != nil {
			t.Errorf("error %v (-read +written and read again):\n%s", err, diff)
		}
	})
}

// What a Tail returns of a history at once is what ReadHistory returns.
func FuzzTail(f *testing.F) {
	f.Add([]byte("{\"epoch\": 0}\n{\"epoch\": 1, \"metrics\": {\"a\": 1}}\n{\"epoch\": 1, \"metrics\": {\"a\": 1, \"b\": 2}}\n"), 20)
	f.Add([]byte("{\"epoch\": 3}\n{\"epoch\": 1}\n{"), 1)
	f.Add([]byte("[[[[\n"), 0)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte, first int) {
		path := filepath.Join(dir, "metrics.jsonl")
		tail := record.Tail{Path: path}
		var all []record.Entry
		for _, part := range [][]byte{data[:max(0, min(first, len(data)))], data} {
			if err := os.WriteFile(path, part, 0o644); err != nil {
				t.Fatal(err)
			}
			entries, err := tail.Next()
			if err != nil {
				if !strings.HasPrefix(err.Error(), path+":") {
					t.Errorf("error %q does not name the file", err)
				}
				return
			}
			if n := len(all); n > 0 && len(entries) > 0 && entries[0].Epoch == all[n-1].Epoch {
				all = all[:n-1]
			}
			all = append(all, entries...)
		}
		history, err := record.ReadHistory(path)
		if diff := cmp.Diff(history, all); err == nil && len(all)+len(history) > 0 && diff != "" {
			t.Errorf("(-history +tail):\n%s", diff)
		}
	})
}
