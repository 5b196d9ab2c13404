package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/callbacks/report"
)

// The policy of a page allows its own script and style, and no requests; no string
// of a run can end the element that holds it.
func TestWrite(t *testing.T) {
	const name = `</script><img src=x onerror=alert(1)> & "quotes" {{script}}`
	d := &report.Data{Title: name, Runs: []*report.Run{{Name: name, Description: name}}}
	var b bytes.Buffer
	check(t, report.Write(&b, d))
	page := b.String()
	if strings.Contains(page, "<img") {
		t.Error("the name is in the page as markup")
	}
	if n := strings.Count(page, "</script>"); n != 2 {
		t.Errorf("%d ends of scripts; want those of the data and of the script", n)
	}
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)[1]
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "connect-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
	for _, element := range []string{"style", "script"} {
		content := regexp.MustCompile(`(?s)<` + element + `>(.*?)</` + element + `>`).FindStringSubmatch(page)[1]
		sum := sha256.Sum256([]byte(content))
		if !strings.Contains(policy, element+"-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
			t.Errorf("the policy does not allow the %s of the page", element)
		}
	}
	if !strings.Contains(page, "Permission is hereby granted") {
		t.Error("the page does not have the licence of uPlot")
	}

	b.Reset()
	check(t, report.WriteLive(&b, "runs"))
	if live := b.String(); !strings.Contains(live, "connect-src 'self'") || !strings.Contains(live, `id="data"></script>`) {
		t.Error("the live page has data, or may not request them")
	}
}

// The words that a page explains are those of the glossary.
func TestWords(t *testing.T) {
	glossary, err := os.ReadFile("../../docs/glossary.md")
	check(t, err)
	meaning := make(map[string]string)
	link := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	for line := range strings.Lines(string(glossary)) {
		if cells := strings.Split(strings.ReplaceAll(line, `\|`, "│"), "|"); len(cells) == 4 {
			meaning[strings.TrimSpace(cells[1])] = link.ReplaceAllString(strings.ReplaceAll(strings.TrimSpace(cells[2]), "│", "|"), "$1")
		}
	}
	folder := testRun{epochs: 1, metrics: 1}.write(t, t.TempDir())
	d, err := report.Collect(folder)
	check(t, err)
	for word, text := range d.Words {
		if text != meaning[word] {
			t.Errorf("%s is explained by %q; the glossary has %q", word, text, meaning[word])
		}
	}
}
