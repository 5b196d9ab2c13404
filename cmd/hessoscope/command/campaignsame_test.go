//go:build linux && amd64

package command

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/trainer"
)

// content is what files below a folder say, by path, without times and without what
// depends on them.
type content map[string]string

// contentOf reads everything below a folder. It leaves out locks, which are free if they
// are left behind, logs, and where nothing has tidied temporary files.
func contentOf(dir string, tidied bool) (content, error) {
	c := make(content)
	return c, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		name, wrong := filepath.Rel(dir, path)
		if err != nil || wrong != nil || entry.IsDir() {
			return err
		}
		if filepath.Base(filepath.Dir(path)) == "checkpoints" && !kept.MatchString(entry.Name()) {
			return nil
		}
		if entry.Name() == ".lock" || filepath.Ext(entry.Name()) == ".log" || strings.HasPrefix(entry.Name(), ".") && !(tidied && inRun(filepath.Dir(path))) {
			return nil
		}
		text, err := says(path)
		text = strings.ReplaceAll(text, dir, "DIR")
		if other, twice := c[nameless(name)]; twice && other != text {
			return fmt.Errorf("%s differs from that of a run of the same name:\n%.2000s", name, cmp.Diff(other, text))
		}
		c[nameless(name)] = text
		return err
	})
}

// inRun reports whether a folder is that of a run that has begun, or one in it.
func inRun(dir string) bool {
	return exists(filepath.Join(dir, "config.yaml")) || exists(filepath.Join(filepath.Dir(dir), "config.yaml"))
}

// kept matches the names of checkpoints whose epoch does not depend on times, and of
// temporary files.
var kept = regexp.MustCompile(`^(last|best|epoch-\d+)\.npz$|^\.`)

var numbered = regexp.MustCompile(`\bjob-\d+\b`)

// nameless takes the number from the name of a run that was begun once more.
func nameless(text string) string { return numbered.ReplaceAllString(text, "job") }

// says returns the content of a file without times.
func says(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	switch base := filepath.Base(path); {
	case base == "sweep.csv":
		return tableSays(data)
	case base == "metrics.jsonl" || base == "metrics.csv":
		return withoutTimes(path, string(data)), nil
	case base == "metrics.prom":
		return nameless(timeLines.ReplaceAllString(string(data), "")), nil
	case strings.HasPrefix(base, "events.out"):
		return eventsSay(data)
	case filepath.Ext(base) == ".json":
		return objectSays(data)
	case filepath.Ext(base) == ".html":
		begin := bytes.Index(data, []byte(`<script type="application/json" id="data">`))
		end := bytes.Index(data, []byte("</html>"))
		if begin < 0 || end < 0 {
			return "", fmt.Errorf("%s is no whole page", path)
		}
		return objectSays(data[begin+bytes.IndexByte(data[begin:], '>')+1:])
	case filepath.Base(filepath.Dir(path)) == "checkpoints":
		return checkpointSays(path)
	}
	return string(data), nil
}

var timeLines = regexp.MustCompile(`(?m)^.*(seconds|time_share).*\n`)

// tableSays returns a CSV file without the columns of times.
func tableSays(data []byte) (string, error) {
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return "", err
	}
	for _, row := range rows[1:] {
		for i := range row {
			if isTime(rows[0][i]) {
				row[i] = ""
			}
		}
	}
	return fmt.Sprintf("%q", rows), nil
}

// checkpointSays returns the arrays of a checkpoint and how far it has come.
func checkpointSays(path string) (string, error) {
	c, err := trainer.ReadCheckpoint(path)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(c.Progress.Epoch, c.Progress.Step, c.Arrays), nil
}

// eventsSay returns the events of a file for TensorBoard.
func eventsSay(data []byte) (string, error) {
	var text strings.Builder
	for len(data) > 0 {
		if len(data) < 16 || uint64(len(data)-16) < binary.LittleEndian.Uint64(data) {
			return "", fmt.Errorf("a record of events is cut off: %d bytes are left", len(data))
		}
		event, rest := data[12:12+binary.LittleEndian.Uint64(data)], data[16+binary.LittleEndian.Uint64(data):]
		if !timeLines.Match(append(event, '\n')) && !bytes.Contains(event, []byte("_hparams_/session")) {
			text.Write(event[min(9, len(event)):]) // without its time
		}
		data = rest
	}
	return nameless(text.String()), nil
}

// objectSays returns the JSON object that text begins with.
func objectSays(text []byte) (string, error) {
	var v any
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&v); err != nil {
		return "", err
	}
	out, err := json.MarshalIndent(scrubbed(v), "", " ")
	return nameless(string(out)), err
}

var shareOfTime = regexp.MustCompile(`[\d.e+-]+ % of the run's time`)

// scrubbed returns a value of JSON without times, and without checksums of them.
func scrubbed(v any) any {
	switch v := v.(type) {
	case map[string]any:
		maps.DeleteFunc(v, func(key string, _ any) bool {
			return isTime(key) || slices.Contains([]string{"started", "updated", "host", "crc32"}, key)
		})
		for key := range v {
			v[key] = scrubbed(v[key])
		}
	case []any:
		for i := range v {
			v[i] = scrubbed(v[i])
		}
	case string:
		return shareOfTime.ReplaceAllString(v, "")
	}
	return v
}

// differences returns how the content of two folders differs, or "".
func differences(want, have content) string {
	var text strings.Builder
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if got, ok := have[path]; !ok {
			fmt.Fprintf(&text, "%s is missing\n", path)
		} else if got != want[path] {
			diff := cmp.Diff(want[path], got)
			fmt.Fprintf(&text, "%s differs (-want +have):\n%.2000s\n", path, diff)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(have)) {
		if _, ok := want[path]; !ok {
			fmt.Fprintf(&text, "%s was left behind\n", path)
		}
	}
	return text.String()
}
