package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"
)

// The parts of a page. uPlot draws the charts (github.com/leeoniya/uPlot, version
// 1.6.32); its licence goes with it into every page.
var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/page.css
	pageCSS string
	//go:embed page/*.js
	scripts embed.FS
	//go:embed page/uplot/uPlot.iife.min.js
	uplotJS string
	//go:embed page/uplot/uPlot.min.css
	uplotCSS string
	//go:embed page/uplot/LICENSE
	uplotLicense string
)

// Write writes a page with its data.
func Write(w io.Writer, d *Data) error {
	// Marshal escapes <, > and &, so that no string can end the element that the
	// JSON is in, and U+2028 and U+2029.
	data, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return write(w, d.Title, string(data), "'none'")
}

// WriteLive writes the page of a server. It requests data.json, a Data, from the
// same folder of the server, and listens to the server-sent events at events there.
// After each event named change it requests data.json again.
func WriteLive(w io.Writer, title string) error { return write(w, title, "", "'self'") }

// write writes a page that may connect to the given source.
func write(w io.Writer, title, data, connect string) error {
	style := "/*! uPlot 1.6.32\n" + uplotLicense + "*/\n" + uplotCSS + "\n" + pageCSS
	own, err := ownScript()
	if err != nil {
		return err
	}
	script := "/*! uPlot 1.6.32\n" + uplotLicense + "*/\n" + uplotJS + "\n" + own
	policy := fmt.Sprintf("default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; connect-src %s; style-src %s; script-src %s",
		connect, hash(style), hash(script))
	// One pass, so that what is put in is not searched for marks.
	_, err = strings.NewReplacer(
		"{{title}}", html.EscapeString(title), "{{policy}}", policy, "{{style}}", style, "{{script}}", script, "{{data}}", data,
	).WriteString(w, pageHTML)
	return err
}

// ownScript joins the parts of the script to one function, in which they see each
// other and nothing else does. The last one starts the page.
func ownScript() (string, error) {
	var b strings.Builder
	b.WriteString("(() => {\n'use strict';\n")
	for _, part := range []string{"elements", "charts", "panels", "run", "compare", "page"} {
		text, err := scripts.ReadFile("page/" + part + ".js")
		if err != nil {
			return "", err
		}
		b.Write(text)
	}
	b.WriteString("})();\n")
	return b.String(), nil
}

// hash returns the source expression of a content security policy that allows the
// inline element with this content.
func hash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
