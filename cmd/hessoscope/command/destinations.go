package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

// destinations say where a command writes its results for programs. The field json
// is the path of a JSON file, or - to write JSON to standard output instead of the
// tables; csv is the path of a CSV file. Nothing is written for an empty field.
type destinations struct{ json, csv string }

func (d destinations) validate() error {
	if d.csv == "-" {
		return errors.New("--csv wants the name of a file; --json - writes to standard output")
	}
	for _, path := range []string{d.json, d.csv} {
		if err := writable(path); err != nil {
			return err
		}
	}
	return nil
}

// write writes the requested files, and the tables or the JSON to stdout.
func (d destinations) write(stdout io.Writer, result any, rows, tables func(io.Writer) error) error {
	if d.csv != "" {
		var text bytes.Buffer
		if err := rows(&text); err != nil {
			return err
		}
		if err := durable.WriteFile(d.csv, text.Bytes()); err != nil {
			return err
		}
	}
	if d.json == "" {
		return tables(stdout)
	}
	var text bytes.Buffer
	if err := encodeJSON(&text, result); err != nil {
		return err
	}
	if d.json == "-" {
		_, err := stdout.Write(text.Bytes())
		return err
	}
	if err := durable.WriteFile(d.json, text.Bytes()); err != nil {
		return err
	}
	return tables(stdout)
}

// writable returns an error if path is a folder, or if its folder does not exist. It
// is called before the computation, which may take long.
func writable(path string) error {
	if path == "" || path == "-" {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder; want the name of a file", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fmt.Errorf("%s: there is no folder %s", path, filepath.Dir(path))
	}
	return nil
}

// encodeJSON writes v indented, and does not escape <, > and &.
func encodeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
