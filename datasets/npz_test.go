package datasets

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hessoscope/hessoscope/datasets/npy"
)

// npyFile returns an array in .npy format, as NumPy writes it but for the padding of the header.
func npyFile(descr, shape string, values any) []byte {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, shape)
	b := append([]byte(npy.Magic), 1, 0)
	b = append(binary.LittleEndian.AppendUint16(b, uint16(len(header))), header...)
	b, err := binary.Append(b, binary.LittleEndian, values)
	if err != nil {
		panic(err)
	}
	return b
}

// npzFile returns a compressed file of pairs of a name and the content of an entry.
func npzFile(t testing.TB, pairs ...any) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for pair := range slices.Chunk(pairs, 2) {
		w, err := z.Create(pair[0].(string))
		if err == nil {
			_, err = w.Write(pair[1].([]byte))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func parsed(b []byte) (*Dataset, error) {
	return parseNPZ(bytes.NewReader(b), int64(len(b)), 1e6, true)
}

func TestNPZ(t *testing.T) {
	y := npyFile("<i8", "(2,)", []int64{2, 0})
	for _, test := range []struct {
		name  string
		x, y  []byte
		shape []int
		want  []float64
	}{
		{"bytes, images", npyFile("|u1", "(2, 1, 1, 2)", []uint8{0, 51, 102, 255}), y, []int{1, 1, 2}, []float64{0, 0.2, 0.4, 1}},
		{"float32", npyFile("<f4", "(2, 2)", []float32{0.1, 2, 3, -4}), y, []int{2}, []float64{float64(float32(0.1)), 2, 3, -4}},
		{"float64", npyFile("<f8", "(2, 1)", []float64{0.1, 5}), y, []int{1}, []float64{0.1, 5}},
		{"one value a sample", npyFile("<f8", "(2,)", []float64{0.1, 5}), y, []int{1}, []float64{0.1, 5}},
		{"labels in a column", npyFile("<f8", "(2, 1)", []float64{0.1, 5}), npyFile("|u1", "(2, 1)", []uint8{2, 0}), []int{1}, []float64{0.1, 5}},
		{"labels as float32", npyFile("<f8", "(2, 1)", []float64{0.1, 5}), npyFile("<f4", "(2,)", []float32{2, 0}), []int{1}, []float64{0.1, 5}},
		{"labels as int16", npyFile("<f8", "(2, 1)", []float64{0.1, 5}), npyFile("<i2", "(2,)", []int16{2, 0}), []int{1}, []float64{0.1, 5}},
	} {
		d, err := parsed(npzFile(t, "x.npy", test.x, "y.npy", test.y, "notes.txt", []byte("anything")))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		s := d.Splits[0]
		if !slices.Equal(d.Shape, test.shape) || !slices.Equal(s.Values(), test.want) || !slices.Equal(s.Labels, []int{2, 0}) || len(d.Classes) != 3 || s.Name != Train {
			t.Errorf("%s: shape %v, values %v, labels %v", test.name, d.Shape, s.Values(), s.Labels)
		}
	}
}

// Labels may have any type of numbers, of either order of bytes.
func TestNPZLabels(t *testing.T) {
	x := npyFile("<f8", "(2, 1)", []float64{0.1, 5})
	for descr, y := range map[string]any{
		"b1": []bool{true, false}, "u1": []uint8{1, 0}, "i1": []int8{1, 0}, "u2": []uint16{1, 0}, "i2": []int16{1, 0}, "u4": []uint32{1, 0},
		"i4": []int32{1, 0}, "u8": []uint64{1, 0}, "i8": []int64{1, 0}, "f4": []float32{1, 0}, "f8": []float64{1, 0},
	} {
		for order, bytes := range map[string]binary.ByteOrder{"<": binary.LittleEndian, ">": binary.BigEndian} {
			b := npyFile(order+descr, "(2,)", []uint8{})
			b, err := binary.Append(b, bytes, y)
			if err != nil {
				t.Fatal(err)
			}
			d, err := parsed(npzFile(t, "x.npy", x, "y.npy", b))
			if err != nil || !slices.Equal(d.Splits[0].Labels, []int{1, 0}) {
				t.Errorf("labels of type %s%s: %+v, error %v", order, descr, d, err)
			}
		}
	}
}

func TestNPZFortranOrder(t *testing.T) {
	// np.asfortranarray([[1, 2], [3, 4]]) is stored column by column.
	x := bytes.Replace(npyFile("<f8", "(2, 2)", []float64{1, 3, 2, 4}), []byte("False, "), []byte("True,  "), 1)
	d, err := parsed(npzFile(t, "x.npy", x, "y.npy", npyFile("|b1", "(2,)", []uint8{0, 1})))
	if err != nil || !slices.Equal(d.Splits[0].X, []float64{1, 2, 3, 4}) {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestLoadNPZ(t *testing.T) {
	path := filepath.Join(t.TempDir(), "digits.npz")
	part := func(labels ...uint8) (x, y []byte) {
		shape := fmt.Sprintf("(%d,)", len(labels))
		return npyFile("|u1", strings.Replace(shape, ",)", ", 1)", 1), labels), npyFile("|u1", shape, labels)
	}
	trainX, trainY := part(0, 1, 2, 1, 0)
	valX, valY := part(1, 2)
	testX, testY := part(2, 2, 1)
	writeFile(t, path, npzFile(t, "x_test.npy", testX, "y_test.npy", testY, "x_train.npy", trainX, "y_train.npy", trainY, "x_val.npy", valX, "y_val.npy", valY))
	d := mustLoad(t, path, Options{Classes: []int{2, 1}, PerClass: 1, MaxGB: 1e-6})
	if d.Name != "digits" || d.Source != path || len(d.Splits) != 3 {
		t.Fatalf("got %+v", d)
	}
	for i, want := range [][]float64{{1. / 255, 2. / 255}, {1. / 255, 2. / 255}, {2. / 255, 1. / 255}} {
		s := d.Splits[i]
		if s.Name != []string{Train, Validation, Test}[i] || !slices.Equal(s.Values(), want) {
			t.Errorf("split %s has %v, want %v", s.Name, s.Values(), want)
		}
		for row, l := range s.Labels { // value v/255 is of class v, which is now 2 − v
			if l != 2-int(math.Round(255*s.Values()[row])) {
				t.Errorf("split %s, row %d: label %d", s.Name, row, l)
			}
		}
	}
	shuffled := mustLoad(t, path, Options{RandomLabels: true, Seed: 3})
	if slices.Equal(shuffled.Splits[0].Labels, []int{0, 1, 2, 1, 0}) || !slices.Equal(classCounts(shuffled.Splits[0].Labels, 3), []int{2, 2, 1}) {
		t.Errorf("permuted labels %v", shuffled.Splits[0].Labels)
	}
	for want, opt := range map[string]Options{
		"needs 9e-08 GB of memory, more than the 5e-08 GB": {MaxGB: 5e-8},
		"option Samples does not apply to this set":        {Samples: 10},
		"option MaxGB is -1":                               {MaxGB: -1},
		"option Classes has 3, want 0 to 2":                {Classes: []int{0, 3}},
		"option Seed has no effect":                        {Seed: 1},
	} {
		if _, err := Load(t.Context(), path, opt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
}

func TestNPZRefuses(t *testing.T) {
	x, y := npyFile("<f8", "(2, 1)", []float64{1, 2}), npyFile("<i8", "(2,)", []int64{0, 1})
	f64 := func(shape string, v ...float64) []byte { return npyFile("<f8", shape, v) }
	for _, test := range []struct {
		name string
		file []byte
		want string
	}{
		{"no zip", []byte("x,y,label\n"), "is not an .npz file"},
		{"other names", npzFile(t, "X.npy", x, "Y.npy", y), `has no arrays x and y, or x_train and y_train; it has ["X" "Y"]`},
		{"no y", npzFile(t, "x.npy", x), "has one of x and y of the train split; want both, or neither"},
		{"no train", npzFile(t, "x_test.npy", x, "y_test.npy", y), "has no arrays x and y, or x_train and y_train"},
		{"misspelt", npzFile(t, "x.npy", x, "y.npy", y, "x_tset.npy", x), `array "x_tset" is of no split; want x_train, x_validation or x_test`},
		{"twice", npzFile(t, "x.npy", x, "x.npy", x), `array "x": is there twice`},
		{"two names of a split", npzFile(t, "x.npy", x, "y.npy", y, "x_train.npy", x), `arrays "x" and "x_train" are of the same split`},
		{"no array", npzFile(t, "x.npy", []byte("hello"), "y.npy", y), `array "x": is not in .npy format`},
		{"integers", npzFile(t, "x.npy", npyFile("<i8", "(2, 1)", []int64{1, 2}), "y.npy", y), `array "x" has dtype "<i8"; want uint8, which is divided by 255, float32 or float64`},
		{"objects", npzFile(t, "x.npy", x, "y.npy", npyFile("|O", "(2,)", []byte("..........."))), `array "y" has dtype "|O"; want integers`},
		{"scalar", npzFile(t, "x.npy", f64("()", 1), "y.npy", y), `array "x" has shape (); want (N, …), a row a sample`},
		{"empty", npzFile(t, "x.npy", f64("(0, 3)"), "y.npy", npyFile("<i8", "(0,)", []int64{})), `array "x" has shape (0, 3); want (N, …), a row a sample`},
		{"lengths", npzFile(t, "x.npy", f64("(3, 1)", 1, 2, 3), "y.npy", y), `array "y" has shape (2,) and "x" has (3, 1); want (3,) for "y", a class a sample`},
		{"one-hot", npzFile(t, "x.npy", x, "y.npy", f64("(2, 2)", 1, 0, 0, 1)), `array "y" has shape (2, 2)`},
		{"short entry", npzFile(t, "x.npy", f64("(2, 1)", 1), "y.npy", y), `array "x": shape (2, 1) of dtype <f8 needs an entry of`},
		{"bomb", npzFile(t, "x.npy", npyFile("|u1", "(2, 1000000000000)", []uint8{}), "y.npy", y), `array "x": shape (2, 1000000000000)`},
		{"over the limit", npzFile(t, "x.npy", npyFile("|u1", "(2, 600000)", make([]uint8, 1200000)), "y.npy", y), "needs 0.0012 GB of memory, more than the 0.001 GB that are allowed: raise the limit (--max-gb, data.max_gb)"},
		{"NaN", npzFile(t, "x.npy", f64("(2, 1)", 1, math.NaN()), "y.npy", y), `array "x": a value of row 1 is NaN or infinite`},
		{"infinite", npzFile(t, "x.npy", npyFile("<f4", "(2, 1)", []float32{float32(math.Inf(1)), 0}), "y.npy", y), `array "x": a value of row 0 is NaN or infinite`},
		{"negative label", npzFile(t, "x.npy", x, "y.npy", npyFile("|i1", "(2,)", []int8{0, -1})), `array "y": has the label -1 in row 1 of 2; want the classes 0, 1, …`},
		{"fraction", npzFile(t, "x.npy", x, "y.npy", f64("(2,)", 0.5, 1)), `array "y": has the label 0.5 in row 0 of 2`},
		{"NaN label", npzFile(t, "x.npy", x, "y.npy", f64("(2,)", math.NaN(), 1)), `array "y": has the label NaN in row 0 of 2`},
		{"label of a million", npzFile(t, "x.npy", x, "y.npy", npyFile("<i8", "(2,)", []int64{0, 1e6})), `has the label 1e+06 in row 1`},
		{"one class", npzFile(t, "x.npy", x, "y.npy", npyFile("<i8", "(2,)", []int64{0, 0})), `array "y" has the class 0 alone`},
		{"split of another shape", npzFile(t, "x.npy", x, "y.npy", y, "x_test.npy", f64("(2, 2)", 1, 2, 3, 4), "y_test.npy", y), `array "x_test" has samples of shape (2,) and dtype <f8, "x" of (1,) and <f8; want the same`},
		{"split of another type", npzFile(t, "x.npy", x, "y.npy", y, "x_test.npy", npyFile("|u1", "(2, 1)", []uint8{0, 1}), "y_test.npy", y), `dtype |u1, "x" of (1,) and <f8`},
	} {
		d, err := parsed(test.file)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %+v, %v\nwant %q", test.name, d, err, test.want)
		}
	}
}

// FuzzNPZ checks that any file gives splits that fit together, or an error of one line.
func FuzzNPZ(f *testing.F) {
	x, y := npyFile("<f8", "(2, 1)", []float64{1, 2}), npyFile("<i8", "(2,)", []int64{0, 1})
	f.Add(npzFile(f, "x.npy", x, "y.npy", y))
	f.Add(npzFile(f, "x_train.npy", npyFile("|u1", "(2, 1, 1, 2)", []uint8{0, 1, 2, 3}), "y_train.npy", y, "x_test.npy", npyFile("|u1", "(1, 1, 1, 2)", []uint8{0, 1}), "y_test.npy", npyFile("|u1", "(1,)", []uint8{5})))
	f.Add(npzFile(f, "x.npy", npyFile("|u1", "(2, 1000000000000)", []uint8{}), "y.npy", y))
	f.Fuzz(func(t *testing.T, b []byte) {
		checkParsed(t)(parsed(b))
	})
}

// FuzzNPZHeader is FuzzNPZ for the content of the entries, which a changed file seldom reaches past the checksum.
func FuzzNPZHeader(f *testing.F) {
	f.Add(npyFile("<f8", "(2, 1)", []float64{1, 2}), npyFile("<i8", "(2,)", []int64{0, 1}))
	f.Add(npyFile(">f4", "(2, 3)", []float32{1, 2, 3, 4, 5, 6}), npyFile("<f4", "(2, 1)", []float32{0, 1}))
	f.Fuzz(func(t *testing.T, x, y []byte) {
		checkParsed(t)(parsed(npzFile(t, "x.npy", x, "y.npy", y)))
	})
}

// checkParsed checks the result of a parser.
func checkParsed(t *testing.T) func(d *Dataset, err error) {
	return func(d *Dataset, err error) {
		t.Helper()
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q", err)
			}
			return
		}
		for i := range d.Splits {
			s := &d.Splits[i]
			if err := s.fits(d.Width()); err != nil || s.Len() == 0 || slices.Min(s.Labels) < 0 || slices.Max(s.Labels) >= len(d.Classes) {
				t.Errorf("split %s of %d: %v, labels %v of %d classes", s.Name, s.Len(), err, s.Labels, len(d.Classes))
			}
		}
	}
}
