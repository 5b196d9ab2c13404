package durable

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, test := range []struct{ name, content, text, problem string }{
		{"empty", "", "", ""},
		{"plain", "a: é\n", "a: é\n", ""},
		{"byte order mark", "\xef\xbb\xbfa", "a", ""},
		{"one letter", "a", "a", ""},
		{"as large as allowed", "0123456789", "0123456789", ""},
		{"too large", "0123456789x", "", "has 11 bytes; want at most 10"},
		{"UTF-16, little-endian", "\xff\xfea\x00", "", "is UTF-16 text; save it as UTF-8"},
		{"UTF-16, big-endian", "\xfe\xff\x00a", "", "is UTF-16 text"},
		{"UTF-32, little-endian", "\xff\xfe\x00\x00", "", "is UTF-32 text"},
		{"UTF-32, big-endian", "\x00\x00\xfe\xff", "", "is UTF-32 text"},
		{"UTF-16 without a mark", "a\x00:\x00", "", "looks like UTF-16 text"},
		{"binary", "\x00\x00\x00\x01", "\x00\x00\x00\x01", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			text, err := ReadText(path, 10)
			if test.problem == "" && (err != nil || string(text) != test.text) {
				t.Errorf("%q, %v; want %q", text, err, test.text)
			}
			if test.problem != "" && (err == nil || !strings.HasPrefix(err.Error(), path+": "+test.problem)) {
				t.Errorf("error %v; want %q", err, test.problem)
			}
		})
	}
}
