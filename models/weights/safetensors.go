package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/hessoscope/hessoscope/datasets/npy"
)

// The .safetensors format: the length of the header (8 bytes little-endian), the
// header, which is JSON, and the buffer with the data, little-endian and
// row-major. See github.com/huggingface/safetensors.
const (
	maxTensorHeader = 100_000_000 // bytes, as in the reference implementation
	metadataKey     = "__metadata__"
)

var tensorTypes = map[string]elementType{
	"F64": float64Type, "F32": float32Type, "F16": float16Type, "BF16": bfloat16Type,
}

// tensor is an entry of the header.
type tensor struct {
	name       string
	dtype      string
	shape      []int
	begin, end int // of its data in the buffer
}

func readSafetensors(r io.ReaderAt, size int64) ([]Array, error) {
	header, err := readTensorHeader(r, size)
	if err != nil {
		return nil, err
	}
	tensors, _, err := parseTensorHeader(header)
	if err != nil {
		return nil, err
	}
	start := 8 + int64(len(header))
	if err := checkLayout(tensors, size-start); err != nil {
		return nil, err
	}
	arrays := make([]Array, len(tensors))
	for i, t := range tensors {
		data := io.NewSectionReader(r, start+int64(t.begin), int64(t.end-t.begin))
		if arrays[i], err = t.read(data); err != nil {
			return nil, fmt.Errorf("array %q: %w", t.name, err)
		}
	}
	if err := checkArrays(arrays, checkTensorName); err != nil {
		return nil, err
	}
	return arrays, nil
}

func readTensorHeader(r io.ReaderAt, size int64) ([]byte, error) {
	var length [8]byte
	if size < int64(len(length)) {
		return nil, fmt.Errorf("is not a .safetensors file: %d bytes; want at least 8, the length of the header", size)
	}
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), length[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxTensorHeader || n > uint64(size)-8 {
		return nil, fmt.Errorf("the .safetensors header has %d bytes; want at most %d, the rest of the file",
			n, min(size-8, maxTensorHeader))
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(r, 8, size-8), header); err != nil {
		return nil, err
	}
	return header, nil
}

