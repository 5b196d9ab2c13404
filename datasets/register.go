package datasets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"sync"

	"github.com/hessoscope/hessoscope/datasets/suggest"
)

// source is a data set that was registered.
type source struct {
	info Info
	read func(context.Context, Options) (*Dataset, error)
}

var registered struct {
	sync.RWMutex
	sources []source
}

// Register makes a data set known to [Load] and [List] under info.Name. [Load] refuses options that info.Options does
// not name and leaves the meaning of the others to load, which must return fresh values, the same for the same Options.
// Experiments give a Seed together with Samples, TestSamples and RandomLabels, so a set with one of them has Seed too.
//
// It panics if load is nil, if the name is empty or taken, and if info.Options are not fields of [Options].
func Register(info Info, load func(context.Context, Options) (*Dataset, error)) {
	taken := lookup(info.Name) != nil
	registered.Lock()
	defer registered.Unlock()
	for _, s := range registered.sources {
		taken = taken || s.info.Name == info.Name
	}
	switch {
	case load == nil:
		panic(fmt.Sprintf("datasets: the function that loads data set %q is nil", info.Name))
	case info.Name == "":
		panic("datasets: a data set with an empty name")
	case taken:
		panic(fmt.Sprintf("datasets: there is a data set %q already", info.Name))
	}
	for _, o := range info.Options {
		if _, ok := reflect.TypeFor[Options]().FieldByName(o); !ok {
			panic(fmt.Sprintf("datasets: data set %q has an option %q, which is no field of Options", info.Name, o))
		}
		if slices.Contains([]string{"Samples", "TestSamples", "RandomLabels"}, o) && !slices.Contains(info.Options, "Seed") {
			panic(fmt.Sprintf("datasets: data set %q has the option %s without Seed", info.Name, o))
		}
	}
	registered.sources = append(registered.sources, source{info.clone(), load})
}

func (i Info) clone() Info {
	i.Classes, i.Features, i.Shape = slices.Clone(i.Classes), slices.Clone(i.Features), slices.Clone(i.Shape)
	i.Splits, i.Options = slices.Clone(i.Splits), slices.Clone(i.Options)
	return i
}

// load reads the set and checks that it is whole.
func (s *source) load(ctx context.Context, opt Options) (*Dataset, error) {
	if err := opt.checkApply(s.info.Options); err != nil {
		return nil, err
	}
	d, err := s.read(ctx, opt)
	switch {
	case err != nil:
		return nil, err
	case d == nil:
		return nil, errors.New("there is neither data nor an error")
	case len(d.Classes) < 2:
		return nil, fmt.Errorf("there are %d classes, want at least two", len(d.Classes))
	case len(d.Splits) == 0 || d.Splits[0].Name != Train:
		return nil, errors.New("the first split is not train")
	}
	for i := range d.Splits {
		split := &d.Splits[i]
		if err := split.fits(d.Width()); err != nil {
			return nil, err
		}
		for row, l := range split.Labels {
			if l < 0 || l >= len(d.Classes) {
				return nil, fmt.Errorf("row %d of split %q has the label %d, want 0 to %d", row, split.Name, l, len(d.Classes)-1)
			}
		}
	}
	d.Name = s.info.Name
	return d, nil
}

// sourceNamed returns the registered set of that name, nil if there is none.
func sourceNamed(name string) *source {
	registered.RLock()
	defer registered.RUnlock()
	for _, s := range registered.sources {
		if s.info.Name == name {
			return &s
		}
	}
	return nil
}

// List describes every data set: the built-in ones in the order of the paper, then those that were registered.
func List() []Info {
	var infos []Info
	for _, e := range catalog() {
		infos = append(infos, e.info())
	}
	registered.RLock()
	defer registered.RUnlock()
	for _, s := range registered.sources {
		infos = append(infos, s.info.clone())
	}
	return infos
}

// unknown returns an error that names the data set nearest to what was asked for, or all.
func unknown(name string) error {
	var all []string
	for _, info := range List() {
		all = append(all, info.Name)
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return fmt.Errorf("datasets: no data set %.60q; the name of a folder ends in a slash: %[1]s/", name)
	}
	return fmt.Errorf("datasets: no data set %.60q%s", name, suggest.Nearest(name, all))
}
