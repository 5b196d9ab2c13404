package datasets

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gorgonia.org/tensor"
)

// Task says what the values y of [FromTensors] and [FromSlices] mean.
type Task int

const (
	// Classification: y is (n), the classes 0, 1, … of the samples; or (n, C), a row of targets a sample, whose largest
	// marks the class. Rows that are not one-hot, such as 0.9 and 0.1, are kept as Targets.
	Classification Task = iota
	// Binary: y is (n), 0 or 1, the class of each sample.
	Binary
	// Regression: y is (n) or (n, K), the values that the K outputs are to have. There are no classes.
	Regression
)

var tasks = []string{Classification: "classification", Binary: "binary", Regression: "regression"}

func (t Task) String() string {
	if t < 0 || int(t) >= len(tasks) {
		return fmt.Sprintf("Task(%d)", int(t))
	}
	return tasks[t]
}

// Number is a type of the elements of tensors and slices.
type Number interface {
	~float32 | ~float64 | ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32
}

// FromTensors returns a data set with a train split of what a program holds as tensors of any numeric type: x is (n,
// sample shape…), and y what the task says; (n, 1) is taken as (n). The values are copied, and Index counts the rows. A
// shape, a label or a value that does not fit is an error that names its row. [Dataset.Add] adds other splits.
func FromTensors(task Task, x, y tensor.Tensor) (*Dataset, error) {
	inputs, shape, err := numbers("x", x)
	if err != nil {
		return nil, err
	}
	if len(shape) < 2 {
		return nil, fmt.Errorf("datasets: x has shape %v; want (n, …), a row a sample", shape)
	}
	targets, rows, err := numbers("y", y)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || len(rows) > 2 || rows[0] != shape[0] {
		return nil, fmt.Errorf("datasets: y has shape %v and x %v; want (%d) or (%[3]d, …) for y, a row a sample", rows, shape, shape[0])
	}
	return task.dataset(inputs, shape[1:], targets, rows[0])
}

// FromSlices is [FromTensors] for slices: x has a row a sample, and y one value a sample.
func FromSlices[X, Y Number](task Task, x [][]X, y []Y) (*Dataset, error) {
	if len(x) == 0 || len(x[0]) == 0 {
		return nil, errors.New("datasets: x has no values")
	}
	if len(x) != len(y) {
		return nil, fmt.Errorf("datasets: x has %d rows and y %d; want a row a sample", len(x), len(y))
	}
	inputs := make([]float64, 0, len(x)*len(x[0]))
	for row, values := range x {
		if len(values) != len(x[0]) {
			return nil, fmt.Errorf("datasets: row %d of x has %d values, row 0 has %d", row, len(values), len(x[0]))
		}
		inputs = append(inputs, floats(values)...)
	}
	return task.dataset(inputs, []int{len(x[0])}, floats(y), len(y))
}

// Add adds the train split of another data set as a split named name. Both must be of the same shape and task; a class
// that the other set lacks does no harm.
func (d *Dataset) Add(name string, other *Dataset) error {
	name = canonicalSplit(name)
	switch {
	case other == nil:
		return fmt.Errorf("datasets: split %q: the data set is nil", name)
	case d.Shared:
		return fmt.Errorf("datasets: split %q: %s holds out no sample", name, d.Name)
	case name != Validation && name != Test:
		return fmt.Errorf("datasets: split %q; want %s or %s", name, Validation, Test)
	case slices.ContainsFunc(d.Splits, func(s Split) bool { return s.Name == name }):
		return fmt.Errorf("datasets: %s has a split %q already", d.Name, name)
	case !slices.Equal(d.Shape, other.Shape):
		return fmt.Errorf("datasets: split %q has samples of shape %v, %s of %v", name, other.Shape, d.Name, d.Shape)
	case (d.Classes == nil) != (other.Classes == nil):
		return fmt.Errorf("datasets: split %q and %s must both have classes, or neither", name, d.Name)
	}
	train, err := other.Split(Train)
	if err != nil {
		return err
	}
	if have, want := train.Outputs(), d.Splits[0].Outputs(); have != want {
		return fmt.Errorf("datasets: split %q has %d targets a sample, %s has %d", name, have, d.Name, want)
	}
	added := *train
	added.Name = name
	d.Splits = append(d.Splits, added)
	slices.SortStableFunc(d.Splits, func(a, b Split) int { return splitOrder(a.Name) - splitOrder(b.Name) })
	if len(other.Classes) > len(d.Classes) {
		d.Classes = slices.Clone(other.Classes)
	}
	return nil
}

func splitOrder(name string) int { return slices.Index([]string{Train, Validation, Test}, name) }