// parseTensorHeader returns the tensors sorted by offset, and the metadata. It reads
// token by token, because json.Unmarshal keeps the last of two equal keys.
func parseTensorHeader(header []byte) (tensors []tensor, metadata map[string]string, err error) {
	if !utf8.Valid(header) {
		return nil, nil, errors.New("the .safetensors header is not UTF-8")
	}
	if !bytes.HasPrefix(header, []byte("{")) {
		return nil, nil, errors.New("the .safetensors header is not a JSON object; want it to begin with {")
	}
	// From here on only meaning can be wrong, not syntax.
	if err := json.Unmarshal(header, new(json.RawMessage)); err != nil {
		return nil, nil, fmt.Errorf("the .safetensors header: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(header))
	err = object(d, func(key string) error {
		if key == metadataKey {
			metadata, err = readMetadata(d)
			return err
		}
		t, err := parseTensor(d)
		t.name = key
		tensors = append(tensors, t)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("the .safetensors header: %w", err)
	}
	slices.SortStableFunc(tensors, func(s, t tensor) int {
		return cmp.Or(cmp.Compare(s.begin, t.begin), cmp.Compare(s.end, t.end))
	})
	return tensors, metadata, nil
}

// object reads a JSON object; value is called for each key and reads its value.
func object(d *json.Decoder, value func(key string) error) error {
	if open, err := d.Token(); err != nil {
		return err
	} else if open != json.Delim('{') {
		return fmt.Errorf("%v is not an object", open)
	}
	seen := make(map[string]bool)
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		if seen[key] {
			return fmt.Errorf("key %q is there twice; keys must be distinct", key)
		}
		seen[key] = true
		if err := value(key); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
	}
	_, err := d.Token() // the closing brace
	return err
}

// readMetadata reads a map from text to text.
func readMetadata(d *json.Decoder) (map[string]string, error) {
	metadata := make(map[string]string)
	return metadata, object(d, func(key string) error {
		token, err := d.Token()
		if err != nil {
			return err
		}
		text, ok := token.(string)
		if !ok {
			return fmt.Errorf("%v is not a string", token)
		}
		metadata[key] = text
		return nil
	})
}

// count is a size or an offset: a whole number in digits, never null.
type count int

func (c *count) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseUint(string(b), 10, strconv.IntSize-1)
	if err != nil {
		return fmt.Errorf("%s is not a size", b)
	}
	*c = count(n)
	return nil
}

func parseTensor(d *json.Decoder) (tensor, error) {
	var (
		t              tensor
		shape, offsets []count
	)
	err := object(d, func(key string) error {
		switch key {
		case "dtype":
			return d.Decode(&t.dtype)
		case "shape":
			return d.Decode(&shape)
		case "data_offsets":
			return d.Decode(&offsets)
		default:
			return errors.New("is not a key of a tensor; want dtype, shape and data_offsets")
		}
	})
	if err != nil {
		return tensor{}, err
	}
	if t.dtype == "" || shape == nil || len(offsets) != 2 {
		return tensor{}, errors.New(`want "dtype", "shape" and "data_offsets" with two numbers`)
	}
	t.shape = make([]int, len(shape))
	for i, n := range shape {
		t.shape[i] = int(n)
	}
	t.begin, t.end = int(offsets[0]), int(offsets[1])
	return t, nil
}

// checkLayout checks that the tensors, sorted by offset, cover the buffer of
// the given size without overlap or gap.
func checkLayout(tensors []tensor, size int64) error {
	covered := 0
	for _, t := range tensors {
		if t.begin != covered || t.end < t.begin || int64(t.end) > size {
			return fmt.Errorf("array %q: data_offsets are [%d, %d]; want them to begin at %d, "+
				"where the one before ends, and to end within the %d bytes of data",
				t.name, t.begin, t.end, covered, size)
		}
		covered = t.end
	}
	if int64(covered) != size {
		return fmt.Errorf("the arrays cover %d bytes of data, the file has %d; want them equal", covered, size)
	}
	return nil
}

// read reads the tensor from its data.
func (t *tensor) read(data *io.SectionReader) (Array, error) {
	et, ok := tensorTypes[t.dtype]
	if !ok {
		return Array{}, fmt.Errorf("dtype %.40q is not supported; want F64, F32, F16 or BF16", t.dtype)
	}
	n, err := npy.Elements(t.shape)
	if err != nil {
		return Array{}, err
	}
	if want := int64(n) * int64(et.size); data.Size() != want {
		return Array{}, fmt.Errorf("shape %s of dtype %s needs %d bytes, data_offsets give it %d",
			npy.Tuple(t.shape), t.dtype, want, data.Size())
	}
	values, err := readValues(data, n, et, binary.LittleEndian)
	if err != nil {
		return Array{}, err
	}
	return Array{Name: t.name, Shape: t.shape, Data: values, Float32: et.float32}, nil
}

func checkTensorName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case name == metadataKey:
		return errors.New("the name is reserved in .safetensors files")
	case !utf8.ValidString(name):
		return errors.New("the name is not UTF-8")
	}
	return nil
}

func writeSafetensors(w io.Writer, arrays []Array, metadata map[string]string) error {
	header, err := tensorHeader(arrays, metadata)
	if err != nil {
		return err
	}
	start := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	if _, err := w.Write(append(start, header...)); err != nil {
		return err
	}
	for i := range arrays {
		if err := writeValues(w, &arrays[i]); err != nil {
			return err
		}
	}
	return nil
}

// tensorHeader returns the header for arrays whose data follow in their order,
// padded so that the data begin at a multiple of 8 bytes.
func tensorHeader(arrays []Array, metadata map[string]string) ([]byte, error) {
	header := []byte("{")
	if len(metadata) > 0 {
		text, err := json.Marshal(metadata) // sorted by key
		if err != nil {
			return nil, err
		}
		header = fmt.Appendf(header, "%q:%s", metadataKey, text)
	}
	begin := 0
	for _, a := range arrays {
		if len(header) > 1 {
			header = append(header, ',')
		}
		name, err := json.Marshal(a.Name)
		if err != nil {
			return nil, err
		}
		dtype, end := "F64", begin+8*len(a.Data)
		if a.Float32 {
			dtype, end = "F32", begin+4*len(a.Data)
		}
		shape := append([]int{}, a.Shape...) // never nil, which would be null
		sizes, err := json.Marshal(shape)
		if err != nil {
			return nil, err
		}
		header = fmt.Appendf(header, `%s:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, name, dtype, sizes, begin, end)
		begin = end
	}
	header = append(header, '}')
	for len(header)%8 != 0 {
		header = append(header, ' ')
	}
	if len(header) > maxTensorHeader {
		return nil, fmt.Errorf("the .safetensors header would have %d bytes; at most %d are allowed", len(header), maxTensorHeader)
	}
	return header, nil
}
