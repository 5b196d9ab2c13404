package export

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// An encoder encodes events as TensorBoard reads them: records, each of one Event message.
// The numbers below are those of the fields in event.proto, summary.proto, tensor.proto and
// plugins/hparams/plugin_data.proto of github.com/tensorflow/tensorboard. The result of a
// method is valid until the next call.
type encoder struct {
	summary, message, out []byte
	wallTime              float64
	step                  int
}

// version encodes the event that a file begins with.
func (e *encoder) version(at time.Time) []byte {
	e.message = protowire.AppendTag(e.message[:0], 1, protowire.Fixed64Type) // wall_time
	e.message = protowire.AppendFixed64(e.message, math.Float64bits(seconds(at)))
	e.message = appendText(e.message, 3, "brain.Event:2") // file_version
	return e.record()
}

func seconds(at time.Time) float64 { return float64(at.UnixMicro()) / 1e6 }

// begin begins the event of a summary.
func (e *encoder) begin(at time.Time, step int) {
	e.summary, e.wallTime, e.step = e.summary[:0], seconds(at), step
}

// empty reports whether the summary has no values.
func (e *encoder) empty() bool { return len(e.summary) == 0 }

// value adds an encoded Summary.Value.
func (e *encoder) value(value []byte) {
	e.summary = protowire.AppendTag(e.summary, 1, protowire.BytesType)
	e.summary = protowire.AppendBytes(e.summary, value)
}

// scalar adds a scalar. TensorBoard keeps the description that comes first.
func (e *encoder) scalar(tag, description string, value float32) {
	v := appendText(e.message[:0], 1, tag)
	v = protowire.AppendTag(v, 2, protowire.Fixed32Type) // simple_value
	v = protowire.AppendFixed32(v, math.Float32bits(value))
	if description != "" {
		v = appendMessage(v, 9, appendText(nil, 3, description)) // metadata: summary_description
	}
	e.message = v
	e.value(v)
}

// end encodes the event of the summary.
func (e *encoder) end() []byte {
	m := protowire.AppendTag(e.message[:0], 1, protowire.Fixed64Type) // wall_time
	m = protowire.AppendFixed64(m, math.Float64bits(e.wallTime))
	m = protowire.AppendTag(m, 2, protowire.VarintType) // step
	m = protowire.AppendVarint(m, uint64(e.step))
	e.message = appendMessage(m, 5, e.summary)
	return e.record()
}

// record encodes the message as a record: its length, the checksum of the length, the
// message and its checksum.
func (e *encoder) record() []byte {
	e.out = binary.LittleEndian.AppendUint64(e.out[:0], uint64(len(e.message)))
	e.out = binary.LittleEndian.AppendUint32(e.out, checksum(e.out))
	e.out = append(e.out, e.message...)
	e.out = binary.LittleEndian.AppendUint32(e.out, checksum(e.message))
	return e.out
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum returns the masked CRC-32C: rotated and offset, so that a checksum of data
// that contain checksums is as good.
func checksum(data []byte) uint32 {
	c := crc32.Checksum(data, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// status is how a session of the hparams plugin ended.
type status uint64

const (
	succeeded status = 1
	failed    status = 2
)

// sessionStart encodes an event with the hyper-parameters of a run.
func (e *encoder) sessionStart(at time.Time, hyperparameters map[string]any) []byte {
	var info []byte
	for _, name := range slices.Sorted(maps.Keys(hyperparameters)) {
		entry := appendText(nil, 1, name)
		entry = appendMessage(entry, 2, protobufValue(hyperparameters[name]))
		info = appendMessage(info, 1, entry) // hparams
	}
	info = protowire.AppendTag(info, 5, protowire.Fixed64Type) // start_time_secs
	info = protowire.AppendFixed64(info, math.Float64bits(seconds(at)))
	return e.hparams(at, "_hparams_/session_start_info", 3, info)
}

// sessionEnd encodes an event that says how a run ended.
func (e *encoder) sessionEnd(at time.Time, s status) []byte {
	info := protowire.AppendTag(nil, 1, protowire.VarintType)
	info = protowire.AppendVarint(info, uint64(s))
	info = protowire.AppendTag(info, 2, protowire.Fixed64Type) // end_time_secs
	info = protowire.AppendFixed64(info, math.Float64bits(seconds(at)))
	return e.hparams(at, "_hparams_/session_end_info", 4, info)
}

// hparams encodes an event of the hparams plugin. Its message is a field of the metadata's
// content, whose field version is 0. There must be a tensor; this one is empty.
func (e *encoder) hparams(at time.Time, tag string, field protowire.Number, message []byte) []byte {
	plugin := appendText(nil, 1, "hparams")
	plugin = appendMessage(plugin, 2, appendMessage(nil, field, message))
	metadata := appendMessage(nil, 1, plugin)
	metadata = protowire.AppendTag(metadata, 4, protowire.VarintType)                      // data_class
	metadata = protowire.AppendVarint(metadata, 2)                                         // DATA_CLASS_TENSOR
	tensor := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1) // dtype DT_FLOAT
	tensor = appendMessage(tensor, 2, appendMessage(nil, 2, nil))                          // tensor_shape (0)
	v := appendText(nil, 1, tag)
	v = appendMessage(v, 8, tensor)
	v = appendMessage(v, 9, metadata)
	e.begin(at, 0)
	e.value(v)
	return e.end()
}

// protobufValue encodes a google.protobuf.Value.
func protobufValue(value any) []byte {
	number := func(v float64) []byte {
		return protowire.AppendFixed64(protowire.AppendTag(nil, 2, protowire.Fixed64Type), math.Float64bits(v))
	}
	switch v := value.(type) {
	case bool:
		return protowire.AppendVarint(protowire.AppendTag(nil, 4, protowire.VarintType), protowire.EncodeBool(v))
	case float64:
		return number(v)
	case int:
		return number(float64(v))
	case int64:
		return number(float64(v))
	case uint64:
		return number(float64(v))
	default:
		return appendText(nil, 3, fmt.Sprint(v))
	}
}

func appendText(b []byte, field protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), text)
}

func appendMessage(b []byte, field protowire.Number, message []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), message)
}
