package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/token"

	"github.com/hessoscope/hessoscope/callbacks"
	"github.com/hessoscope/hessoscope/trainer"
)

// Limits of a sweep, far above what one needs.
const (
	maxRuns    = 10_000
	maxRunName = 150 // bytes; a file system takes 255
)

// A sweepRun is one run of a sweep.
type sweepRun struct {
	name, dir  string
	variant    *variant // without a name if the plan has none
	point      []assignment
	seed       *uint64 // the experiment's if nil
	experiment string
	set        []string    // key=value, as --set takes them
	sources    []*sweepRun // whose checkpoints it starts from
	config     *config     // with all settings

	phase   phase
	problem string         // of a failed run
	record  *callbacks.Run // as it was read last; nil if there is none
}

// auxiliaryDir holds the auxiliary runs, one folder deeper than those that are
// to be compared.
const auxiliaryDir = "auxiliary"

// runs are all runs of a plan, their folders in dir, with settings that are
// good as far as can be told without data. A run comes after its sources.
func (p *plan) runs(dir string) ([]*sweepRun, error) {
	points, err := p.points()
	if err != nil {
		return nil, err
	}
	all := p.Variants
	if len(all) == 0 {
		all = variants{{}}
	}
	seeds := []*uint64{nil}
	if len(p.Seeds) > 0 {
		seeds = nil
	}
	for i := range p.Seeds {
		seeds = append(seeds, &p.Seeds[i])
	}
	if n := len(points) * len(all) * len(seeds); n > maxRuns {
		return nil, fmt.Errorf("%s: %d points of the grid, %d variants and %d seeds make %d runs; want at most %d, or a sample of points", p.file, len(points), len(all), len(seeds), n, maxRuns)
	}
	e := expansion{plan: p, dir: dir, experiments: make(map[string]*config), named: make(map[string]*sweepRun)}
	for _, point := range points {
		for _, seed := range seeds {
			e.atPoint = make(map[string]*sweepRun)
			for i := range all {
				if _, err := e.run(&all[i], point, seed); err != nil {
					return nil, err
				}
			}
		}
	}
	return e.runs, nil
}

// expansion is the making of the runs of a plan.
type expansion struct {
	plan        *plan
	dir         string
	experiments map[string]*config   // as they are read
	named       map[string]*sweepRun // all runs, by name
	atPoint     map[string]*sweepRun // those of this point and seed, by variant
	runs        []*sweepRun
}

// run makes the run of a variant at a point, after those that it starts from.
func (e *expansion) run(v *variant, point []assignment, seed *uint64) (*sweepRun, error) {
	if r := e.atPoint[v.name]; r != nil {
		return r, nil
	}
	r := &sweepRun{variant: v, point: point, seed: seed, experiment: v.Experiment}
	if r.experiment == "" {
		r.experiment = e.plan.Experiment
	}
	r.name = r.nameIn(e.plan)
	if len(r.name) > maxRunName {
		return nil, fmt.Errorf("%s: the run %s… would have a name of %d bytes; want at most %d", e.plan.file, r.name[:30], len(r.name), maxRunName)
	}
	if slices.Contains([]string{auxiliaryDir, logsDir, sweepFile, sweepCSV, sweepJSON}, strings.ToLower(r.name)) {
		return nil, e.plan.at(r.place(), "a run would have the name %s, which a part of the sweep's folder has", r.name)
	}
	if e.named[strings.ToLower(r.name)] != nil {
		return nil, e.plan.at(r.place(), "two runs would have the name %s", r.name)
	}
	r.dir = filepath.Join(e.dir, r.name)
	if v.Auxiliary {
		r.dir = filepath.Join(e.dir, auxiliaryDir, r.name)
	}
	if err := e.configure(r); err != nil {
		return nil, err
	}
	e.named[strings.ToLower(r.name)], e.atPoint[v.name] = r, r
	e.runs = append(e.runs, r)
	return r, nil
}

