package shell_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/shell"
)

func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		"runs/iris":      "runs/iris",
		"runs/my run":    "'runs/my run'",
		"it's":           `'it'\''s'`,
		"":               "''",
		"~":              "'~'",
		"a$HOME;`x`*":    "'a$HOME;`x`*'",
		"a\nb":           `$'a\012b'`,
		"'\\\t\x7f":      `$'\'\\\011\177'`,
		"größe":          "'größe'",
		"-x":             "-x",
		"a\u0085ü\x1b[m": "$'a\u0085ü\\033[m'",
	} {
		if have := shell.Quote(text); have != want {
			t.Errorf("%q is quoted as %s; want %s", text, have, want)
		}
	}
}

// The shell of the system reads what was quoted.
func FuzzQuote(f *testing.F) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		f.Skip("no bash")
	}
	for _, text := range []string{"a", "a b", "it's", "", "~", "a$HOME;`x`*?[!", "a\nb\r\t\x01\x7f'\\", "größe\xff", "#", "{a,b}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsRune(text, 0) {
			return // in no argument
		}
		c := exec.Command(bash, "-c", "printf %s "+shell.Quote(text))
		if have, err := c.Output(); err != nil || string(have) != text {
			t.Errorf("%q is quoted as %s; bash reads %q, error %v", text, shell.Quote(text), have, err)
		}
	})
}
