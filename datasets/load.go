package datasets

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
)

const maxSamples = 10_000_000

//go:embed data/*.csv
var builtin embed.FS

// Load returns the data set of that name. The error of an unknown name suggests the nearest. The result of a built-in
// set depends on name, opt and, for MNIST, Fashion-MNIST and CIFAR-10, the files, and on nothing else. These are in
// DataDir or else in the user's cache; if MNIST is in neither it is fetched as by [FetchMNIST].
//
// A name that ends in .npz is a file of NumPy arrays: x (N, …), of type uint8, which is divided by 255, float32 or float64,
// and y (N), the classes 0, 1, … as integers; or x_train, y_train and, as they exist, x_validation, y_validation, x_test,
// y_test. Samples keep their shape, (channels, rows, columns) of images. A name with a slash is a folder of PNG or JPEG
// images, DIR/CLASS/NAME.png, or with a folder a split above: DIR/train/CLASS/NAME.png. They are all grayscale or all RGB,
// and of one size. Of either, bytes and float32 stay what they are.
func Load(ctx context.Context, name string, opt Options) (*Dataset, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var load func(context.Context, Options) (*Dataset, error)
	if IsFile(name) {
		load = func(ctx context.Context, opt Options) (*Dataset, error) { return loadFile(ctx, name, opt) }
	} else if e := lookup(name); e != nil {
		load = e.load
	} else if s := sourceNamed(name); s != nil {
		load = s.load
	} else {
		return nil, unknown(name)
	}
	d, err := load(ctx, opt)
	if err != nil {
		return nil, fmt.Errorf("datasets: %s: %w", name, err)
	}
	return d, nil
}

// load applies the options to the built-in set.
func (e *entry) load(ctx context.Context, opt Options) (*Dataset, error) {
	if err := e.check(opt); err != nil {
		return nil, err
	}
	d, err := e.read(ctx, opt)
	if err != nil {
		return nil, err
	}
	if d, err = d.choose(opt.Classes, opt.PerClass); err != nil {
		return nil, err
	}
	if opt.TestSamples > 0 {
		e.renewTest(d, opt)
	}
	if opt.RandomLabels {
		err = d.PermuteLabels(opt.Seed)
	}
	return d, err
}

// read returns the set itself, or one that is drawn from its distribution.
func (e *entry) read(ctx context.Context, opt Options) (*Dataset, error) {
	switch {
	case e.files != nil:
		limit, err := bytesOf(opt.MaxGB)
		if err != nil {
			return nil, err
		}
		return e.readFiles(ctx, opt.DataDir, limit)
	case opt.Samples > 0:
		return e.generate(opt), nil
	}
	return e.embedded()
}

// embedded reads a built-in CSV file and sets the names of the catalog.
func (e *entry) embedded() (*Dataset, error) {
	file := e.name + ".csv"
	text, err := builtin.ReadFile("data/" + file)
	if err != nil {
		return nil, err
	}
	d, err := ParseCSV(bytes.NewReader(text), file, CSVOptions{})
	if err != nil {
		return nil, err
	}
	d.Name, d.Description, d.Source = e.name, e.description, e.origin
	d.Classes, d.Features = e.classes, e.features
	d.Preprocessing = nil // the columns of our file have other names than the features
	return d, nil
}

// check reports the first option that does not apply to the set or has no meaning.
func (e *entry) check(opt Options) error {
	if err := opt.checkApply(e.options()); err != nil {
		return err
	}
	for _, o := range []struct {
		name string
		n    int
	}{{"Samples", opt.Samples}, {"TestSamples", opt.TestSamples}} {
		if least := 10 * len(e.classes); o.n != 0 && (o.n < least || o.n > maxSamples) {
			return fmt.Errorf("option %s is %d, want %d to %d", o.name, o.n, least, maxSamples)
		}
	}
	if opt.Seed != 0 && opt.Samples == 0 && opt.TestSamples == 0 && !opt.RandomLabels {
		return errors.New("option Seed has no effect without Samples, TestSamples or RandomLabels")
	}
	if opt.Noise != 0 {
		if opt.Samples == 0 {
			return errors.New("option Noise has no effect without Samples")
		}
		if !(opt.Noise > 0 && opt.Noise <= maxNoise) { // so NaN is refused
			return fmt.Errorf("option Noise is %v, want more than 0 and at most %g", opt.Noise, maxNoise)
		}
	}
	if opt.PerClass < 0 {
		return fmt.Errorf("option PerClass is %d, want a positive number", opt.PerClass)
	}
	return checkClasses(opt.Classes, len(e.classes))
}
