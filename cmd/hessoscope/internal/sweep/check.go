package sweep

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hessoscope/hessoscope/datasets/suggest"
	"github.com/hessoscope/hessoscope/trainer"
)

// validate returns a *trainer.FieldError for the first invalid key.
func (p *Plan) validate() error {
	wrong := func(field, problem string) error { return &trainer.FieldError{Field: field, Problem: problem} }
	switch {
	case p.Name == "":
		return wrong("name", "is missing; the sweep's folder is sweeps/NAME")
	case !safeName.MatchString(p.Name):
		return wrong("name", fmt.Sprintf("is %.60q; it becomes a folder: want letters, digits, _, - and dots within", p.Name))
	case p.Experiment == "" && (len(p.Variants) == 0 || slices.ContainsFunc(p.Variants, func(v variant) bool { return v.Experiment == "" })):
		return wrong("experiment", "is missing; want a preset or a YAML file, here or in every variant")
	case p.Sample.Points < 0:
		return wrong("sample.points", fmt.Sprintf("is %d; want how many points of the grid, or 0 for all", p.Sample.Points))
	case p.Sample.Points > maxRuns:
		return wrong("sample.points", fmt.Sprintf("is %d; want at most %d", p.Sample.Points, maxRuns))
	case len(p.Variants) > 0 && !slices.ContainsFunc(p.Variants, func(v variant) bool { return !v.Auxiliary }):
		return wrong("variants", "are all auxiliary; want one to compare")
	}
	return nil
}

// checkRanges returns an error for a range without a sample.
func (p *Plan) checkRanges() error {
	i := slices.IndexFunc(p.Grid, func(a axis) bool { return a.values == nil })
	if i < 0 || p.Sample.Points > 0 {
		return nil
	}
	return p.at(p.Grid[i].at, "grid.%s is a range; sample.points says how many values to draw", p.Grid[i].key)
}

// checkKeys returns an error for a setting that two parts of the plan set.
func (p *Plan) checkKeys() error {
	all := slices.Clone(p.Set)
	for _, v := range p.Variants {
		all = append(all, v.Set...)
	}
	for i, a := range p.Grid {
		all = append(all, assignment{key: a.key, at: a.at})
		for _, b := range p.Grid[:i] {
			if overlap(a.key, b.key) {
				return p.at(a.at, "%s is on the grid twice, as %s too", a.key, b.key)
			}
		}
	}
	for _, a := range all {
		switch a.key {
		case "name":
			return p.at(a.at, "name is what tells runs apart; the sweep gives it")
		case "seed":
			return p.at(a.at, "seeds are listed under the key seeds")
		}
	}
	for _, a := range all[:len(all)-len(p.Grid)] {
		for _, b := range p.Grid {
			if overlap(a.key, b.key) {
				return p.at(a.at, "%s is on the grid, as %s; want it in one place", a.key, b.key)
			}
		}
	}
	return nil
}

// overlap reports whether two keys are the same, or one is within the other.
func overlap(a, b string) bool {
	return strings.HasPrefix(a+".", b+".") || strings.HasPrefix(b+".", a+".")
}

// sourceKeys are the settings that may have a value "@NAME". This value means the
// last checkpoint of the variant NAME at the same point of the grid with the same
// seed.
var sourceKeys = []string{"model.weights", "model.norm_of"}

// checkSources returns an error for an "@NAME" that cannot be trained first.
func (p *Plan) checkSources() error {
	for _, a := range p.Grid {
		for _, value := range a.values {
			if strings.HasPrefix(fmt.Sprint(value), "@") {
				return p.at(a.at, "grid.%s has %q; want checkpoints of variants in the settings of a variant", a.key, value)
			}
		}
	}
	followed := make(map[string]bool)
	for i := range p.Variants {
		if err := p.follow(&p.Variants[i], nil, followed); err != nil {
			return err
		}
	}
	if i := slices.IndexFunc(p.Set, func(a assignment) bool { return a.source() != "" }); i >= 0 { // without variants, there is nothing to start from
		return p.at(p.Set[i].at, "%s is %q, and there are no variants", p.Set[i].key, p.Set[i].value)
	}
	return nil
}

// follow visits a variant and all variants that it starts from, directly or
// indirectly. The path has the names of the variants that led to it; a variant on the
// path would start from itself.
func (p *Plan) follow(v *variant, path []string, followed map[string]bool) error {
	if followed[v.name] {
		return nil
	}
	path = append(path, v.name)
	for _, a := range slices.Concat(p.Set, v.Set) {
		text, _ := a.value.(string)
		if !strings.HasPrefix(text, "@") {
			continue
		}
		name := a.source()
		if !slices.Contains(sourceKeys, a.key) {
			return p.at(a.at, "%s is %q; a checkpoint goes with %s", a.key, text, strings.Join(sourceKeys, " and "))
		}
		source := p.variant(name)
		if source == nil {
			return p.at(a.at, "no variant %.60q%s", name, suggest.Nearest(name, p.variantNames()))
		}
		if slices.Contains(path, name) {
			return p.at(a.at, "variant %s starts from itself: %s", name, strings.Join(append(path, name), " from "))
		}
		if err := p.follow(source, path, followed); err != nil {
			return err
		}
	}
	followed[v.name] = true
	return nil
}