// configure gives a run its settings.
func (e *expansion) configure(r *sweepRun) error {
	base := e.experiments[r.experiment]
	if base == nil {
		var err error
		if base, err = loadExperiment(r.experiment); err != nil {
			return fmt.Errorf("%s: %w", e.plan.file, err)
		}
		e.experiments[r.experiment] = base
	}
	c := *base
	r.config = &c
	given := slices.Concat(e.plan.Set, r.point, r.variant.Set)
	if r.seed != nil {
		given = append(given, assignment{key: "seed", value: *r.seed})
	}
	for i, a := range given {
		if name := a.source(); name != "" {
			source, err := e.run(e.plan.variant(name), r.point, r.seed)
			if err != nil {
				return err
			}
			r.sources = append(r.sources, source)
			given[i].value = filepath.Join(source.dir, checkpointDir, lastCheckpoint)
		}
		value, err := flowYAML(given[i].value)
		if err != nil {
			return e.plan.at(a.at, "%w", err)
		}
		if err := c.assign(position(e.plan.file, a.at), a.key, value); err != nil {
			return err
		}
		r.set = append(r.set, a.key+"="+value)
	}
	c.Name = r.name
	if err := c.validate(); err != nil {
		return e.plan.at(culprit(given, err), "run %s: %w", r.name, err)
	}
	c.resolve()
	return c.absolute()
}

// flowYAML is a value as YAML on one line.
func flowYAML(value any) (string, error) {
	text, err := yaml.MarshalWithOptions(value, yaml.Flow(true))
	return strings.TrimSpace(string(text)), err
}

// culprit is the place of the setting that a *trainer.FieldError is about; nil
// if it is not one of those given.
func culprit(given []assignment, err error) (at *token.Token) {
	var field *trainer.FieldError
	if !errors.As(err, &field) {
		return nil
	}
	for _, a := range given {
		if overlap(a.key, field.Field) {
			at = a.at
		}
	}
	return at
}

// nameIn is the name of a run: the variant, the values on the grid, and the
// seed, such as normal-20x20-batch_size_16-seed_0.
func (r *sweepRun) nameIn(p *plan) string {
	var parts []string
	if r.variant.name != "" {
		parts = append(parts, r.variant.name)
	}
	parts = append(parts, pointName(r.point)...)
	if r.seed != nil {
		parts = append(parts, fmt.Sprintf("seed_%d", *r.seed))
	}
	if len(parts) == 0 {
		return p.Name
	}
	return strings.Join(parts, "-")
}

// place is where the plan tells a run from others: its last axis or variant.
func (r *sweepRun) place() *token.Token {
	if n := len(r.point); n > 0 {
		return r.point[n-1].at
	}
	return r.variant.at
}

// pointName names each value of a point: a word or a list by itself, others with
// the last part of their key.
func pointName(point []assignment) []string {
	var parts []string
	for _, a := range point {
		text := valueName(a.value)
		switch a.value.(type) {
		case string, []any:
		default:
			text = a.key[strings.LastIndexByte(a.key, '.')+1:] + "_" + text
		}
		parts = append(parts, text)
	}
	return parts
}

var unsafeRunes = regexp.MustCompile(`[^A-Za-z0-9._+-]+`)

// valueName is a value as part of the name of a folder: 20x20 of [20, 20].
func valueName(value any) string {
	text := fmt.Sprint(value)
	if _, isList := value.([]any); isList {
		text = strings.ReplaceAll(strings.Trim(text, "[]"), " ", "x")
	}
	return cmp.Or(strings.Trim(unsafeRunes.ReplaceAllString(text, "_"), "._"), "none")
}

// difference is a *trainer.FieldError for the first setting in which a run that
// exists is not what it is to be. The number of workers changes no result.
func difference(is, want *config) error {
	a, b := *is, *want
	a.Description, b.Description, a.Workers, b.Workers = "", "", 0, 0
	return differs(reflect.ValueOf(a), reflect.ValueOf(b), "")
}

func differs(is, want reflect.Value, above string) error {
	for field, a := range is.Fields() {
		key, b := above+yamlKey(field), want.FieldByIndex(field.Index)
		if field.Type.Kind() == reflect.Struct {
			if err := differs(a, b, key+"."); err != nil {
				return err
			}
			continue
		}
		x, err := flowYAML(a.Interface())
		if err != nil {
			return err
		}
		y, err := flowYAML(b.Interface())
		if err != nil {
			return err
		}
		if x != y {
			return &trainer.FieldError{Field: key, Problem: fmt.Sprintf("was %s and is to be %s now", x, y)}
		}
	}
	return nil
}
