package sweep

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/token"

	"github.com/hessoscope/hessoscope/callbacks/record"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/experiment"
	"github.com/hessoscope/hessoscope/cmd/hessoscope/internal/strictyaml"
	"github.com/hessoscope/hessoscope/trainer"
)

// expand returns all runs of a plan, with their folders in dir. Their settings are
// valid as far as can be checked without data. A run comes after the runs that it
// starts from.
func (p *Plan) expand(dir string) (runs, error) {
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
	e := expansion{plan: p, dir: dir, experiments: make(map[string]*experiment.Config), named: make(map[string]*run)}
	for _, point := range points {
		for _, seed := range seeds {
			e.atPoint = make(map[string]*run)
			for i := range all {
				if _, err := e.run(&all[i], point, seed); err != nil {
					return nil, err
				}
			}
		}
	}
	return e.runs, nil
}

// expansion is the state of expand.
type expansion struct {
	plan        *Plan
	dir         string
	experiments map[string]*experiment.Config // experiments as read from their files, by name
	named       map[string]*run               // all runs, by name
	atPoint     map[string]*run               // the runs of the current point and seed, by variant
	runs        runs
}

// run returns the run of a variant at a point. It first creates the runs that this run
// starts from.
func (e *expansion) run(v *variant, point []assignment, seed *uint64) (*run, error) {
	if r := e.atPoint[v.name]; r != nil {
		return r, nil
	}
	r := &run{variant: v, point: point, seed: seed, experiment: v.Experiment}
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

// configure sets the settings of a run.
func (e *expansion) configure(r *run) error {
	base := e.experiments[r.experiment]
	if base == nil {
		var err error
		if base, err = experiment.Load(r.experiment); err != nil {
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
			given[i].value = record.Folder(source.dir).LastCheckpoint()
		}
		value, err := strictyaml.Flow(given[i].value)
		if err != nil {
			return e.plan.at(a.at, "%w", err)
		}
		if err := strictyaml.Assign(&c, strictyaml.Position(e.plan.file, a.at), a.key, value); err != nil {
			return err
		}
		r.set = append(r.set, a.key+"="+value)
	}
	c.Name = r.name
	if err := c.Validate(); err != nil {
		return e.plan.at(culprit(given, err), "run %s: %w", r.name, err)
	}
	if err := c.FindStart("runs"); err != nil { // of the experiment: those of variants are files by now
		return fmt.Errorf("%s: %w", e.plan.file, err)
	}
	c.Resolve()
	return c.Absolute()
}

// culprit returns the place of the setting that a *trainer.FieldError is about, or nil
// if it is not among the given settings.
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
