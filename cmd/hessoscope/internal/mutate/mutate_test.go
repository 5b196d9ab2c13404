package mutate

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	count = flag.Int("mutate", 0, "number of mutations to test the tests with; not run without")
	seed  = flag.Uint64("mutate.seed", 1, "seed by which they are drawn")
	jobs  = flag.Int("mutate.jobs", 1, "number of mutations that are tested side by side")
	only  = flag.String("mutate.only", "", "regular expression of mutations, as they are listed; all if empty")
)

// TestMutate fails if more than one mutation in 20 survives without a reason in
// docs/tests.md.
func TestMutate(t *testing.T) {
	if *count == 0 {
		t.Skip("takes about an hour: -mutate=300")
	}
	root, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile(filepath.Join(root, "docs", "tests.md"))
	if err != nil {
		t.Fatal(err)
	}
	results := newCampaign(t, root, *seed, regexp.MustCompile(*only)).run(t, *count, *jobs)
	survived, others := 0, 0
	for _, r := range results {
		t.Log(r)
		if r.noticed == "" {
			survived++
			if !strings.Contains(string(document), r.row()) {
				others++
				t.Logf("no reason in docs/tests.md: %s … |", r.row())
			}
		}
	}
	t.Logf("%d mutations: %d noticed; %d survived, %d of them without a reason", len(results), len(results)-survived, survived, others)
	if 20*others > len(results) {
		t.Error("more than one in 20 survives without a reason")
	}
}

func TestMutations(t *testing.T) {
	source := `package p

func f(x []float64, n int) (float64, error) {
	s := 0.0
	for i := 0; i < n || n >= 9 && i != n; i++ {
		s += x[i] * x[i]
	}
	if err := g(s); err != nil {
		return s, err
	}
	t, err := h(s)
	if err != nil {
		return s, err
	}
	_, err = h(t)
	if err != nil {
		panic(err)
	}
	return t, nil
}
`
	found, err := mutations("p.go", []byte(source), rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range found {
		got = append(got, m.String())
	}
	want := []string{
		"p.go:4: s := ⟦0.0 → (0.0+1)⟧",
		"p.go:5: for i := ⟦0 → (0-1)⟧; i < n || n >= 9 && i != n; i++ {",
		"p.go:5: for i := 0; i < n ⟦|| → &&⟧ n >= 9 && i != n; i++ {",
		"p.go:5: for i := 0; i ⟦< → <=⟧ n || n >= 9 && i != n; i++ {",
		"p.go:5: for i := 0; i < n || n >= 9 ⟦&& → ||⟧ i != n; i++ {",
		"p.go:5: for i := 0; i < n || n ⟦>= → >⟧ 9 && i != n; i++ {",
		"p.go:5: for i := 0; i < n || n >= ⟦9 → (9+1)⟧ && i != n; i++ {",
		"p.go:5: for i := 0; i < n || n >= 9 && i ⟦!= → ==⟧ n; i++ {",
		"p.go:6: s ⟦+= → -=⟧ x[i] * x[i]",
		"p.go:6: s += x[i] ⟦* → /⟧ x[i]",
		"p.go:8: if err := g(s); ⟦err != nil → err != nil && false⟧ {",
		"p.go:8: if err := g(s); err ⟦!= → ==⟧ nil {",
		"p.go:12: t, err := h(s) ⏎ if ⟦err != nil → err != nil && false⟧ {",
		"p.go:12: t, err := h(s) ⏎ if err ⟦!= → ==⟧ nil {",
		"p.go:16: _, err = h(t) ⏎ if err ⟦!= → ==⟧ nil {",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mutations (-want +have):\n%s", diff)
	}
	if applied := string(found[8].apply([]byte(source))); applied != strings.Replace(source, "+=", "-=", 1) {
		t.Errorf("%v:\n%s", found[8], applied)
	}
}

// A module of two packages: the second notices what the first does not test.
const module = `
-- go.mod --
module m
go 1.26
-- a/a.go --
package a

func Less(x, y int) bool { return x < y }

func Sum(x, y int) int { return x + y }

func Text() string { return "1" + "2" }

func Untested(ok, sure bool) bool { return ok && sure }
-- a/a_test.go --
package a

import "testing"

func TestLess(t *testing.T) {
	if Less(1, 1) {
		t.Error("1 < 1")
	}
}
-- b/b.go --
package b

import "m/a"

func Double(x int) int { return a.Sum(x, x) }
-- b/b_test.go --
package b

import "testing"

func TestDouble(t *testing.T) {
	if Double(3) != 6 {
		t.Fail()
	}
}
`

func TestCampaign(t *testing.T) {
	root := t.TempDir()
	for _, part := range strings.Split(module, "\n-- ")[1:] {
		name, text, _ := strings.Cut(part, " --\n")
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]string{}
	for _, r := range newCampaign(t, root, 1, regexp.MustCompile("")).run(t, 10, 2) {
		got[r.excerpt] = r.noticed
	}
	want := map[string]string{ // that of strings does not compile
		"func Less(x, y int) bool { return x ⟦< → <=⟧ y }":               "a",
		"func Sum(x, y int) int { return x ⟦+ → -⟧ y }":                  "b",
		"func Untested(ok, sure bool) bool { return ok ⟦&& → ||⟧ sure }": "",
	}
	if len(got) != len(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for excerpt, noticed := range want {
		if by, ok := got[excerpt]; !ok || by != noticed {
			t.Errorf("%s: noticed by %q, want %q", excerpt, by, noticed)
		}
	}
}