// dataset returns the set of n samples with inputs x, n × shape, and y, n rows.
func (t Task) dataset(x []float64, shape []int, y []float64, n int) (*Dataset, error) {
	width := len(x) / n
	if i := slices.IndexFunc(x, notFinite); i >= 0 {
		return nil, fmt.Errorf("datasets: x has %g in row %d; want finite numbers", x[i], i/width)
	}
	columns := len(y) / n
	if i := slices.IndexFunc(y, notFinite); i >= 0 {
		return nil, fmt.Errorf("datasets: y has %g in row %d; want finite numbers", y[i], i/columns)
	}
	s := Split{Name: Train, X: x, Index: rowNumbers(n)}
	d := &Dataset{Name: "data", Description: t.String() + " data of the program", Source: "memory", Shape: slices.Clone(shape)}
	var err error
	switch {
	case t == Regression:
		s.Targets = y
	case t == Binary:
		s.Labels, err = zeroOrOne(y, columns)
		d.Classes = numbered(2)
	case t == Classification && columns == 1:
		s.Labels, err = counted(y)
		d.Classes = numbered(slices.Max(append(s.Labels, 0)) + 1)
	case t == Classification:
		s.Labels, s.Targets, err = largest(y, columns)
		d.Classes = numbered(columns)
	default:
		err = fmt.Errorf("datasets: %v; want Classification, Binary or Regression", t)
	}
	if err != nil {
		return nil, err
	}
	d.Splits = []Split{s}
	return d, nil
}

// zeroOrOne returns the classes of n targets that are 0 or 1.
func zeroOrOne(y []float64, columns int) ([]int, error) {
	if columns != 1 {
		return nil, fmt.Errorf("datasets: y has %d values a sample; want one, 0 or 1, for the task binary", columns)
	}
	classes := make([]int, len(y))
	for i, v := range y {
		if v != 0 && v != 1 {
			return nil, fmt.Errorf("datasets: y has %g in row %d; want 0 or 1 for the task binary", v, i)
		}
		classes[i] = int(v)
	}
	return classes, nil
}

// manyClasses is how many classes there may be even in a set of fewer samples.
const manyClasses = 10_000

// counted returns the classes of n numbers.
func counted(y []float64) ([]int, error) {
	classes := make([]int, len(y))
	for i, v := range y {
		if v < 0 || v != math.Trunc(v) {
			return nil, fmt.Errorf("datasets: y has the label %g in row %d; want the classes 0, 1, …; the task regression takes any values", v, i)
		}
		if v >= float64(max(len(y), manyClasses)) {
			return nil, fmt.Errorf("datasets: y has the label %g in row %d of %d: number the classes 0, 1, …", v, i, len(y))
		}
		classes[i] = int(v)
	}
	if slices.Max(classes) == 0 {
		return nil, errors.New("datasets: y has the class 0 alone; want at least two classes")
	}
	return classes, nil
}

// largest returns the column of the largest value of each row. The targets are y, or nil if all rows are one-hot.
func largest(y []float64, columns int) (classes []int, targets []float64, err error) {
	for row := range slices.Chunk(y, columns) {
		top := slices.Max(row)
		class := slices.Index(row, top)
		if slices.Contains(row[class+1:], top) {
			return nil, nil, fmt.Errorf("datasets: y has the row %v, number %d, with two largest values; want one, that of the class", row, len(classes))
		}
		classes = append(classes, class)
		for i, v := range row {
			if v != 0 && v != 1 || v == 1 && i != class {
				targets = y
			}
		}
		if top != 1 {
			targets = y
		}
	}
	return classes, targets, nil
}

func notFinite(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }

// numbers returns the values of a tensor in row-major order, as copies, and its shape.
func numbers(name string, t tensor.Tensor) ([]float64, tensor.Shape, error) {
	dense, ok := t.(*tensor.Dense)
	if !ok || dense == nil {
		return nil, nil, fmt.Errorf("datasets: %s is %T; want a *tensor.Dense with values", name, t)
	}
	if dense.DataSize() == 0 || dense.Shape().TotalSize() == 0 {
		return nil, nil, fmt.Errorf("datasets: %s has no values, shape %v", name, dense.Shape())
	}
	if dense.IsScalar() || dense.IsMasked() {
		return nil, nil, fmt.Errorf("datasets: %s is a scalar or has a mask; want a dense tensor, a row a sample", name)
	}
	all, ok := convert(dense.Data())
	if !ok {
		return nil, nil, fmt.Errorf("datasets: %s holds %v; want numbers", name, dense.Dtype())
	}
	shape, strides := dense.Shape().Clone(), dense.Strides()
	if len(strides) != len(shape) || slices.Equal(strides, shape.CalcStrides()) {
		return all[:shape.TotalSize()], shape, nil
	}
	values := make([]float64, shape.TotalSize())
	for i := range values {
		rest, at := i, 0
		for axis := len(shape) - 1; axis >= 0; axis-- {
			at += rest % shape[axis] * strides[axis]
			rest /= shape[axis]
		}
		values[i] = all[at]
	}
	return values, shape, nil
}

// convert copies a slice of numbers. It reports whether data is one.
func convert(data any) ([]float64, bool) {
	switch v := data.(type) {
	case []float64:
		return slices.Clone(v), true
	case []float32:
		return floats(v), true
	case []int:
		return floats(v), true
	case []int8:
		return floats(v), true
	case []int16:
		return floats(v), true
	case []int32:
		return floats(v), true
	case []int64:
		return floats(v), true
	case []uint8:
		return floats(v), true
	case []uint16:
		return floats(v), true
	case []uint32:
		return floats(v), true
	}
	return nil, false
}

func floats[T Number](v []T) []float64 {
	all := make([]float64, len(v))
	for i, x := range v {
		all[i] = float64(x)
	}
	return all
}
