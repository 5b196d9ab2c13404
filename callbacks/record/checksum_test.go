package record_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/trainer"
)

// sealedRun writes a run of some epochs, with its checksums, and returns its record, its
// history and the state of the history's file.
func sealedRun(t *testing.T, folder record.Folder, epochs int) (*record.Run, []record.Entry, []byte) {
	t.Helper()
	var file record.AppendFile
	if err := file.Open(folder.History()); err != nil {
		t.Fatal(err)
	}
	last := trainer.Reading{}
	for epoch := range epochs {
		last = trainer.Reading{Value: 1 / float64(epoch+3), Epoch: epoch, Step: 2 * epoch}
		if err := file.AppendEntry(fmt.Appendf(nil, `{"epoch": %d, "step": %d, "seconds": 0.5, "metrics": {"a": %v}}`, epoch, 2*epoch, last.Value)); err != nil {
			t.Fatal(err)
		}
	}
	state, err := file.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if err := file.TrainEnd(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	run := &record.Run{Status: record.StatusFinished, Updated: time.Unix(1e9, 0).UTC(), Epoch: epochs - 1, Final: map[string]trainer.Reading{"a": last}}
	if err := run.Write(folder.Run()); err != nil {
		t.Fatal(err)
	}
	history, err := run.History(folder)
	if err != nil || len(history) != epochs {
		t.Fatalf("%d epochs, error %v", len(history), err)
	}
	return run, history, state
}

// No flipped bit of a record or a history changes what is read.
func TestFlippedBits(t *testing.T) {
	folder := record.Folder(t.TempDir())
	run, history, state := sealedRun(t, folder, 5)
	noticed := 0
	for _, path := range []string{folder.Run(), folder.History()} {
		sound, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for bit := 0; bit < 8*len(sound); bit += 3 { // every bit takes seconds
			damaged := bytes.Clone(sound)
			damaged[bit/8] ^= 1 << (bit % 8)
			if err := os.WriteFile(path, damaged, 0o644); err != nil {
				t.Fatal(err)
			}
			haveRun, err := record.ReadRun(folder.Run())
			var have []record.Entry
			if err == nil {
				have, err = haveRun.History(folder)
			}
			if err != nil {
				if noticed++; !strings.HasPrefix(err.Error(), path+":") {
					t.Fatalf("bit %d of %s: error %q", bit, path, err)
				}
				continue
			}
			if diff := cmp.Diff(run, haveRun) + cmp.Diff(history, have); diff != "" {
				t.Fatalf("bit %d of %s, in %q:\n%s", bit, path, damaged[max(0, bit/8-20):min(len(damaged), bit/8+20)], diff)
			}
			if path == folder.History() {
				var file record.AppendFile
				if err := file.Restore(state); err != nil {
					t.Fatal(err)
				}
				if err := file.Open(path); err == nil || !strings.Contains(err.Error(), "is damaged") {
					t.Fatalf("bit %d: a resumed run finds %v", bit, err)
				}
			}
		}
		if err := os.WriteFile(path, sound, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if noticed < 1000/3 {
		t.Errorf("only %d were noticed", noticed)
	}
}

func TestDamagedHistory(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage func(lines []string) []string
		want   string // behind the path; no error if empty
	}{
		{"sound", func(l []string) []string { return l }, ""},
		{"a line is missing", func(l []string) []string { return append(l[:2:2], l[3:]...) }, ":3: is damaged: its checksum is "},
		{"the first is missing", func(l []string) []string { return l[1:] }, ":1: is damaged: its checksum is "},
		{"the last is missing", func(l []string) []string { return l[:4] }, ": is cut short: it ends at epoch 3, and "},
		{"cut within a line", func(l []string) []string { return append(l[:4:4], l[4][:30]) }, ": is cut short: it ends at epoch 3, and "},
		{"empty", func([]string) []string { return nil }, ": is cut short: it has no epoch, and "},
		{"a line without a checksum", func(l []string) []string { return append(l, "{\"epoch\": 9}\n") }, ":6: is damaged: of this line and those before it only some have a checksum"},
		{"half a checksum", func(l []string) []string { return append(l[:4:4], l[4][:len(l[4])-6]+"\"}\n") }, `:5: is damaged: it ends in "\"crc32\": \"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := record.Folder(t.TempDir())
			run, _, _ := sealedRun(t, folder, 5)
			text, err := os.ReadFile(folder.History())
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.SplitAfter(string(text), "\n")
			if err := os.WriteFile(folder.History(), []byte(strings.Join(test.damage(lines[:5]), "")), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err = run.History(folder)
			if want := folder.History() + test.want; test.want == "" && err != nil || test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
				t.Errorf("error %v; want %s", err, want)
			}
		})
	}
}

// The state of a file in a checkpoint of an older version has its length alone.
func TestFileOfAnOlderVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("first\nsecond\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	state, err := trainer.EncodeState(int64(6))
	if err != nil {
		t.Fatal(err)
	}
	var old, file record.AppendFile
	if err := old.Restore(state); err != nil {
		t.Fatal(err)
	}
	if err := old.Open(path); err != nil {
		t.Fatal(err)
	}
	if err := old.Append([]byte("2nd\n")); err != nil {
		t.Fatal(err)
	}
	if state, err = old.Snapshot(); err != nil {
		t.Fatal(err)
	}
	if err := file.Restore(state); err != nil {
		t.Fatal(err)
	}
	if err := file.Open(path); err != nil {
		t.Errorf("the checksum is not known: %v", err)
	}
	if text, err := os.ReadFile(path); string(text) != "first\n2nd\n" {
		t.Errorf("%q, error %v", text, err)
	}
}

// Brackets in the name of a folder are no pattern.
func TestArchivesOfAFolder(t *testing.T) {
	folder := record.Folder(filepath.Join(t.TempDir(), "a[1]"))
	if paths, err := folder.AllCheckpoints(); err != nil || len(paths) > 0 {
		t.Errorf("no folder: %q, error %v", paths, err)
	}
	if err := os.MkdirAll(folder.Checkpoints(), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"last.npz", "best.npz", "last.npz.damaged", ".last.npz.1.tmp"} {
		if err := os.WriteFile(filepath.Join(folder.Checkpoints(), name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{filepath.Join(folder.Checkpoints(), "best.npz"), folder.LastCheckpoint()}
	if paths, err := folder.AllCheckpoints(); err != nil || cmp.Diff(want, paths) != "" {
		t.Errorf("%q, error %v; want %q", paths, err, want)
	}
}
