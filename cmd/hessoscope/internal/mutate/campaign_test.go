package mutate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// perPackage is the time limit of the tests of a package, for mutations that make
// a loop endless.
const perPackage = 2 * time.Minute

// campaign tests mutations of the libraries of a module.
type campaign struct {
	root  string     // folder of the module
	drawn []mutation // in random order
}

// library is a package of the module that is not a command.
type library struct {
	name      string        // its folder in the module, with slashes
	files     []string      // its sources, without tests
	imports   []string      // import paths, those of its tests included
	importers []*library    // by whose tests its mutations may be noticed
	took      time.Duration // by its tests
}

// result is what became of a mutation.
type result struct {
	mutation
	noticed string // the package whose test failed; empty if none did
}

// String returns a line of the table.
func (r result) String() string {
	if r.noticed == "" {
		return fmt.Sprintf("%v: SURVIVED", r.mutation)
	}
	return fmt.Sprintf("%v: noticed by %s", r.mutation, r.noticed)
}

// row returns how the row of the mutation in docs/tests.md begins. There is no line
// number in it, since that would often change.
func (r result) row() string {
	return fmt.Sprintf("| %s | `%s` |", r.file, strings.ReplaceAll(r.excerpt, "|", `\|`))
}

// newCampaign draws all mutations that match only, in an order that depends on the
// seed. It fails if a test fails without a mutation.
func newCampaign(t *testing.T, root string, seed uint64, only *regexp.Regexp) *campaign {
	c := &campaign{root: root}
	random := rand.New(rand.NewPCG(seed, 0))
	concerned := map[*library]bool{}
	for _, l := range libraries(t, root) {
		for _, file := range l.files {
			file = path.Join(l.name, file)
			source, err := os.ReadFile(filepath.Join(root, file))
			if err != nil {
				t.Fatal(err)
			}
			found, err := mutations(file, source, random)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range found {
				if only.MatchString(m.String()) {
					m.library, concerned[l] = l, true
					c.drawn = append(c.drawn, m)
				}
			}
		}
	}
	random.Shuffle(len(c.drawn), func(i, j int) { c.drawn[i], c.drawn[j] = c.drawn[j], c.drawn[i] })
	for l := range concerned {
		for _, tested := range append(l.importers, l) {
			if tested.took == 0 {
				begin := time.Now()
				if out, err := c.test(t.Context(), tested, "-count=1"); err != nil {
					t.Fatalf("without a mutation: %v\n%s", err, out)
				}
				tested.took = time.Since(begin)
			}
		}
		slices.SortFunc(l.importers, func(a, b *library) int { return cmp.Compare(a.took, b.took) })
	}
	return c
}

// libraries lists the packages of the module that are not commands, nor parts of
// commands, in the order of their names.
func libraries(t *testing.T, root string) []*library {
	const format = `{{.Module.Path}};{{.ImportPath}};{{.Name}};{{join .GoFiles " "}};{{join .Imports " "}} {{join .TestImports " "}} {{join .XTestImports " "}}`
	list := exec.CommandContext(t.Context(), "go", "list", "-f", format, "./...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []*library
	byPath := map[string]*library{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), ";")
		name := strings.TrimPrefix(f[1], f[0]+"/")
		if f[2] == "main" || strings.HasPrefix(name, "cmd/") {
			continue
		}
		l := &library{name: name, files: strings.Fields(f[3]), imports: strings.Fields(f[4])}
		all, byPath[f[1]] = append(all, l), l
	}
	for _, l := range all {
		for _, imported := range l.imports {
			if of := byPath[imported]; of != nil && of != l && !slices.Contains(of.importers, l) {
				of.importers = append(of.importers, l)
			}
		}
	}
	return all
}

// run tests n mutations, or as many as there are and as the test's deadline allows,
// so many side by side as there are jobs. Which they are does not depend on jobs.
func (c *campaign) run(t *testing.T, n, jobs int) []result {
	ctx := t.Context()
	if deadline, limited := t.Deadline(); limited {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, deadline.Add(-10*time.Second))
		defer stop()
	}
	compiled := make(chan mutation)
	var workers sync.WaitGroup
	var mu sync.Mutex
	var results []result
	for range jobs {
		workers.Go(func() {
			for m := range compiled {
				r := result{m, c.notice(ctx, m)}
				if ctx.Err() != nil {
					continue
				}
				mu.Lock()
				results = append(results, r)
				fmt.Fprintf(os.Stderr, "%d\t%v\n", len(results), r) // t.Log would keep it to the end
				mu.Unlock()
			}
		})
	}
	for _, m := range c.drawn {
		if n == 0 || ctx.Err() != nil {
			break
		}
		if c.compiles(ctx, t, &m) {
			compiled <- m
			n--
		}
	}
	close(compiled)
	workers.Wait()
	slices.SortFunc(results, func(a, b result) int { return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.from, b.from)) })
	return results
}

// compiles writes the overlay of the mutation and reports whether its package
// compiles.
func (c *campaign) compiles(ctx context.Context, t *testing.T, m *mutation) bool {
	dir := t.TempDir()
	file := filepath.Join(c.root, m.file)
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mutated := filepath.Join(dir, "mutated.go")
	if err := os.WriteFile(mutated, m.apply(source), 0o666); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{file: mutated}})
	if err != nil {
		t.Fatal(err)
	}
	m.overlay = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(m.overlay, text, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = c.command(ctx, "build", "-overlay", m.overlay, "./"+m.library.name)
	return err == nil
}

// notice returns the name of the first package whose tests fail with the mutation:
// its own, or one of those that import it, the quickest first.
func (c *campaign) notice(ctx context.Context, m mutation) string {
	for _, l := range append([]*library{m.library}, m.library.importers...) {
		if output, err := c.test(ctx, l, "-overlay", m.overlay); err != nil {
			if strings.Contains(output, "test timed out") {
				return l.name + ", whose tests do not end"
			}
			return l.name
		}
	}
	return ""
}

// test runs the tests of a package.
func (c *campaign) test(ctx context.Context, l *library, flags ...string) (output string, err error) {
	return c.command(ctx, slices.Concat([]string{"test", "-short", "-vet=off", "-failfast", "-timeout", perPackage.String()}, flags, []string{"./" + l.name})...)
}

// command runs the go command in the module.
func (c *campaign) command(ctx context.Context, args ...string) (output string, err error) {
	run := exec.CommandContext(ctx, "go", args...)
	run.Dir = c.root
	run.WaitDelay = time.Second // for a test that the go command leaves
	out, err := run.CombinedOutput()
	return string(out), err
}
